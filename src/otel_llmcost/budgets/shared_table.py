"""A small table in a mapped file, shared by all processes of a user, that survives any of them being killed.

Layout: a header with a redo record, then cells (sums of accounts), one state byte a slot, slots
(reservations). Every change is one `commit`: the new bytes go into the redo record with a checksum, then into
place, then the record is emptied. Whoever takes the lock next finishes a change that a killed process left
half-way, or drops a record that it never finished writing. The kernel frees the lock of a killed process.

It survives the death of every process, not a loss of power (the ledger does, and budgets are reconciled from
it).
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from .counter import CounterBusy, CounterUnreachable

CELLS = 16_384
SLOTS = 4_096
CELL_SIZE = 96
SLOT_SIZE = 64
_MAGIC = b"LLMCBGT1"
_LAST_ID = 8
_LAST_SWEEP = 16
_REDO = 64
_REDO_HEAD = struct.Struct("<II")
_REDO_PART = struct.Struct("<IH")
_WORD = struct.Struct("<Q")
_HEADER_SIZE = 20_480
_CELLS_AT = _HEADER_SIZE
_STATES_AT = _CELLS_AT + CELLS * CELL_SIZE
_SLOTS_AT = _STATES_AT + SLOTS
TOTAL_SIZE = _SLOTS_AT + SLOTS * SLOT_SIZE

Write = tuple[int, bytes]
"""Where new bytes go, and the bytes."""

_LOCK_EXCLUSIVE_NOW = 2 | 4
_UNLOCK = 8


def cell_at(index: int) -> int:
    """The offset of a cell."""
    return _CELLS_AT + index * CELL_SIZE


def slot_at(index: int) -> int:
    """The offset of a slot."""
    return _SLOTS_AT + index * SLOT_SIZE


def state_at(index: int) -> int:
    """The offset of a slot's state byte: 0 free, 1 in use."""
    return _STATES_AT + index


def _flock() -> Callable[[int, int], int]:
    """flock(2) without giving up the interpreter lock.

    `fcntl.flock` gives it up, and getting it back beside a busy thread takes 5 ms, with the file locked all
    that time. The call never blocks (LOCK_NB), so there is nothing to give it up for.
    """
    try:
        import ctypes

        flock = ctypes.PyDLL(None).flock
        flock.argtypes, flock.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    except (ImportError, OSError, AttributeError, TypeError):
        return _slow_flock
    else:
        locked: Callable[[int, int], int] = flock
        return locked


def _slow_flock(descriptor: int, operation: int) -> int:
    import fcntl

    try:
        fcntl.flock(descriptor, operation)
    except OSError:
        return -1
    return 0


class SharedTable:
    """The mapped file. Between `lock` and `unlock` its bytes are this process's alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._flock = _flock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise CounterUnreachable(f"{path}: {error.strerror}") from None
        try:
            self._memory = self._map()
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        """Lets go of the file; also of a lock that a forked child inherited with it."""
        self._memory.close()
        os.close(self._file)

    def _map(self) -> mmap.mmap:
        if self._flock(self._file, _LOCK_EXCLUSIVE_NOW):
            raise CounterBusy
        try:
            if os.fstat(self._file).st_uid != os.geteuid():
                raise CounterUnreachable(f"{self.path} belongs to another user")
            if os.fstat(self._file).st_size < TOTAL_SIZE:
                _allocate(self._file)
            memory = mmap.mmap(self._file, TOTAL_SIZE)
            magic = memory[: len(_MAGIC)]
            if magic == bytes(len(_MAGIC)):
                memory[: len(_MAGIC)] = _MAGIC
            elif magic != _MAGIC:
                memory.close()
                raise CounterUnreachable(f"{self.path} is not a budget counter; remedy: remove it")
        except OSError as error:
            raise CounterUnreachable(f"{self.path}: {error.strerror}") from None
        finally:
            self._flock(self._file, _UNLOCK)
        return memory

    def lock(self) -> None:
        """Takes the table. Raises `CounterBusy` at once when another process has it."""
        if self._flock(self._file, _LOCK_EXCLUSIVE_NOW):
            raise CounterBusy
        if self._memory[_REDO] or self._memory[_REDO + 1]:
            self._redo()

    def unlock(self) -> None:
        """Gives the table back."""
        self._flock(self._file, _UNLOCK)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes as they stand."""
        return self._memory[offset : offset + size]

    def commit(self, writes: Sequence[Write]) -> None:
        """Makes all writes, or, if this process is killed on the way, all or none."""
        payload = b"".join([_REDO_PART.pack(offset, len(data)) + data for offset, data in writes])
        end = _REDO + _REDO_HEAD.size + len(payload)
        if end > _HEADER_SIZE:
            raise CounterUnreachable(f"{len(writes)} changes at once are too many for {self.path}")
        self._memory[_REDO:end] = _REDO_HEAD.pack(len(payload), zlib.crc32(payload)) + payload
        self._apply(writes)

    def _apply(self, writes: Sequence[Write]) -> None:
        memory = self._memory
        for offset, data in writes:
            memory[offset : offset + len(data)] = data
        memory[_REDO : _REDO + 4] = b"\0\0\0\0"

    def _redo(self) -> None:
        length, checksum = _REDO_HEAD.unpack(self.read(_REDO, _REDO_HEAD.size))
        payload = self.read(_REDO + _REDO_HEAD.size, min(length, _HEADER_SIZE))
        writes: list[Write] = []
        if len(payload) == length and zlib.crc32(payload) == checksum:
            at = 0
            while at < length:
                offset, size = _REDO_PART.unpack_from(payload, at)
                at += _REDO_PART.size + size
                writes.append((offset, payload[at - size : at]))
        self._apply(writes)

    def last_id(self) -> int:
        """The id of the newest reservation."""
        return int(_WORD.unpack_from(self._memory, _LAST_ID)[0])

    def id_write(self, number: int) -> Write:
        """The write that makes `number` the newest id."""
        return _LAST_ID, _WORD.pack(number)

    def last_sweep(self) -> int:
        """When the slots were last swept, in nanoseconds of the system's monotonic clock."""
        return int(_WORD.unpack_from(self._memory, _LAST_SWEEP)[0])

    def sweep_write(self, at: int) -> Write:
        """The write that notes a sweep."""
        return _LAST_SWEEP, _WORD.pack(at)

    def slots(self, state: bytes, after: int = 0) -> int:
        """The first slot from `after` on that is in this state, -1 for none."""
        found = self._memory.find(state, _STATES_AT + after, _STATES_AT + SLOTS)
        return found - _STATES_AT if found >= 0 else -1


def _allocate(file: int) -> None:
    # A hole in the file would be a SIGBUS on a full disk: the blocks are asked for now.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, TOTAL_SIZE)
    else:
        os.pwrite(file, bytes(TOTAL_SIZE), 0)

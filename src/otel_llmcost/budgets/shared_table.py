"""A small table in a mapped file, shared by all processes of a user, that survives any of them being killed.

Layout: a header with a sequence number and a redo record, then cells (sums of accounts), one state byte a slot,
slots (reservations). Whoever wants to change something reads what it needs, works out the new bytes, and commits
them: under the file's lock, if the sequence number is still the one it began with. A commit writes the redo record
with a checksum, makes the number odd, writes the bytes into place, makes the number even. Whoever meets an odd
number without a holder of the lock finishes the change from the record. The kernel frees the lock of the killed.

The lock is held inside one C call only. A thread that lost the interpreter lock with the file locked would keep all
other processes out for 5 ms for every busy thread beside it.

The table survives the death of every process, not a loss of power (budgets are reconciled from the ledger).
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import threading
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, repeat
from operator import getitem, setitem
from pathlib import Path
from typing import Any

from ..ledger.location import prepare_directory
from .counter import CounterBusy, CounterUnreachable

CELLS = 16_384
SLOTS = 4_096
CELL_SIZE = 96
SLOT_SIZE = 64
_MAGIC = b"LLMCBGT1"
_SEQUENCE_AT = slice(8, 16)
_LAST_ID = 16
_LAST_SWEEP = 24
_REDO = 64
_REDO_HEAD = struct.Struct("<QII")
_REDO_PART = struct.Struct("<IH")
_WORD = struct.Struct("<Q")
_HEADER_SIZE = 20_480
_CELLS_AT = _HEADER_SIZE
_STATES_AT = _CELLS_AT + CELLS * CELL_SIZE
_SLOTS_AT = _STATES_AT + SLOTS
TOTAL_SIZE = _SLOTS_AT + SLOTS * SLOT_SIZE

_LOCK_NOW = 2 | 4
_UNLOCK = 8

Write = tuple[int, bytes]
"""Where new bytes go, and the bytes."""


class Conflict(CounterBusy):
    """Somebody else changed the table meanwhile: read again."""


def cell_at(index: int) -> int:
    """The offset of a cell."""
    return _CELLS_AT + index * CELL_SIZE


def slot_at(index: int) -> int:
    """The offset of a slot."""
    return _SLOTS_AT + index * SLOT_SIZE


def state_at(index: int) -> int:
    """The offset of a slot's state byte: 0 free, 1 in use."""
    return _STATES_AT + index


class SharedTable:
    """The mapped file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._flock = _flock()
        # Threads share the open file and with it its lock; what keeps them apart is the interpreter lock.
        alone = getattr(sys, "_is_gil_enabled", lambda: True)()
        self._apart: AbstractContextManager[object] = nullcontext() if alone else threading.Lock()
        try:
            prepare_directory(path.parent)
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

    def turn(self) -> Turn:
        """A consistent view to read from and to commit on. Raises `CounterBusy` while another process commits."""
        sequence = self._memory[_SEQUENCE_AT]
        if sequence[0] & 1:
            sequence = self._recover()
        return Turn(self, sequence)

    def lock(self) -> None:
        """Keeps every other process from committing. Raises `CounterBusy` at once when one has the lock."""
        if self._flock(self._file, _LOCK_NOW):
            raise CounterBusy

    def unlock(self) -> None:
        """Ends `lock`."""
        self._flock(self._file, _UNLOCK)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes as they stand."""
        return self._memory[offset : offset + size]

    def find(self, byte: bytes, start: int, end: int) -> int:
        """Where a byte stands first, -1 for nowhere."""
        return self._memory.find(byte, start, end)

    def sequence(self) -> bytes:
        """The number of the last commit; odd in the middle of one."""
        return self._memory[_SEQUENCE_AT]

    def commit(self, expected: bytes, writes: Sequence[Write]) -> bytes:
        """Makes all writes if the sequence is the expected one; the new sequence. Raises `Conflict`.

        If this process is killed on the way, all of them are made or none.
        """
        number = _WORD.unpack(expected)[0]
        payload = b"".join([_REDO_PART.pack(offset, len(data)) + data for offset, data in writes])
        end = _REDO + _REDO_HEAD.size + len(payload)
        if end > _HEADER_SIZE:
            raise CounterUnreachable(f"{len(writes)} changes at once are too many for {self.path}")
        record = _REDO_HEAD.pack(number + 1, len(payload), zlib.crc32(payload)) + payload
        after = _WORD.pack(number + 2)
        places = [slice(_REDO, end), _SEQUENCE_AT]
        places += [slice(offset, offset + len(data)) for offset, data in writes]
        contents = [record, _WORD.pack(number + 1), *[data for _, data in writes], after]
        self._commit(expected, [*places, _SEQUENCE_AT], contents)
        return after

    def _commit(self, expected: bytes, places: list[slice], contents: list[bytes]) -> None:
        # One C call from locking to unlocking, without a byte of bytecode between: `index` raises where the lock
        # is not had or the sequence is another, `append` notes how far it came. Nothing in it allocates what the
        # garbage collector tracks.
        reached: list[int] = []
        flock, file = self._flock, (self._file,)
        memory: Any = self._memory
        steps = chain(
            map((0,).index, map(flock, file, (_LOCK_NOW,))),
            map(reached.append, (1,)),
            map((expected,).index, map(getitem, (memory,), (_SEQUENCE_AT,))),
            map(setitem, repeat(memory), places, contents),
            map(flock, file, (_UNLOCK,)),
            map(reached.append, (2,)),
        )
        with self._apart:
            try:
                deque(steps, maxlen=0)
            except ValueError:
                raise Conflict from None
            finally:
                if len(reached) == 1:
                    self._flock(self._file, _UNLOCK)

    def _recover(self) -> bytes:
        """Finishes what a killed process began; the sequence then. Raises `CounterBusy` where it is alive."""
        with self._apart:
            self.lock()
            try:
                sequence = self._memory[_SEQUENCE_AT]
                if sequence[0] & 1:
                    sequence = self._redo(_WORD.unpack(sequence)[0])
                return sequence
            finally:
                self.unlock()

    def _redo(self, number: int) -> bytes:
        wanted, length, checksum = _REDO_HEAD.unpack(self.read(_REDO, _REDO_HEAD.size))
        payload = self.read(_REDO + _REDO_HEAD.size, min(length, _HEADER_SIZE))
        if wanted != number or len(payload) != length or zlib.crc32(payload) != checksum:
            raise CounterUnreachable(f"{self.path} is damaged; remedy: remove it")
        at = 0
        while at < length:
            offset, size = _REDO_PART.unpack_from(payload, at)
            at += _REDO_PART.size + size
            self._memory[offset : offset + size] = payload[at - size : at]
        after = _WORD.pack(number + 1)
        self._memory[_SEQUENCE_AT] = after
        return after

    def _map(self) -> mmap.mmap:
        if self._flock(self._file, _LOCK_NOW):
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


class Turn:
    """A view of the table as of one commit. Every `commit` on it raises `Conflict` once somebody else was faster."""

    __slots__ = ("_sequence", "_table", "read")

    def __init__(self, table: SharedTable, sequence: bytes) -> None:
        self._table, self._sequence = table, sequence
        self.read = table.read

    @property
    def path(self) -> Path:
        """The table's file."""
        return self._table.path

    def commit(self, writes: Sequence[Write]) -> None:
        """Makes all writes or none; this view is then that of the new state."""
        self._sequence = self._table.commit(self._sequence, writes)

    def is_current(self) -> bool:
        """Whether nobody committed since this view began."""
        return self._table.sequence() == self._sequence

    def check(self) -> None:
        """Raises `Conflict` where what was read may be of different moments."""
        if not self.is_current():
            raise Conflict

    def last_id(self) -> int:
        """The id of the newest reservation."""
        return int(_WORD.unpack(self.read(_LAST_ID, 8))[0])

    def id_write(self, number: int) -> Write:
        """The write that makes `number` the newest id."""
        return _LAST_ID, _WORD.pack(number)

    def last_sweep(self) -> int:
        """When the slots were last swept, in nanoseconds of the system's monotonic clock."""
        return int(_WORD.unpack(self.read(_LAST_SWEEP, 8))[0])

    def sweep_write(self, at: int) -> Write:
        """The write that notes a sweep."""
        return _LAST_SWEEP, _WORD.pack(at)

    def slots(self, state: bytes, after: int = 0) -> int:
        """The first slot from `after` on that is in this state, -1 for none."""
        found = self._table.find(state, _STATES_AT + after, _STATES_AT + SLOTS)
        return found - _STATES_AT if found >= 0 else -1


def _flock() -> Callable[[int, int], int]:
    """flock(2) without giving up the interpreter lock, as `fcntl.flock` does; it never blocks (LOCK_NB)."""
    try:
        import ctypes

        flock = ctypes.PyDLL(None).flock
    except (ImportError, OSError, AttributeError, TypeError):
        raise CounterUnreachable("this Python has no ctypes to lock a shared counter with") from None
    flock.argtypes, flock.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    locked: Callable[[int, int], int] = flock
    return locked


def _allocate(file: int) -> None:
    # A hole in the file would be a SIGBUS on a full disk: the blocks are asked for now.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, TOTAL_SIZE)
    else:
        os.pwrite(file, bytes(TOTAL_SIZE), 0)

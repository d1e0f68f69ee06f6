"""A segment: the file into which one process appends frames, locked for as long as it may still write.

The lock (`flock`) is what tells readers that the owner is alive: it goes with the process, however that dies.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .location import FILE_MODE

SUFFIX = ".v1.segment"
_UNFINISHED = ".new"
_STALE_SECONDS = 3600
_CANNOT_RESERVE = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENODEV, errno.ENOSYS})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM})
"""No room for a whole segment, on disk or in the address space: maybe for some frames."""


class MappedSegment:
    """A reserved file mapped into memory; `view[a:b] = frame` is an append, and `limit` its size in bytes.

    The mapping keeps its own descriptor of the locked file, so the lock lives exactly as long as the mapping.
    The file is reserved, never grown by truncation: a hole on a full disk would kill the process with SIGBUS.
    Writing the zeros at once costs a fifth of what the first touch of each reserved page would cost later.
    """

    def __init__(self, journal: Path, size: int) -> None:
        with _created(journal) as (descriptor, self.path):
            os.posix_fallocate(descriptor, 0, size)
            if os.write(descriptor, bytes(size)) < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(journal))
            self.view = mmap.mmap(descriptor, size)
        self.limit = size


class AppendedSegment:
    """A file that grows by one `write` per frame, where mapping cannot be had."""

    def __init__(self, journal: Path, size: int) -> None:
        with _created(journal, os.O_APPEND) as (descriptor, self.path):
            self._descriptor = os.dup(descriptor)
        self.limit = size
        self._size = 0

    def append(self, frame: bytes) -> bool:
        """Appends a whole frame or nothing; False when the segment is full. Raises `OSError`."""
        if self._size and self._size + len(frame) > self.limit:
            return False
        try:
            written = os.write(self._descriptor, frame)
            while written < len(frame):
                written += os.write(self._descriptor, frame[written:])
        except OSError:
            with contextlib.suppress(OSError):  # a torn frame at the end is tolerated by readers too
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(frame)
        return True

    def __del__(self) -> None:
        descriptor = getattr(self, "_descriptor", -1)
        if descriptor >= 0:
            os.close(descriptor)


def open_segment(journal: Path, size: int, *, mapped: bool) -> MappedSegment | AppendedSegment:
    """A new segment of `size` bytes, mapped if possible. Raises `OSError` (full, read-only, no locks)."""
    if mapped and hasattr(os, "posix_fallocate"):
        try:
            return MappedSegment(journal, size)
        except OSError as refusal:
            if refusal.errno not in _CANNOT_RESERVE | _NO_ROOM:
                raise
    return AppendedSegment(journal, size)


@contextlib.contextmanager
def _created(journal: Path, flags: int = 0) -> Iterator[tuple[int, Path]]:
    """A new locked file that appears under its final name only when the body is through."""
    name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(4).hex()}"
    unfinished, path = journal / f"{name}{_UNFINISHED}", journal / f"{name}{SUFFIX}"
    flags |= os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(unfinished, flags, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor, path
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def segments(journal: Path) -> list[Path]:
    """The journal's segments, oldest first."""
    try:
        return sorted(path for path in journal.iterdir() if path.name.endswith(SUFFIX))
    except (FileNotFoundError, NotADirectoryError):
        return []


def bytes_of(journal: Path) -> int:
    """What the journal's files take, in bytes, reserved room included."""
    total = 0
    with os.scandir(journal) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                total += entry.stat().st_size
    return total


def waiting_in(journal: Path) -> int:
    """Bytes of the segments that nobody writes any more, which is what a drain makes room of.

    Those of living processes are left out: mostly reserved and drained already, one a process.
    """
    total = 0
    for path in segments(journal):
        # removed meanwhile, or of another user, whom it is up to to drain it
        with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
            if is_sealed(file.fileno()):
                total += os.fstat(file.fileno()).st_size
    return total


def give_back(segment: Path, written: int) -> None:
    """Frees what its owner reserved and will not write. It has to be locked still."""
    with contextlib.suppress(OSError):  # removed, or a disk that fails: the reserve stays until it is drained
        os.truncate(segment, written)


def give_back_reserves(journal: Path) -> None:
    """Frees what killed processes had reserved and did not write; no record ends with a NUL."""
    for path in segments(journal):
        # removed meanwhile, or of another user
        with contextlib.suppress(OSError), path.open("r+b", buffering=0) as file:
            if is_sealed(file.fileno()) and os.pread(file.fileno(), 1, file.seek(-1, os.SEEK_END)) == b"\0":
                file.seek(0)
                file.truncate(len(file.readall().rstrip(b"\0")))


def owner_of(segment: Path) -> int:
    """The process id in a segment's name, 0 where there is none."""
    parts = segment.name.split("-")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


def is_sealed(descriptor: int) -> bool:
    """Whether nobody writes into the opened segment any more: its owner is gone or has moved on."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def remove_unfinished(journal: Path, now: float) -> None:
    """Removes files of processes that died while they made a segment. `now`: seconds since the epoch."""
    for path in journal.glob(f"*{_UNFINISHED}"):
        with contextlib.suppress(FileNotFoundError):
            if now - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()

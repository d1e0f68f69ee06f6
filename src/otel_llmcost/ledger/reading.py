"""Reading a ledger that nobody can write: on a read-only or full disk, or another user's."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from ..errors import LedgerError
from .frames import read_frames
from .segment import is_sealed, segments

_CANNOT_WRITE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CANNOT_WRITE_DATABASE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM")


def was_only_writing(failure: LedgerError) -> bool:
    """Whether what failed is writing, so that what is there may still be read."""
    cause = failure.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorname", "").startswith(_CANNOT_WRITE_DATABASE)
    return isinstance(cause, OSError) and cause.errno in _CANNOT_WRITE


def connect_to_read(path: Path, timeout_s: float) -> tuple[sqlite3.Connection, bool]:
    """The database, and whether all of it can be read. Raises `sqlite3.Error`.

    SQLite needs a file of shared memory beside a database with a write-ahead log. Where it can make none, the log
    is read by whoever gets the database for himself alone, or it is left out: then it is not all, unless there
    is nothing in it.
    """
    log = path.with_name(f"{path.name}-wal")
    if not _size(log):
        ways = [("mode=ro", False, True), ("mode=ro&immutable=1", False, True)]
    else:
        ways = [("mode=ro", False, True), ("mode=rw", True, True), ("mode=ro&immutable=1", False, False)]
    for number, (mode, alone, whole) in enumerate(ways, 1):
        try:
            return _connected(path, mode, timeout_s, alone=alone), whole
        except sqlite3.OperationalError:
            if number == len(ways):
                raise
    raise AssertionError  # the last way has returned or raised


def _connected(path: Path, mode: str, timeout_s: float, *, alone: bool) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=timeout_s, isolation_level=None
    )
    try:
        if alone:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database


def waiting_calls(database: sqlite3.Connection, journal: Path) -> int:
    """How many calls wait in the journal that the database does not have."""
    drained = {
        str(name): int(offset) for name, offset in database.execute("SELECT name, drained FROM segments")
    }
    count = 0
    for path in segments(journal):
        with path.open("rb") as file:
            sealed = is_sealed(file.fileno())
            file.seek(drained.get(path.name, 0))
            count += len(read_frames(file.read(), sealed=sealed).contents)
    return count


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0

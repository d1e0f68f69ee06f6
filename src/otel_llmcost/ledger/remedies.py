"""What a person can do about a ledger that cannot be read or written."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

ANOTHER_PLACE = "set OTEL_LLMCOST_LEDGER to a directory on a local disk that this user may write to"
_SPACE = "free space on this disk, or " + ANOTHER_PLACE
_READ_ONLY = "this file system is read-only: " + ANOTHER_PLACE
_IN_THE_WAY = "something else has this name: move it away, or " + ANOTHER_PLACE
_DISK = "the disk or its file system reports an error: look into the system's log, or " + ANOTHER_PLACE
_BUSY = "another program is writing; try again, or raise OTEL_LLMCOST_LEDGER_TIMEOUT"
_OF_NUMBER = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or free space",
    errno.EROFS: _READ_ONLY,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.EIO: _DISK,
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit on open files",
    errno.ENOMEM: "give the program more memory",
}
_OF_DATABASE = {
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_FULL": _SPACE,
    # the shared memory beside the database cannot grow: what a full disk looks like before anything is written
    "SQLITE_IOERR_SHMSIZE": _SPACE,
    "SQLITE_IOERR": _DISK,
    "SQLITE_NOMEM": _OF_NUMBER[errno.ENOMEM],
}


def words_of(failure: OSError) -> str:
    """What the operating system says, and of which file."""
    said = failure.strerror or str(failure)
    return f"{said}: {failure.filename}" if failure.filename else said


def words_of_database(failure: sqlite3.DatabaseError) -> str:
    """What is wrong with the contents of a database, and what to do."""
    if str(failure).startswith("CHECK constraint failed"):
        return (
            f"cannot hold the sum of a quarter-hour above 9,223,372,036 USD ({failure}); remedy: correct the price "
            "rows, then otel-llmcost reprice --apply; new calls wait in the journal"
        )
    return (
        f"is damaged ({failure}); remedy: move this file away, a new one is begun; calls that still wait in the "
        "journal are kept"
    )


def remedy_of(failure: OSError | ValueError) -> str:
    """For what the operating system refused."""
    return _OF_NUMBER.get(getattr(failure, "errno", None) or 0, "make it writable, or " + ANOTHER_PLACE)


def remedy_of_database(failure: sqlite3.OperationalError) -> str:
    """For what the database refused; extended codes (SQLITE_IOERR_WRITE) count with their kind, unless named."""
    name = getattr(failure, "sqlite_errorname", "")
    kind = "_".join(name.split("_")[:2])
    otherwise = "make the directory readable and writable, or " + ANOTHER_PLACE
    return _OF_DATABASE.get(name) or _OF_DATABASE.get(kind, otherwise)

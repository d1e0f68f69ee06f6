"""Where the ledger lives: the user's state directory, private, on a local disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ..errors import LedgerError

JOURNAL_FOLDER = "journal"
DATABASE_NAME = "ledger.sqlite3"
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600

# On these, shared mappings and SQLite's write-ahead log are not coherent between machines, or not offered.
_REMOTE_TYPES = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "lustre", "glusterfs", "afs", "beegfs"}
)
# These write elsewhere what is written again, so that a reserved place is none: on a full disk SIGBUS.
_COPY_ON_WRITE_TYPES = frozenset({"btrfs", "zfs", "bcachefs"})
_MOUNTS = Path("/proc/self/mountinfo")


def default_directory(environ: Mapping[str, str]) -> Path | None:
    """The user's state directory for this package, None where the user has no home.

    `$XDG_STATE_HOME/otel-llmcost`, else `~/.local/state/otel-llmcost`. A relative XDG_STATE_HOME is ignored,
    as the XDG base directory specification demands (checked 2026-11-23).
    """
    state = environ.get("XDG_STATE_HOME", "")
    if state and Path(state).is_absolute():
        return Path(state) / "otel-llmcost"
    home = environ.get("HOME", "") or _home_of_account()
    if not home or not Path(home).is_absolute():
        return None
    return Path(home) / ".local" / "state" / "otel-llmcost"


def _home_of_account() -> str:
    try:
        return str(Path.home())
    except RuntimeError:  # a container whose user id has no account
        return ""


def prepare_directory(directory: Path) -> None:
    """Makes a directory, and the missing ones above it, that only their owner may read. Raises `OSError`."""
    if directory.is_dir():
        return
    if directory.parent != directory:
        prepare_directory(directory.parent)
    directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)


def place_to_read(named: Path | None, settings: Path | None, *, enabled: bool) -> Path:
    """The ledger's directory: the `named` one, which has to be there, else that of the settings.

    Raises `LedgerError`, also where the settings keep no ledger: its emptiness would be no answer.
    """
    if named is not None:
        if not named.is_dir():
            raise LedgerError(f"there is no ledger in {named}; remedy: name its directory, or none")
        return named
    if not enabled:
        raise LedgerError(
            "the ledger is switched off by the settings, so no call is kept; remedy: take OTEL_LLMCOST_LEDGER=off "
            "(or enabled = false) out, or name a ledger's directory"
        )
    if settings is None:
        raise LedgerError("there is no home directory to keep a ledger in; remedy: set OTEL_LLMCOST_LEDGER")
    return settings


def anything_kept(directory: Path) -> bool:
    """Whether any program kept a call in `directory`, or nobody can tell: who reads it says why."""
    for name in (DATABASE_NAME, JOURNAL_FOLDER):
        try:
            (directory / name).lstat()
        except FileNotFoundError:
            continue
        except OSError:
            return True
        return True
    return False


def obstacle(directory: Path) -> str:
    """Why no call can be kept in `directory`, "" where nothing is in the way. Leaves nothing behind, raises nothing."""
    for place in (directory / JOURNAL_FOLDER, directory, *directory.parents):
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{place}: {error.strerror}"
        if not (stat.S_ISDIR(mode) and os.access(place, os.W_OK | os.X_OK)):
            return f"{place} is no writable directory"
        return "" if place.name == JOURNAL_FOLDER else _refusal(place)
    return ""


def _refusal(place: Path) -> str:
    """Why nothing can be made in a directory that says it is writable: to root, /proc does."""
    from tempfile import mkdtemp  # many modules, and few commands ask

    try:
        os.rmdir(mkdtemp(prefix=".otel-llmcost-", dir=place))  # noqa: PTH106 - a text
    except OSError as error:
        return f"nothing can be made in {place}: {error.strerror}"
    return ""


def file_system(directory: Path) -> str:
    """The type of the file system that holds `directory` ("ext4", "nfs4"), "" where it cannot be told."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
        device = directory.stat().st_dev
    except OSError:
        return ""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        left, dash, right = line.partition(" - ")
        if dash and left.split(" ", 3)[2] == number:
            return right.split(" ", 1)[0]
    return ""


def is_remote(directory: Path) -> bool:
    """Whether `directory` lies on a network or host-shared file system."""
    return _is_remote_type(file_system(directory))


def may_be_mapped(directory: Path) -> bool:
    """Whether a reserved file in `directory` can be written through a mapping without ever running out of space."""
    kind = file_system(directory)
    return not _is_remote_type(kind) and kind not in _COPY_ON_WRITE_TYPES


def _is_remote_type(kind: str) -> bool:
    return kind in _REMOTE_TYPES or kind.startswith("fuse")

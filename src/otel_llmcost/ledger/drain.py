"""Moves what waits in the journal into the database: one drainer at a time beside any number of writers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import LedgerError
from .codec import decode
from .frames import read_frames
from .location import DATABASE_NAME, FILE_MODE, JOURNAL_FOLDER
from .reading import waiting_calls, was_only_writing
from .remedies import remedy_of, words_of
from .row import LedgerRow
from .segment import is_sealed, owner_of, remove_unfinished, segments
from .store import BUSY_TIMEOUT_S, Ledger

RETENTION_DAYS = 90
_BATCH = 500
_DAY_S = 86_400
_LOCK_NAME = "drain.lock"
_WAIT_S = 0.02


@dataclass(slots=True)
class Drained:
    """What a drain did: new rows, damaged records left out, and whether all that waited is in."""

    rows: int = 0
    damaged: int = 0
    complete: bool = True


def drain(
    directory: Path,
    *,
    deadline: float | None = None,
    retention_days: int = RETENTION_DAYS,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    may_wait: bool = True,
) -> Drained:
    """Moves the journal's records into the database until `deadline` (monotonic seconds; None: to the end).

    Where another process drains, waits for it up to `busy_timeout_s` (`may_wait`) or leaves it to that one.
    Rows older than `retention_days` go once a day (0 or less: never). Raises `LedgerError`.
    """
    journal = directory / JOURNAL_FOLDER
    if not _anything_waits(journal):
        return Drained()
    until = time.monotonic() + busy_timeout_s
    until = until if deadline is None else min(until, deadline)
    with _only_drainer(directory, until if may_wait else 0.0) as alone:
        if not alone:
            return Drained(complete=False)
        with Ledger(directory, busy_timeout_s=max(until - time.monotonic(), 0.05)) as ledger:
            done = _Drain(ledger, deadline).all_segments(journal)
            _forget_old_rows(ledger, retention_days)
            return done


def open_up_to_date(
    directory: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S, retention_days: int = RETENTION_DAYS
) -> Ledger:
    """The ledger with everything in it that any process has kept until now; its `remark` says what is missing.

    Where it cannot be written, on a read-only or full disk, it is read as it is. Raises `LedgerError`.
    """
    try:
        done = drain(directory, busy_timeout_s=busy_timeout_s, retention_days=retention_days)
        opened = Ledger(directory, busy_timeout_s=busy_timeout_s)
    except LedgerError as failure:
        if not was_only_writing(failure) or not (directory / DATABASE_NAME).exists():
            raise
        return _as_it_is(directory, busy_timeout_s, failure)
    if not done.complete:
        opened.remark = "another program is filling the ledger; the latest calls may be missing"
    return opened


def _as_it_is(directory: Path, busy_timeout_s: float, failure: LedgerError) -> Ledger:
    try:
        opened = Ledger(directory, busy_timeout_s=busy_timeout_s, read_only=True)
    except LedgerError:
        raise failure from failure.__cause__
    try:
        count = waiting_calls(opened.database, directory / JOURNAL_FOLDER)
        waiting = f"{count:,} call{'' if count == 1 else 's'} in its journal" if count else ""
    except OSError as unreadable:
        waiting = f"its journal ({words_of(unreadable)})"
    missing = [waiting] if waiting else []
    if not opened.is_whole:
        missing.append("the latest ones of the database, in a log that needs a disk that can be written")
    without = f", without {' and '.join(missing)}" if missing else ""
    opened.refusal = str(failure)
    opened.remark = f"read as it is{without}: {failure}"
    return opened


def _anything_waits(journal: Path) -> bool:
    try:
        return bool(segments(journal))
    except OSError as failure:
        raise LedgerError(
            f"journal {journal}: {words_of(failure)}; remedy: {remedy_of(failure)}"
        ) from failure


class _Drain:
    def __init__(self, ledger: Ledger, deadline: float | None) -> None:
        self._ledger, self._deadline = ledger, deadline
        self._done = Drained()

    def all_segments(self, journal: Path) -> Drained:
        """Drains each segment, oldest first; those that nobody writes to any more are removed."""
        for path in segments(journal):
            if self._late():
                break
            with contextlib.suppress(FileNotFoundError):
                self._segment(path)
        self._forget_removed(journal)
        remove_unfinished(journal, time.time())
        return self._done

    def _late(self) -> bool:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._done.complete = False
            return True
        return False

    def _segment(self, path: Path) -> None:
        with path.open("rb") as file:
            sealed = is_sealed(file.fileno())  # before reading: what is written later would not be seen
            start = self._offset(path.name)
            file.seek(start)
            data = file.read()
        found = read_frames(data, sealed=sealed)
        pid = owner_of(path)
        for first in range(0, len(found.contents), _BATCH):
            if self._late():
                return
            batch = found.contents[first : first + _BATCH]
            rows, bad, understood = _decoded(batch, pid)
            self._keep(path.name, rows, start + understood, bad)
            if understood < batch[-1][1]:
                return
        if sealed:
            if found.damaged:
                self._keep(path.name, [], start + found.end, found.damaged)
            path.unlink()

    def _keep(self, name: str, rows: list[LedgerRow], offset: int, damaged: int) -> None:
        with self._ledger.transaction():
            added, unfit = self._ledger.add(rows)
            self._ledger.database.execute(
                "INSERT INTO segments VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "drained = excluded.drained, damaged = damaged + excluded.damaged",
                (name, offset, damaged + unfit),
            )
            if damaged + unfit:
                self._ledger.set_fact("damaged", (self._ledger.fact("damaged") or 0) + damaged + unfit)
        self._done.rows += added
        self._done.damaged += damaged + unfit

    def _offset(self, name: str) -> int:
        found = self._ledger.database.execute(
            "SELECT drained FROM segments WHERE name = ?", (name,)
        ).fetchone()
        return 0 if found is None else int(found[0])

    def _forget_removed(self, journal: Path) -> None:
        present = {path.name for path in segments(journal)}
        known = {str(found[0]) for found in self._ledger.database.execute("SELECT name FROM segments")}
        if known - present:
            with self._ledger.transaction():
                gone = [(name,) for name in known - present]
                self._ledger.database.executemany("DELETE FROM segments WHERE name = ?", gone)


def _decoded(batch: list[tuple[bytes, int]], pid: int) -> tuple[list[LedgerRow], int, int]:
    """The rows, how many records are no rows, and the offset up to which this release understands them."""
    rows: list[LedgerRow] = []
    bad = understood = 0
    for content, end in batch:
        try:
            row = decode(content, pid=pid)
        except ValueError:
            bad += 1
        else:
            if row is None:
                break
            rows.append(row)
        understood = end
    return rows, bad, understood


def _forget_old_rows(ledger: Ledger, retention_days: int) -> None:
    today, last = int(time.time()) // _DAY_S, ledger.fact("pruned_day")
    if retention_days <= 0 or last == today:
        return
    # after a leap beyond the retention the clock may be wrong, which would empty the ledger: the next day decides
    if last is None or today - last <= retention_days:
        ledger.prune((int(time.time()) - retention_days * _DAY_S) * 10**9)
    ledger.set_fact("pruned_day", today)


@contextlib.contextmanager
def _only_drainer(directory: Path, until: float) -> Iterator[bool]:
    """Holds the drainers' lock; False where another process has it still at `until` (monotonic seconds)."""
    try:
        descriptor = os.open(directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as failure:
        raise LedgerError(
            f"ledger {directory}: {words_of(failure)}; remedy: {remedy_of(failure)}"
        ) from failure
    try:
        yield _locked(descriptor, until)
    finally:
        # not left to closing: a process forked meanwhile has the descriptor too, and would hold the lock for life
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _locked(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_WAIT_S)

"""How many calls found no place in the ledger: a note beside it, so that other programs can tell.

A file of short lines, one appended when a process drops its first call, again whenever twice as many are dropped,
and at its end. What a killed process last said is a lower bound. On a disk that has no room for a line nothing
is said.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .location import FILE_MODE

FILE_NAME = "losses.jsonl"
_CAP_BYTES = 1 << 20


class Loss(NamedTuple):
    """Calls that one process dropped, the first and the last at these instants (ns UTC).

    `ended`: it has told all of them, else there may be more.
    """

    run_id: str
    pid: int
    first_ns: int
    last_ns: int
    calls: int
    ended: bool


class LossLog:
    """What this process, and each process forked from it, tells of the calls that it drops."""

    def __init__(self, directory: Path, run_id: str) -> None:
        self._path, self._run_id = directory / FILE_NAME, run_id
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._told = self._first_ns = 0

    def tell(self, dropped: int, *, ended: bool = False) -> None:
        """Notes that this process has dropped so many calls by now. Never raises, and seldom writes."""
        if self._pid != os.getpid():
            self._begin()
        if not dropped or (dropped < 2 * self._told and not ended):
            return
        now = time.time_ns()
        self._told, self._first_ns = dropped, self._first_ns or now
        line = json.dumps([self._run_id, self._pid, self._first_ns, now, dropped, ended])
        with contextlib.suppress(OSError):  # the journal's log line has told it
            _append(self._path, f"{line}\n".encode())


def _append(path: Path, line: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        if os.fstat(descriptor).st_size < _CAP_BYTES:
            os.write(descriptor, line)
    finally:
        os.close(descriptor)


def read_losses(
    directory: Path, *, run_id: str | None = None, since_ns: int | None = None, until_ns: int | None = None
) -> list[Loss]:
    """What processes told, of one run, or of those that dropped calls in a stretch of time."""
    return [
        loss
        for loss in _last_words(directory)
        if (run_id is None or loss.run_id == run_id)
        and (since_ns is None or loss.last_ns >= since_ns)
        and (until_ns is None or loss.first_ns < until_ns)
    ]


def forget_losses(directory: Path, before_ns: int) -> None:
    """Forgets those of which the last was before an instant. Raises `OSError`."""
    path = directory / FILE_NAME
    told = _last_words(directory)
    kept = [loss for loss in told if loss.last_ns >= before_ns]
    if not kept:
        path.unlink(missing_ok=True)
    elif len(kept) < len(told):
        draft = path.with_suffix(".new")
        draft.touch(FILE_MODE)
        draft.write_text("".join(json.dumps(loss) + "\n" for loss in kept), encoding="ascii")
        draft.replace(path)


def _last_words(directory: Path) -> list[Loss]:
    try:
        lines = (directory / FILE_NAME).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    latest = {(loss.run_id, loss.pid, loss.first_ns): loss for loss in _parsed(lines)}
    return list(latest.values())


def _parsed(lines: Iterable[str]) -> Iterable[Loss]:
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):  # a torn line counts as none
            run_id, pid, first, last, calls, ended = json.loads(line)
            yield Loss(str(run_id), int(pid), int(first), int(last), int(calls), bool(ended))

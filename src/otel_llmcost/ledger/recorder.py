"""The recorder: what the runtime holds to keep priced calls. The hot path is one encode and one append."""

from __future__ import annotations

import logging
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from ..call import Call, Priced
from ..errors import LedgerError
from ..watch.guard import repeatable
from .codec import RowEncoder
from .journal import CAP_BYTES, Journal
from .location import JOURNAL_FOLDER
from .losses import LossLog

RETENTION_DAYS = 90
BUSY_TIMEOUT_S = 5.0
_DRAIN_ABOVE_BYTES = 8 << 20
_LOG = logging.getLogger("otel_llmcost.ledger")


class LedgerSettings(NamedTuple):
    """Where and how calls are kept. `directory` None or `enabled` False: they are not.

    `retention_days` is how long rows stay (0: for ever), `cap_bytes` what may wait in the journal,
    `busy_timeout_s` how long a command waits for another writer of the database.
    """

    directory: Path | None
    enabled: bool = True
    retention_days: int = RETENTION_DAYS
    cap_bytes: int = CAP_BYTES
    busy_timeout_s: float = BUSY_TIMEOUT_S
    run_id: str = ""
    service: str = ""


class RecorderCounters:
    """Calls of this process that were kept, and that found no place."""

    __slots__ = ("appended", "dropped")

    def __init__(self, appended: int, dropped: int) -> None:
        self.appended, self.dropped = appended, dropped


class Recorder:
    """Keeps priced calls of this process, and of each process forked from it, in the local ledger."""

    def __init__(self, settings: LedgerSettings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self._encode = RowEncoder(settings.service, settings.run_id).encode
        self._journal = Journal(
            directory / JOURNAL_FOLDER, cap_bytes=settings.cap_bytes, rolled=self._drain_if_much_waits
        )
        self._append = self._journal.append
        self._losses = LossLog(directory, settings.run_id)
        self._draining: threading.Thread | None = None
        self._complained = False

    @repeatable  # a key that comes twice is one row
    def record(self, call: Call, priced: Priced) -> None:
        """Keeps a call: once it returns, the call survives the process. Never waits for a database.

        Raises `TypeError` for a call with values of wrong types, never because of the disk (see `counters`).
        """
        if not self._append(self._encode(call, priced)):
            self._losses.tell(self._journal.dropped)

    @property
    def counters(self) -> RecorderCounters:
        """What became of this process's calls so far."""
        return RecorderCounters(self._journal.appended, self._journal.dropped)

    def flush(self, seconds: float = BUSY_TIMEOUT_S) -> bool:
        """Moves what waits into the database, within a bound; False when some of it still waits."""
        return self._drain(seconds)

    def close(self, drain_seconds: float = 1.0) -> None:
        """Gives up this process's segment and moves what fits into `drain_seconds` into the database.

        Nothing is lost by a short bound: the next program's end or the next command goes on. A call that ends
        after this is still kept.
        """
        self._journal.close()
        self._losses.tell(self._journal.dropped, ended=True)
        if drain_seconds > 0 and self._journal.appended:
            self._drain(drain_seconds)

    def _drain_if_much_waits(self, waiting_bytes: int) -> None:
        draining = self._draining
        if waiting_bytes < _DRAIN_ABOVE_BYTES or (draining is not None and draining.is_alive()):
            return
        # not in the thread: a child that is forked during an import could never import it again
        import_module(".drain", __package__)
        self._draining = threading.Thread(
            target=self._drain, args=(60.0,), name="otel-llmcost-ledger", daemon=True
        )
        try:
            self._draining.start()
        except RuntimeError:  # the interpreter is shutting down, or has no threads left
            self._draining = None

    def _drain(self, seconds: float) -> bool:
        from .drain import drain  # sqlite3 is loaded only by those who need it

        deadline = time.monotonic() + seconds
        try:
            return drain(
                self.directory,
                deadline=deadline,
                retention_days=self.settings.retention_days,
                may_wait=False,
            ).complete
        except LedgerError as failure:
            if not self._complained and not self._journal.dropped:  # else the log has heard of it
                self._complained = True
                _LOG.warning(
                    "otel-llmcost: the ledger is not up to date, its journal keeps the calls: %s", failure
                )
            return False


def open_recorder(settings: LedgerSettings) -> Recorder | None:
    """A recorder, or None where no ledger is wanted or possible. Touches no file."""
    if not settings.enabled:
        return None
    if settings.directory is None:
        _LOG.warning(
            "otel-llmcost: no ledger: the user has no home directory; remedy: set OTEL_LLMCOST_LEDGER to a directory"
        )
        return None
    return Recorder(settings, settings.directory)

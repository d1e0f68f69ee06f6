"""What was spent before a process began: brought into its counters once, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..errors import LedgerError
from ..watch.guard import guarded

_log = logging.getLogger("otel_llmcost.budgets")
LONGEST_WAIT_S = 5.0
"""How long the first calls of a process that a `block` budget covers wait, all in all, for what was spent before."""
RETRY_S = 60.0


class Past:
    """Counts earlier spend by `take_up` (raises `LedgerError`) in a thread; nobody waits for it beyond a bound.

    Where it cannot be had, the counters stand at zero, one log line says so, and it is tried again every minute
    that somebody asks.
    """

    def __init__(
        self,
        take_up: Callable[[], None],
        *,
        longest_wait_s: float = LONGEST_WAIT_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._take_up, self._longest_wait_s, self._retry_s = take_up, longest_wait_s, retry_s
        self.ready = False
        """Whether the counters hold it."""
        self.why = ""
        """Why they do not."""
        self._told = False
        self._waited_until = 0.0
        self._again_at = 0.0
        self._idle = [True]  # popped by whoever starts the thread
        self._looked = threading.Event()

    def renewed(self) -> Past:
        """For a forked child: it has none of its parent's threads, and its counters start anew."""
        return Past(self._take_up, longest_wait_s=self._longest_wait_s, retry_s=self._retry_s)

    def begin(self) -> None:
        """Starts to read where nobody does; waits for nothing."""
        if self.ready or not self._idle or time.monotonic() < self._again_at:
            return
        try:
            self._idle.pop()
        except IndexError:  # another thread was faster
            return
        self._waited_until = self._waited_until or time.monotonic() + self._longest_wait_s
        try:
            threading.Thread(target=self._read, name="otel-llmcost-budgets", daemon=True).start()
        except RuntimeError as failure:  # no threads left, or the interpreter is shutting down
            self._failed(str(failure))

    def remaining_s(self) -> float:
        """How much longer an admission is to wait for it; 0 where it is there, or has failed, or took too long."""
        if self.ready or self.why:
            return 0.0
        left = self._waited_until - time.monotonic()
        if left > 0:
            return left
        late = f"the ledger was not read within {self._longest_wait_s:g} s; they are lifted when it is"
        self._tell(late)
        self.why = late
        return 0.0

    def wait(self) -> bool:
        """Waits for it within the bound; whether it is there."""
        self.begin()
        # not by looking again and again: many threads that do would keep the one that reads from the interpreter
        self._looked.wait(self.remaining_s())
        self.remaining_s()
        return self.ready

    def _read(self) -> None:
        if guarded(self._attempt) is None:
            self._failed("reading the ledger failed")

    def _attempt(self) -> bool:
        try:
            self._take_up()
        except LedgerError as failure:
            self._failed(str(failure))
            return False
        self.ready, self.why = True, ""
        self._looked.set()
        return True

    def _failed(self, why: str) -> None:
        self._again_at = time.monotonic() + self._retry_s
        self._tell(f"{why}; it is tried again every minute")
        self.why = why
        self._looked.set()
        self._idle.append(True)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            _log.warning("otel-llmcost: budgets start without what was spent before: %s", why)

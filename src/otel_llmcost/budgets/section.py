"""A critical section that never deadlocks with itself."""

from __future__ import annotations

import threading
from types import TracebackType

from .counter import CounterBusy


class Section:
    """A lock for `with`; raises `CounterBusy` to whoever is inside, and, unless it `waits`, to other threads.

    The collector or a signal handler may finish an abandoned call while its thread is inside; a plain lock
    would hang there, a re-entrant one would let it in on half a change.
    """

    __slots__ = ("_inside", "_lock", "_waits")

    def __init__(self, *, waits: bool) -> None:
        self._lock = threading.RLock()
        self._waits = waits
        self._inside = False

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=self._waits):
            raise CounterBusy
        if self._inside:
            self._lock.release()
            raise CounterBusy
        self._inside = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside = False
        self._lock.release()

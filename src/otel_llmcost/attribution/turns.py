"""Doing one thing after another without ever waiting for a lock.

What settles a call may come in the middle of anything: the garbage collector settles an abandoned stream, a signal
handler makes a call. A lock would then be waited for by the very thread that holds it.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class _Forks:
    """How often this process, or the ones it comes from, were forked since this package was imported."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def forked(self) -> None:
        self.count += 1


_forks = _Forks()
os.register_at_fork(after_in_child=_forks.forked)


class Turns:
    """Work that has to be done one at a time. Who comes while some is done leaves its own with whoever does it."""

    __slots__ = ("_born", "_lock", "_waiting")

    def __init__(self) -> None:
        self._born = _forks.count
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()

    def do(self, work: Callable[..., object], *args: Any) -> None:
        """`work(*args)`, now, or by the thread whose turn it is. Never waits; raises what the work raises."""
        waiting = self._waiting
        waiting.append((work, args))
        while waiting and self._taken():
            try:
                while waiting:
                    work, args = waiting.popleft()
                    work(*args)
            finally:
                self._lock.release()

    def _taken(self) -> bool:
        if self._born != _forks.count:
            self._lock = threading.Lock()  # the thread that held it in the parent does not exist here
            self._born = _forks.count
        return self._lock.acquire(blocking=False)

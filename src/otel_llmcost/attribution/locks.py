"""A lock that a forked child finds free: the thread that held it in the parent does not exist there."""

from __future__ import annotations

import os
import threading
from types import TracebackType


class _Forks:
    """How often this process, or the ones it comes from, were forked since this package was imported."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def forked(self) -> None:
        self.count += 1


_forks = _Forks()
os.register_at_fork(after_in_child=_forks.forked)


class ForkSafeLock:
    """For `with`. Not reentrant."""

    __slots__ = ("_born", "_lock")

    def __init__(self) -> None:
        self._born = _forks.count
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if self._born != _forks.count:
            self._lock = threading.Lock()
            self._born = _forks.count
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

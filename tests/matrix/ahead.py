"""Programs that run before a test asks for them, as many at once as there are processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Ahead:
    """Results by key; each is made once."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self._begun: dict[Hashable, Future[Any]] = {}

    def begin(self, key: Hashable, make: Callable[[], Any]) -> None:
        """Make the result as soon as a processor is free, unless it is there or begun."""
        if key not in self._begun:
            self._begun[key] = self._pool.submit(make)

    def result(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result, waited for; raises what making it raised."""
        self.begin(key, make)
        found: T = self._begun[key].result()
        return found

    def close(self) -> None:
        """What has not begun yet never will."""
        self._pool.shutdown(cancel_futures=True)

"""The state of this process, in one confessed place: its settings, read once, and what was assembled from them.

Apart from `runtime`, so that a program where we are switched off loads none of what watches calls.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from .config import Config, load_config

if TYPE_CHECKING:
    from .budgets import Gate
    from .prices import Book


class Assembled(Protocol):
    """The runtime, as those see it who must not load it: the doors of OpenTelemetry and the answers."""

    config: Config
    gate: Gate | None

    @property
    def book(self) -> Book:
        """The prices in force."""

    def unwatch(self, names: Iterable[str] | None = None) -> None:
        """Take the hooks off again, of some SDKs or all."""


class Process:
    """What this process has of us."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._config: Config | None = None
        self.runtime: Assembled | None = None

    def settings(self) -> Config:
        """The settings, read once. No lock: threads that come at once may each read them, a forked child never waits."""
        if self._config is None:
            self._config = load_config()
        return self._config


process = Process()


def enabled() -> bool:
    """Whether anything is to be done at all (`OTEL_LLMCOST_DISABLED`)."""
    return process.settings().enabled


def assembled() -> Assembled | None:
    """The runtime where there is one already."""
    return process.runtime

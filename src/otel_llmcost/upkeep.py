"""The prices of a running program: a word when they are old, newer ones in the background, a page made ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .assembly import open_book, open_price_store
from .config import Config
from .prices import Book
from .prices.load import STALE_DAYS

if TYPE_CHECKING:
    from .updates.silent import Refresher

_log = logging.getLogger("otel_llmcost")
_FIRST_S = 30.0


class Upkeep:
    """Keeps the prices of this process fresh, as far as the settings ask for it; `use_book` puts others in force."""

    def __init__(
        self, config: Config, use_book: Callable[[Book], None], *, first_s: float = _FIRST_S
    ) -> None:
        self._config, self._use_book, self._first_s = config, use_book, first_s
        self._refresher: Refresher | None = None

    def start(self, book: Book) -> None:
        """Says once that the prices are old, where they are, and begins to update them, where that was asked for."""
        days = int(age_s(book) // 86_400)
        if days > STALE_DAYS:
            _log.warning(
                "otel-llmcost: prices are %d days old (%s); remedy: a newer release, or otel-llmcost prices update",
                days,
                book.version,
            )
        self.refresh()

    def refresh(self) -> None:
        """Starts the thread that updates; once more in a forked child, which has none of its parent's threads."""
        source, key = self._config.price_update_from, self._config.price_update_key
        if source and not key:
            _log.warning("otel-llmcost: prices are not updated from %s without its publisher's key", source)
        if not (source and key):
            return
        from .updates.silent import Refresher

        store = open_price_store(self._config)
        self._refresher = Refresher(source, key, store, changed=self._reload, first_s=self._first_s)
        self._refresher.start()

    def stop(self) -> None:
        """Asks the thread to end."""
        if self._refresher is not None:
            self._refresher.stop()

    def _reload(self) -> None:
        self._use_book(open_book(self._config))


def age_s(book: Book) -> float:
    """Seconds since the day of a book's prices."""
    checked = datetime.fromisoformat(book.snapshot_date).replace(tzinfo=UTC)
    return max(time.time() - checked.timestamp(), 0.0)

"""The prices of a running program: opened when needed, a word when they are old, newer ones in the background."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .assembly import open_book, open_price_store
from .call import Call, Priced
from .config import Config

if TYPE_CHECKING:
    from .prices import Book
    from .updates.silent import Refresher

_log = logging.getLogger("otel_llmcost")
_FIRST_S = 30.0


class Upkeep:
    """Opens the prices of this process and keeps them fresh, as far as the settings ask for it.

    `use_book` puts a book in force everywhere; until one is, an `Upkeep` stands in its place.
    """

    def __init__(
        self, config: Config, use_book: Callable[[Book], None], *, first_s: float = _FIRST_S
    ) -> None:
        self._config, self._use_book, self._first_s = config, use_book, first_s
        self._refresher: Refresher | None = None
        self.book: Book | None = None
        """The book in force; None as long as nothing asked for a price: opening one takes milliseconds."""

    def opened(self) -> Book:
        """The book in force, opened now where none is: mostly by the import of an SDK. Says once that it is old."""
        # without a lock, which a forked child could inherit locked: two threads may open one at once, no harm
        if self.book is not None:
            return self.book
        self.book = book = open_book(self._config)
        self._use_book(book)
        _say_age(book)
        return book

    def price(self, call: Call) -> Priced:
        """What a call costs: whoever prices the first one of all opens the book."""
        return self.opened().price(call)

    def warm(self, provider: str) -> None:
        """Makes a provider's prices ready, so that the first call does not wait for them."""
        self.opened().warm(provider)

    def start(self) -> None:
        """Tells at once what is wrong in the user's own prices, where there are any; begins to update prices."""
        if self._config.document is not None or self._config.price_files:
            self.opened()
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


def _say_age(book: Book) -> None:
    from .prices.load import STALE_DAYS

    days = int(age_s(book) // 86_400)
    if days > STALE_DAYS:
        _log.warning(
            "otel-llmcost: prices are %d days old (%s); remedy: a newer release, or otel-llmcost prices update",
            days,
            book.version,
        )


def age_s(book: Book) -> float:
    """Seconds since the day of a book's prices."""
    checked = datetime.fromisoformat(book.snapshot_date).replace(tzinfo=UTC)
    return max(time.time() - checked.timestamp(), 0.0)

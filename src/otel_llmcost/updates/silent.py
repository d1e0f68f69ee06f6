"""Updates in the background, for those who asked for them: signed ones only, and nothing alarming."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..errors import LlmCostError
from ..prices.bundle import unpack
from ..prices.compare import compare
from .sources import Proof, fetch, key_of, prove, signature_of
from .store import Offer, PriceStore

_log = logging.getLogger("otel_llmcost")
EVERY_S = 6 * 3600.0
FIRST_S = 30.0


def refresh(source: str, key: bytes, store: PriceStore) -> str:
    """One silent update, for a thread of its own: "unchanged", "installed", or "held" for a person to confirm.

    The signature is fetched from the source's address with ".sig" after it. Raises `UpdateError`.
    """
    fetched = fetch(source, etag=store.etag())
    if fetched.content is None:
        return "unchanged"
    prove(fetched.content, Proof(key=key, signature=signature_of(fetch(f"{source}.sig").content or b"")))
    snapshot = unpack(fetched.content)
    present = store.snapshot()
    if snapshot.digest == present.digest or snapshot.date < present.date:
        return "unchanged"
    offer = Offer(snapshot, source, compare(present, snapshot), fetched.etag)
    if offer.alarming:
        store.hold(offer)
        return "held"
    store.install(offer)
    return "installed"


class Refresher:
    """Refreshes the installed prices now and then on a daemon thread of its own.

    `changed` is called on that thread when other prices are in force than before, whoever installed them: several
    processes of one user ask once between them. What goes wrong is one log line for each kind.
    """

    def __init__(
        self,
        source: str,
        key: str,
        store: PriceStore,
        *,
        changed: Callable[[], None] | None = None,
        first_s: float = FIRST_S,
        every_s: float = EVERY_S,
    ) -> None:
        self.source, self.key, self.store = source, key, store
        self._changed, self._in_force = changed, store.in_force()
        self.first_s, self.every_s = first_s, every_s
        self._stop = threading.Event()
        self._said: set[str] = set()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread; a second time is nothing."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="otel-llmcost-prices", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; does not wait for it."""
        self._stop.set()

    def once(self) -> str:
        """One refresh, unless a process of this user made one lately: what came of it."""
        if self.store.seconds_since_asked(time.time()) < self.every_s / 2:
            return "asked lately"
        try:
            self.store.note_asked()
            outcome = refresh(self.source, key_of(self.key.encode()), self.store)
        except (LlmCostError, OSError) as error:
            self._say(logging.WARNING, f"prices were not updated: {error}")
            return "failed"
        if outcome == "held":
            self._say(logging.WARNING, "newer prices wait for your word: otel-llmcost prices update --held")
        elif outcome == "installed":
            _log.info("otel-llmcost: newer prices are installed")
        return outcome

    def _run(self) -> None:
        delay = self.first_s
        while not self._stop.wait(delay):
            self.once()
            self._tell()
            delay = self.every_s

    def _tell(self) -> None:
        in_force = self.store.in_force()
        if in_force != self._in_force:
            self._in_force = in_force
            if self._changed is not None:
                self._changed()

    def _say(self, level: int, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.log(level, "otel-llmcost: %s", text)

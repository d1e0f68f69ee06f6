"""The installed sets of prices, and those that wait for a person's word."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UpdateError
from ..ledger.location import prepare_directory
from ..prices import SHIPPED, Snapshot, read_snapshot

if TYPE_CHECKING:
    from ..prices.compare import Change

POINTER, HELD, ASKED = "current.json", "held.json", "asked"
_KEPT = 5


class Offer(NamedTuple):
    """A proven set of prices that is not in force yet, and what it would change."""

    snapshot: Snapshot
    origin: str
    changes: Sequence[Change] = ()
    etag: str = ""

    @property
    def alarming(self) -> list[Change]:
        """Prices that disappear, become zero, or move more than twofold."""
        return [change for change in self.changes if change.is_alarming]


class PriceStore:
    """The installed sets of prices in a directory of the user's own; the one in force is named by one small file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def in_force(self) -> Path | None:
        """The directory of the installed prices in force, None where the shipped ones are."""
        name = self._pointer(POINTER).get("current")
        place = self.directory / Path(str(name)).name if name else None
        return place if place is not None and place.is_dir() else None

    def snapshot(self) -> Snapshot:
        """The prices in force. Raises `UpdateError` where they are damaged."""
        return read_snapshot(self.in_force() or SHIPPED)

    def etag(self) -> str:
        """The etag of the latest answer that was used or held back."""
        return str(self._pointer(HELD).get("etag") or self._pointer(POINTER).get("etag") or "")

    def install(self, offer: Offer) -> Path:
        """Puts an offer in force, in one step; the prices before it are kept for `rollback`."""
        place = self._write(offer)
        pointer = self._pointer(POINTER)
        history = [pointer.get("current"), *self._history(pointer)][:_KEPT]
        self._point(POINTER, _facts(place, offer) | {"history": history})
        self._release()
        return place

    def rollback(self) -> Path | None:
        """Puts the prices before the latest update in force; None where those are the shipped ones.

        Raises `UpdateError` where there is nothing to go back to.
        """
        pointer = self._pointer(POINTER)
        history = self._history(pointer)
        if not pointer.get("current"):
            raise UpdateError("the shipped prices are in force; there is no update to roll back")
        former, rest = (history[0], history[1:]) if history else (None, [])
        self._point(POINTER, {"current": former, "history": rest, "etag": ""})
        return self.in_force()

    def hold(self, offer: Offer) -> None:
        """Keeps an offer that must wait for a person's word."""
        self._release()
        self._point(HELD, _facts(self._write(offer), offer))

    def held(self) -> Offer | None:
        """The offer that waits, None where there is none. Raises `UpdateError` where it is damaged."""
        facts = self._pointer(HELD)
        if not facts.get("current"):
            return None
        from ..prices.compare import compare

        snapshot = read_snapshot(self.directory / Path(str(facts["current"])).name)
        changes = compare(self.snapshot(), snapshot)
        return Offer(snapshot, str(facts.get("origin", "")), changes, str(facts.get("etag", "")))

    def note_asked(self) -> None:
        """Notes that a source was asked just now."""
        prepare_directory(self.directory)
        (self.directory / ASKED).touch()

    def seconds_since_asked(self, now: float) -> float:
        """Seconds from the latest `note_asked` to `now` (seconds since the epoch); infinite where there was none."""
        try:
            return max(now - (self.directory / ASKED).stat().st_mtime, 0.0)
        except OSError:
            return float("inf")

    def _release(self) -> None:
        (self.directory / HELD).unlink(missing_ok=True)

    def _write(self, offer: Offer) -> Path:
        from ..prices.bundle import install

        name = f"{offer.snapshot.date}-{offer.snapshot.digest[:12]}-{os.urandom(3).hex()}"
        try:
            prepare_directory(self.directory)
            install(offer.snapshot, self.directory / name)
        except OSError as error:
            raise UpdateError(f"{self.directory}: cannot be written ({error.strerror})") from None
        return self.directory / name

    def _pointer(self, name: str) -> Mapping[str, Any]:
        try:
            found = json.loads((self.directory / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _history(self, pointer: Mapping[str, Any]) -> list[object]:
        history = pointer.get("history")
        return list(history) if isinstance(history, list) else []

    def _point(self, name: str, facts: Mapping[str, object]) -> None:
        beside = self.directory / f"{name}.{os.urandom(3).hex()}"
        try:
            beside.write_text(json.dumps(facts, indent=1))
            beside.replace(self.directory / name)
        except OSError as error:
            raise UpdateError(f"{self.directory}: cannot be written ({error.strerror})") from None


def _facts(place: Path, offer: Offer) -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"current": place.name, "origin": offer.origin, "etag": offer.etag, "installed_at": now}

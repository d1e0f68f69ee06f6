"""From a source to prices that could be put in force."""

from __future__ import annotations

from ..errors import UpdateError
from ..prices import Snapshot
from ..prices.bundle import unpack
from ..prices.compare import compare
from .sources import Proof, fetch, prove
from .store import Offer, PriceStore


def offer_from(source: str, proof: Proof, store: PriceStore, *, etag: str = "") -> Offer | None:
    """The proven prices of a URL or file, compared with those in force; None where nothing is new (by `etag`).

    Raises `UpdateError`: not reached, not proven, not valid, or older than the prices in force.
    """
    fetched = fetch(source, etag=etag)
    if fetched.content is None:
        return None
    prove(fetched.content, proof)
    snapshot = unpack(fetched.content)
    present = store.snapshot()
    if snapshot.date < present.date:
        raise UpdateError(f"{source} is of {snapshot.date}, older than the prices in force ({present.date})")
    return Offer(snapshot, source, compare(present, snapshot), fetched.etag)


def fetch_snapshot(source: str) -> Snapshot:
    """The prices of a URL or file, valid but not proven: to look at. Raises `UpdateError`."""
    return unpack(fetch(source).content or b"")

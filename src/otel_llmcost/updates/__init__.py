"""Newer prices: fetched when the user asks for it, proven, compared, swapped in at once, rolled back as easily.

A bundle (`prices.bundle`) is believed when its digest is one that the user pinned, or when it is signed (Ed25519) by
a key that the user named. A checksum that lies beside it proves nothing. Programs never wait for any of this.
"""

from __future__ import annotations

from .offers import fetch_snapshot, offer_from
from .silent import Refresher, refresh
from .sources import Fetched, Proof, fetch, key_of, prove, signature_of
from .store import Offer, PriceStore

__all__ = [
    "Fetched",
    "Offer",
    "PriceStore",
    "Proof",
    "Refresher",
    "fetch",
    "fetch_snapshot",
    "key_of",
    "offer_from",
    "prove",
    "refresh",
    "signature_of",
]

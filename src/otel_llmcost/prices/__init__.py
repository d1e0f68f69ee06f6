"""Prices: what providers charge, from when to when, on which terms, and what a call costs by them."""

from __future__ import annotations

from .book import Book
from .hosts import HostFacts, resolve_host
from .load import SHIPPED, load_book
from .own import OwnPrices
from .rates import Row
from .rows import parse_row
from .shards import EMPTY_SNAPSHOT, Snapshot, read_snapshot, write_snapshot

__all__ = [
    "EMPTY_SNAPSHOT",
    "SHIPPED",
    "Book",
    "HostFacts",
    "OwnPrices",
    "Row",
    "Snapshot",
    "load_book",
    "parse_row",
    "read_snapshot",
    "resolve_host",
    "write_snapshot",
]

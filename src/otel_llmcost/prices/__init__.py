"""Prices: what providers charge, from when to when, on which terms, and what a call costs by them.

Each public name is loaded when it is first used: a program that is instrumented knows providers' hosts from the start,
and opens a price book when it imports an SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .book import Book
    from .hosts import HostFacts, resolve_host
    from .load import SHIPPED, load_book
    from .own import OwnPrices
    from .rates import Row
    from .rows import parse_row
    from .shards import EMPTY_SNAPSHOT, Snapshot, read_snapshot, write_snapshot

_HOMES = {
    "EMPTY_SNAPSHOT": "shards",
    "SHIPPED": "load",
    "Book": "book",
    "HostFacts": "hosts",
    "OwnPrices": "own",
    "Row": "rates",
    "Snapshot": "shards",
    "load_book": "load",
    "parse_row": "rows",
    "read_snapshot": "shards",
    "resolve_host": "hosts",
    "write_snapshot": "shards",
}

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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)

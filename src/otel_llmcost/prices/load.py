"""From files to a price book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..toml_source import TomlDocument
from .book import Book
from .own import read_own
from .shards import read_snapshot

SHIPPED = Path(__file__).parent / "data"
"""The prices that came with the package."""


def load_book(
    *,
    user_documents: Iterable[TomlDocument] = (),
    snapshot_dir: Path | None = None,
    models: Mapping[str, str] | None = None,
) -> Book:
    """The prices in force: the user's documents over a snapshot (the shipped one by default).

    `models` maps opaque names (deployments, profiles) to "model" or "provider/model". Mistakes in documents
    are in `Book.problems`, the rest is in force. Raises `UpdateError` where the snapshot itself is damaged.
    """
    snapshot = read_snapshot(snapshot_dir or SHIPPED)
    return Book(snapshot, read_own(user_documents), models=models)

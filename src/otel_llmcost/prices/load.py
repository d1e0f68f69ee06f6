"""From files to a price book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, UpdateError
from .book import Book
from .own import OwnPrices
from .shards import Snapshot, read_snapshot

if TYPE_CHECKING:
    from ..toml_source import TomlDocument

SHIPPED = Path(__file__).parent / "data"
"""The prices that came with the package."""
STALE_DAYS = 45
"""Older prices are worth a warning."""


def load_book(
    *,
    user_documents: Iterable[TomlDocument] = (),
    snapshot_dir: Path | None = None,
    installed: Path | None = None,
    models: Mapping[str, str] | None = None,
) -> Book:
    """The prices in force: the user's documents over a snapshot.

    The snapshot is that of `snapshot_dir`, else the `installed` one where it is sound and not older than the shipped
    one, else the shipped one. `models` maps opaque names (deployments, profiles) to "model" or "provider/model".
    Mistakes in documents, and a damaged installed snapshot, are in `Book.problems`; the rest is in force. Raises
    `UpdateError` where the only snapshot is damaged.
    """
    own = _own_prices(user_documents)
    if snapshot_dir is not None:
        return Book(read_snapshot(snapshot_dir), own, models=models)
    return Book(_newest(installed, own), own, models=models)


def _own_prices(documents: Iterable[TomlDocument]) -> OwnPrices:
    given = list(documents)
    if not given:
        return OwnPrices()
    from .own_reading import read_own

    return read_own(given)


def _newest(installed: Path | None, own: OwnPrices) -> Snapshot:
    shipped = read_snapshot(SHIPPED, checked=False)
    if installed is None:
        return shipped
    try:
        updated = read_snapshot(installed)
    except UpdateError as error:
        own.problems.append(
            ConfigurationError(f"{error}; the shipped prices are in force", file=str(installed))
        )
        return shipped
    # A newer release of the package knows more than an old update.
    return updated if updated.date >= shipped.date else shipped

"""Calls in the ledger priced again with the prices in force: shown first, both figures kept, the reason recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .call import PENDING, Priced
from .ledger.filters import CallFilter
from .ledger.limits import within_limit
from .ledger.row import LedgerRow
from .ledger.store import Ledger
from .services import Prices

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Repriced:
    """A call whose price is another now."""

    row: LedgerRow
    priced: Priced

    @property
    def difference(self) -> int:
        """Femto-dollars that it costs more; what was or is unknown counts as nothing."""
        return (self.priced.amount or 0) - (self.row.amount or 0)


@dataclass(slots=True)
class Repricing:
    """What pricing again changes: `changed` of `seen` calls, in all by `difference` femto-dollars."""

    seen: int = 0
    pending: int = 0
    """How many of those wait to be settled under a key of their own; a cost report does not count them."""
    changed: int = 0
    newly_priced: int = 0
    no_longer_priced: int = 0
    difference: int = 0
    by_model: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """(provider, model) -> (calls, femto-dollars of difference)."""

    def count(self, one: Repriced) -> None:
        """Adds a changed call."""
        self.changed += 1
        self.newly_priced += one.row.amount is None and one.priced.amount is not None
        self.no_longer_priced += one.row.amount is not None and one.priced.amount is None
        self.difference += one.difference
        calls, amount = self.by_model.get((one.row.provider, one.row.model), (0, 0))
        self.by_model[one.row.provider, one.row.model] = (calls + 1, amount + one.difference)


def changes(ledger: Ledger, book: Prices, wanted: CallFilter, found: Repricing) -> Iterator[Repriced]:
    """The calls whose amount, components or status would be another, counted in `found` as they pass.

    A call whose price version is the book's own is never priced again: the same prices give the same figure.
    """
    version = getattr(book, "version", "")
    for row in ledger.rows(wanted):
        found.seen += 1
        found.pending += row.status == PENDING
        if version and row.version == version:
            continue
        priced = within_limit(book.price(row.as_call()))
        if (priced.amount, priced.status, dict(priced.components)) != (
            row.amount,
            row.status,
            dict(row.components),
        ):
            one = Repriced(row, priced)
            found.count(one)
            yield one


def reprice(
    ledger: Ledger, book: Prices, wanted: CallFilter | None = None, *, reason: str = "", apply: bool = False
) -> Repricing:
    """Prices calls again; without `apply` nothing is changed. The former price stays beside the new one.

    Raises `LedgerError`; what was changed before it stays changed and is not changed twice.
    """
    found = Repricing()
    waiting: list[Repriced] = []
    for one in list(changes(ledger, book, wanted or CallFilter(), found)) if apply else ():
        waiting.append(one)
        if len(waiting) >= _BATCH:
            _keep(ledger, waiting, reason)
    _keep(ledger, waiting, reason)
    if not apply:
        for _ in changes(ledger, book, wanted or CallFilter(), found):
            pass
    return found


def _keep(ledger: Ledger, waiting: list[Repriced], reason: str) -> None:
    with ledger.transaction():
        for one in waiting:
            why = reason or f"prices {one.row.version or 'unknown'} -> {one.priced.version}"
            ledger.reprice(one.row.key, one.priced, why)
    waiting.clear()

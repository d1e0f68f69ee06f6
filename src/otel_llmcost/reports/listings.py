"""Lists of single calls: the latest ones, the dearest ones."""

from __future__ import annotations

from ..ledger.filters import CallFilter
from ..ledger.row import LedgerRow
from ..ledger.store import Ledger


def latest_calls(ledger: Ledger, wanted: CallFilter | None = None, limit: int = 20) -> list[LedgerRow]:
    """The calls that match, the latest first. `limit` below 0: all. Raises `LedgerError`."""
    return list(ledger.rows(wanted, order="start_ns DESC, id DESC", limit=limit))


def dearest_calls(ledger: Ledger, wanted: CallFilter | None = None, limit: int = 20) -> list[LedgerRow]:
    """The calls that match, the dearest first, those without a price last. Raises `LedgerError`."""
    order = "cost_nano IS NULL, cost_nano DESC, cost_femto_rest DESC, start_ns DESC, id DESC"
    return list(ledger.rows(wanted, order=order, limit=limit))


def slowest_calls(ledger: Ledger, wanted: CallFilter | None = None, limit: int = 20) -> list[LedgerRow]:
    """The calls that match, the slowest first. Raises `LedgerError`."""
    return list(ledger.rows(wanted, order="end_ns - start_ns DESC, id DESC", limit=limit))

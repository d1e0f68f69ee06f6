"""The most that the ledger believes of one call: sums of nano-dollars stay inside 64 bits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..call import UNPRICED, Priced, note
from ..money import FEMTO_PER_USD, Femto, as_text

if TYPE_CHECKING:
    from .row import LedgerRow

TOO_LARGE = "too-large"
"""The reason code of a call whose amount is beyond the limit."""
LARGEST_AMOUNT = 10**6 * FEMTO_PER_USD
"""One call above a million USD is somebody's mistake; thousands of them must not overflow a sum of nano-dollars."""


def why_too_large(*amounts: Femto | None) -> str:
    """The reason why one of the amounts of a call cannot be kept, "" where all of them can."""
    beyond = [amount for amount in amounts if amount is not None and abs(amount) > LARGEST_AMOUNT]
    if not beyond:
        return ""
    return note(
        TOO_LARGE,
        f"{as_text(beyond[0])} USD is above 1,000,000 USD, the most that the ledger keeps of one call; "
        "remedy: correct the price row, then otel-llmcost reprice",
    )


def within_limit(priced: Priced) -> Priced:
    """A price as the ledger keeps it: money beyond the limit is unknown, with the reason, never another figure."""
    reason = why_too_large(priced.amount, priced.list_amount, priced.savings)
    if not reason:
        return priced
    return replace(
        priced,
        status=UNPRICED,
        amount=None,
        list_amount=None,
        savings=0,
        components={},
        lines=(),
        reasons=(*priced.reasons, reason),
    )


def keep_within_limit(row: LedgerRow) -> LedgerRow:
    """The same row, its money made unknown where it is beyond the limit, as `within_limit` does."""
    reason = why_too_large(row.amount, row.list_amount, row.savings)
    if reason:
        row.amount, row.list_amount, row.savings, row.components = None, None, 0, {}
        row.status, row.priced_lines, row.reasons = UNPRICED, (), (*row.reasons, reason)
    return row

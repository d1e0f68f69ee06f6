"""What the ledger says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from otel_llmcost.ledger.drain import open_up_to_date
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.money import as_decimal


def ledger_calls(directory: Path) -> list[LedgerRow]:
    with open_up_to_date(directory) as ledger:
        return list(ledger.rows())


def ledger_total(directory: Path) -> Decimal:
    return as_decimal(sum(row.amount or 0 for row in ledger_calls(directory)))

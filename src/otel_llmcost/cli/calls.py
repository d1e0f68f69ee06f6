"""`otel-llmcost calls`: single calls, the latest or the dearest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import click

from ..call import EXACT
from ..ledger.row import LedgerRow
from ..reports import dearest_calls, latest_calls, slowest_calls
from ..usage.meters import CACHE_READ_METERS, OUTPUT_METERS, PROMPT_METERS, total
from .export import call_json, flattened, print_csv, print_json
from .ledger_option import ledger_option, opened_ledger
from .selection import format_options, selected, selection_options
from .tables import Column, console, money_text, print_table, printable

_ORDERS = {"latest": latest_calls, "dearest": dearest_calls, "slowest": slowest_calls}


@click.command("calls")
@selection_options
@click.option("--latest", "order", flag_value="latest", default=True, help="The latest first.  [default]")
@click.option("--dearest", "order", flag_value="dearest", help="The dearest first.")
@click.option("--slowest", "order", flag_value="slowest", help="The slowest first.")
@click.option(
    "-n", "--limit", default=20, show_default=True, type=click.IntRange(min=-1), help="So many; -1: all."
)
@format_options
@ledger_option
def command(order: str, limit: int, output: str, directory: Path | None, **options: Any) -> None:
    """Single calls of a RANGE (as for `report`; without one, all)."""
    wanted, tz = selected(default="all", **options)
    with opened_ledger(directory) as ledger:
        rows = _ORDERS[order](ledger, wanted, limit)
    if output == "json":
        print_json([call_json(row, tz) for row in rows])
    elif output == "csv":
        records = [flattened(call_json(row, tz)) for row in rows]
        header = list(call_json(LedgerRow("")))
        print_csv(header, [list(record.values()) for record in records])
    elif rows:
        print_table(call_columns(rows, tz), to=console())
        _explain(rows)
    else:
        console().print("no calls")


def call_columns(rows: Sequence[LedgerRow], tz: tzinfo) -> list[Column]:
    """The columns of a list of calls; those without a value are left out."""
    columns = [
        Column("start", [_time(row.start_ns, tz) for row in rows], spare=1),
        Column("model", [printable(row.model) or "-" for row in rows]),
        Column("source", [printable(row.tags.source) for row in rows], spare=3),
        Column("tier", [printable(" ".join(filter(None, (row.tier, row.speed)))) for row in rows], spare=5),
        Column.numbers("input", [total(row.usage, PROMPT_METERS) for row in rows], spare=2),
        Column.numbers("cached", [total(row.usage, CACHE_READ_METERS) for row in rows], spare=4),
        Column.numbers("output", [total(row.usage, OUTPUT_METERS) for row in rows], spare=2),
        Column("seconds", [f"{row.duration_s:.2f}" for row in rows], right=True, spare=6, whole=True),
        Column.money("cost", [_cost(row) for row in rows]),
        Column("", [_note(row) for row in rows], style="yellow"),
    ]
    return [column for column in columns if any(cell.strip() for cell in column.cells)]


def _time(ns: int, tz: tzinfo) -> str:
    return f"{datetime.fromtimestamp(ns // 10**9, UTC).astimezone(tz):%Y-%m-%d %H:%M:%S}"


def _cost(row: LedgerRow) -> str:
    return "-" if row.amount is None else money_text(row.amount, lower_bound=row.status == "partial")


def _note(row: LedgerRow) -> str:
    return printable(", ".join(filter(None, ("" if row.status == EXACT else row.status, row.error_type))))


def _explain(rows: Sequence[LedgerRow]) -> None:
    reasons = {
        printable(reason) for row in rows if row.status in ("unpriced", "partial") for reason in row.reasons
    }
    for reason in sorted(reasons):
        console().print(reason, style="yellow", markup=False)

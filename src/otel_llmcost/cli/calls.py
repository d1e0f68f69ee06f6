"""`otel-llmcost calls`: single calls, the latest or the dearest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Any

import click

from ..call import EXACT
from ..ledger.row import LedgerRow
from ..meters import CACHE_READ_METERS, OUTPUT_METERS, PROMPT_METERS, total
from ..reports import dearest_calls, is_cause, latest_calls, slowest_calls
from .amounts import money_text, places_to_compare
from .export import call_json, flattened, local_time, print_csv, print_json
from .harmless import printable
from .ledger_option import ledger_option, opened_ledger
from .selection import format_options, limit_option, one_of, selected, selection_options
from .tables import Column, console, print_table

_ORDERS = {"latest": latest_calls, "dearest": dearest_calls, "slowest": slowest_calls}
_ORDERED_BY = {"latest": "start", "dearest": "cost", "slowest": "seconds"}


@click.command("calls")
@selection_options
@one_of(
    "order",
    "latest",
    latest="The latest calls first.  [default]",
    dearest="The most expensive calls first.",
    slowest="The slowest calls first.",
)
@limit_option
@format_options
@ledger_option
def command(order: str, limit: int, output: str, directory: Path | None, **options: Any) -> None:
    """Single calls of a RANGE (as for `report`; default: all)."""
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
        asked = {_ORDERED_BY[order], *(name for name, given in options.items() if given)}
        print_table(call_columns(rows, tz, asked), to=console())
        _explain(rows)
    else:
        console().print("no calls")


def call_columns(rows: Sequence[LedgerRow], tz: tzinfo, asked: Collection[str] = ()) -> list[Column]:
    """The columns of a list of calls; those without a value are left out, those `asked` for are never spared."""
    columns = [
        _start([local_time(row.start_ns, tz) for row in rows]),
        Column("model", [printable(row.model) or "-" for row in rows]),
        Column("source", [printable(row.tags.source) for row in rows], spare=3),
        Column("tier", [printable(" ".join(filter(None, (row.tier, row.speed)))) for row in rows], spare=5),
        _tokens("input", "in", rows, PROMPT_METERS, spare=2),
        _tokens("cached", "cache", rows, CACHE_READ_METERS, spare=4),
        _tokens("output", "out", rows, OUTPUT_METERS, spare=2),
        Column("seconds", [f"{row.duration_s:.2f}" for row in rows], right=True, spare=6, whole=True),
        _costs(rows),
        Column("", [_note(row) for row in rows], style="yellow"),
    ]
    return [
        replace(column, spare=0) if column.header in asked else column
        for column in columns
        if any(cell.strip() for cell in column.cells)
    ]


def _start(times: list[str]) -> Column:
    """When calls began; in short without the year, where it is one for all."""
    one_year = len({time[:4] for time in times}) == 1
    return Column("start", times, spare=1, short_cells=[time[5:] for time in times] if one_year else [])


def _tokens(
    header: str, short_header: str, rows: Sequence[LedgerRow], meters: tuple[str, ...], spare: int
) -> Column:
    numbers = [total(row.usage, meters) for row in rows]
    return Column.numbers(header, numbers, spare, short_header=short_header)


def _costs(rows: Sequence[LedgerRow]) -> Column:
    places = places_to_compare([row.amount for row in rows])
    return Column.money("cost", [_cost(row, places) for row in rows])


def _cost(row: LedgerRow, places: int) -> str:
    return money_text(row.amount, lower_bound=row.status == "partial", places=places) or "-"


def _note(row: LedgerRow) -> str:
    return printable(", ".join(filter(None, ("" if row.status == EXACT else row.status, row.error_type))))


def _explain(rows: Sequence[LedgerRow]) -> None:
    reasons = {printable(reason) for row in rows for reason in row.reasons if is_cause(reason, row.status)}
    for reason in sorted(reasons):
        console().print(reason, style="yellow", markup=False)

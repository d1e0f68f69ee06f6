"""`otel-llmcost savings`: what the same tokens would have cost with another model."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from ..assembly import open_book
from ..comparison import Savings, find_model, savings_by
from ..config import load_config
from ..ledger.groups import GROUPS_ALLOWED, grouping
from ..money import Femto, as_text
from .amounts import money_text, places_of_sums
from .export import Cell, print_csv, print_json
from .harmless import printable
from .ledger_option import ledger_option, opened_ledger
from .selection import format_options, selected, selection_options
from .tables import Column, console, print_table


@click.command("savings")
@selection_options
@click.option(
    "--against", required=True, metavar="MODEL", help="The model to compare with: gpt-5 or provider/model."
)
@click.option("--by", default="model", show_default=True, metavar="GROUP", help=f"One of {GROUPS_ALLOWED}.")
@format_options
@ledger_option
def command(against: str, by: str, output: str, directory: Path | None, **options: Any) -> None:
    """What the same tokens would have cost with another model. Default RANGE: this month.

    Each call is priced again as a call to MODEL at the standard price of its own day. Fees for tools, images and
    the like are not compared.
    """
    wanted, _ = selected(default="month", **options)
    book = open_book(load_config())
    model = find_model(against, book)
    with opened_ledger(directory) as ledger:
        groups = savings_by(ledger.rows(wanted), grouping(by), model, book)
    whole = Savings(model)
    for group in groups.values():
        whole.merge(group)
    if output == "json":
        rows = [{by: name, **_values(group)} for name, group in groups.items()]
        print_json({"against": str(model), "by": by, "rows": rows, "total": _values(whole)})
    elif output == "csv":
        header = [by, *_values(whole)]
        print_csv(header, [[name, *_cells(group)] for name, group in groups.items()])
    else:
        _show(by, groups, whole)


def _values(found: Savings) -> dict[str, object]:
    return {
        "compared_calls": found.compared,
        "paid_usd": as_text(found.paid),
        "would_cost_usd": as_text(found.would_cost),
        "saved_usd": as_text(found.saved),
        "approximate_calls": found.approximate,
        "calls_of_unknown_cost": found.unpaid,
        "would_cost_of_those_usd": as_text(found.would_cost_of_unpaid),
        "calls_without_a_price_there": found.unpriced,
        "calls_without_tokens": found.without_tokens,
        "calls_of_unsplit_cost": found.unsplit,
        "paid_besides_usd": as_text(found.paid_besides),
        "reasons": dict(sorted(found.reasons.items(), key=lambda item: -item[1])),
    }


def _cells(found: Savings) -> list[Cell]:
    values = _values(found)
    values["reasons"] = "; ".join(found.reasons)
    # a negative amount is a number, not text that a spreadsheet might run
    return [_cell(name, value) for name, value in values.items()]


def _cell(name: str, value: object) -> Cell:
    if isinstance(value, int):
        return value
    return Decimal(str(value)) if name.endswith("_usd") else str(value)


def _show(by: str, groups: dict[str, Savings], whole: Savings) -> None:
    to = console()
    to.print(f"the same tokens at {printable(str(whole.against))}", style="bold", markup=False)
    if not groups:
        to.print("no calls")
        return
    rows = [*groups.values(), whole]
    places = _places(rows)
    columns = [
        Column(by, [*(printable(name) or "-" for name in groups), "total"]),
        Column.numbers("calls", [row.compared for row in rows], spare=1),
        _amounts("paid", rows, [row.paid for row in rows], places),
        _amounts("would cost", rows, [row.would_cost for row in rows], places),
        _amounts("saved", rows, [row.saved for row in rows], places),
        Column("", [_share(row) for row in rows], right=True, short_cells=[_percent(row) for row in rows]),
    ]
    print_table(columns, to=to, total=True)
    if whole.compared:
        to.print(_verdict(whole, places), markup=False)
    for line in _remarks(whole):
        to.print(line, style="yellow", markup=False)


def _places(rows: Sequence[Savings]) -> int:
    """Decimals with which each column adds up to its total, and paid with saved to what it would cost."""
    columns = [[getattr(row, name) for row in rows] for name in ("paid", "would_cost", "saved")]
    lines = [[row.paid, row.saved, row.would_cost] for row in rows]
    return places_of_sums([[(amount, False) for amount in amounts] for amounts in (*columns, *lines)])


def _amounts(header: str, rows: Sequence[Savings], amounts: Sequence[Femto], places: int) -> Column:
    """A column of amounts; a group of which no call could be compared has none, and that is not zero."""
    cells = [
        money_text(amount, places=places) if row.compared else "-"
        for row, amount in zip(rows, amounts, strict=True)
    ]
    return Column.money(header, cells)


def _share(row: Savings) -> str:
    """Which share was saved of what the other model would have cost, or would have been saved of what was paid."""
    return f"{'would save ' if row.saved < 0 else ''}{_percent(row)}" if row.saved else ""


def _percent(row: Savings) -> str:
    """Rounded down, so that only all is 100%."""
    return f"{abs(row.saved) * 100 // max(row.paid, row.would_cost)}%" if row.saved else ""


def _verdict(whole: Savings, places: int) -> str:
    other, difference = printable(str(whole.against)), money_text(abs(whole.saved), places=places)
    if not whole.saved:
        return f"{other} would have cost the same"
    return f"{other} would have been {difference} {'cheaper' if whole.saved < 0 else 'dearer'}"


def _remarks(whole: Savings) -> list[str]:
    lines: list[str] = []
    if whole.unpaid:
        there = money_text(whole.would_cost_of_unpaid)
        lines.append(f"left out: {_calls(whole.unpaid)} of unknown cost, which there would cost {there}")
    if whole.unpriced:
        lines.append(f"left out: {_calls(whole.unpriced)} without a price there:")
        lines.extend(f"  {count:,}x {printable(reason)}" for reason, count in whole.reasons.items())
    if whole.without_tokens:
        lines.append(f"left out: {_calls(whole.without_tokens)} without tokens")
    if whole.unsplit:
        lines.append(
            f"left out: {_calls(whole.unsplit)} whose reported cost cannot be split into tokens and fees"
        )
    if whole.paid_besides:
        lines.append(f"paid besides, for fees and what is left out: {money_text(whole.paid_besides)}")
    if whole.approximate:
        lines.append(
            f"in {_calls(whole.approximate)} cached tokens count as input: no rate of their own there"
        )
    return lines


def _calls(count: int) -> str:
    return f"{count:,} call{'' if count == 1 else 's'}"

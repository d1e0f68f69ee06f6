"""Differences between prices, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from ..prices.compare import Change
from .harmless import printable
from .tables import Column, console, print_table

_SHOWN = 200


def figure_text(figure: Decimal | Fraction | None) -> str:
    """A price as plain digits, "" for none."""
    if figure is None:
        return ""
    if isinstance(figure, Fraction):
        figure = Decimal(figure.numerator) / Decimal(figure.denominator)
    return f"{figure.normalize():f}"


def change_json(change: Change) -> dict[str, object]:
    """A difference as JSON has it."""
    return {
        "provider": change.provider,
        "model": change.model,
        "terms": change.terms,
        "since": change.since or None,
        "price": change.meter,
        "before": figure_text(change.before) or None,
        "after": figure_text(change.after) or None,
        "alarming": change.is_alarming,
    }


def print_changes(changes: Sequence[Change]) -> None:
    """Prints differences, the alarming ones first."""
    to = console()
    if not changes:
        to.print("no difference")
        return
    ordered = sorted(changes, key=lambda change: not change.is_alarming)
    shown = ordered[:_SHOWN]
    print_table(
        [
            Column("", ["!" if change.is_alarming else "" for change in shown]),
            Column("provider", [printable(change.provider) for change in shown]),
            Column("model", [printable(change.model) for change in shown]),
            Column("terms", [printable(change.terms) for change in shown], spare=1),
            Column("since", [change.since for change in shown]),
            Column("price", [printable(change.meter) for change in shown]),
            Column.money("before", [figure_text(change.before) for change in shown]),
            Column.money("after", [figure_text(change.after) for change in shown]),
        ],
        to=to,
    )
    if len(ordered) > len(shown):
        to.print(f"and {len(ordered) - len(shown):,} more; --json shows all")
    alarming = sum(change.is_alarming for change in ordered)
    if alarming:
        to.print(f"{alarming:,} alarming: gone, zero, or moved more than twofold", style="yellow")

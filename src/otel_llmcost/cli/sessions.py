"""`otel-llmcost sessions`: sessions with their stages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

import click

from ..reports import CostRow, SessionCost, session_costs
from .export import amount_text, iso, print_csv, print_json, sums_json
from .ledger_option import ledger_option, opened_ledger
from .selection import format_options, selected, selection_options
from .tables import Column, console, money_text, print_table, printable


@click.command("sessions")
@selection_options
@click.option(
    "-n", "--limit", default=20, show_default=True, type=click.IntRange(min=-1), help="So many; -1: all."
)
@format_options
@ledger_option
def command(limit: int, output: str, directory: Path | None, **options: Any) -> None:
    """Sessions of a RANGE (as for `report`; without one, all), the latest first, with their stages.

    Time is the time inside calls; a stage's share is of its session's.
    """
    wanted, tz = selected(default="all", **options)
    with opened_ledger(directory) as ledger:
        found = session_costs(ledger, wanted, limit)
    if output == "json":
        print_json([_json(one, tz) for one in found])
    elif output == "csv":
        header = (
            "session",
            "stage",
            "calls",
            "seconds",
            "time_share",
            "input",
            "output",
            "cost",
            "cost_is_lower_bound",
        )
        print_csv(
            header,
            [
                _cells(one.session, stage.stage, stage.sums, stage.time_share)
                for one in found
                for stage in one.stages
            ],
        )
    elif found:
        print_table(_columns(found, tz), to=console())
    else:
        console().print("no sessions")


def _json(one: SessionCost, tz: tzinfo) -> dict[str, object]:
    return {
        "session": one.session,
        "first": iso(one.first_ns, tz),
        "last": iso(one.last_ns, tz),
        **sums_json(one.sums),
        "stages": [
            {"stage": stage.stage, "time_share": stage.time_share, **sums_json(stage.sums)}
            for stage in one.stages
        ],
    }


def _cells(session: str, stage: str, sums: CostRow, share: float) -> list[str | int | float | None]:
    prompt = sums.input + sums.cache_read + sums.cache_write
    cost = amount_text(sums.amount) if sums.is_known else None
    seconds = sums.duration_us / 1e6
    return [
        session,
        stage,
        sums.calls,
        seconds,
        share,
        prompt,
        sums.output,
        cost,
        str(sums.is_lower_bound).lower(),
    ]


def _columns(found: Sequence[SessionCost], tz: tzinfo) -> list[Column]:
    lines: list[tuple[str, str, CostRow, str]] = []
    for one in found:
        lines.append(
            (printable(one.session), (iso(one.first_ns, tz) or "")[:16].replace("T", " "), one.sums, "")
        )
        if [stage.stage for stage in one.stages] != [""]:
            lines += [
                (f"  {printable(stage.stage) or '(no stage)'}", "", stage.sums, f"{stage.time_share:.0%}")
                for stage in one.stages
            ]
    sums = [line[2] for line in lines]
    return [
        Column("session", [line[0] for line in lines]),
        Column("began", [line[1] for line in lines], spare=1),
        Column.numbers("calls", [row.calls for row in sums]),
        Column("seconds", [f"{row.duration_us / 1e6:,.1f}" for row in sums], right=True, spare=2, whole=True),
        Column("share", [line[3] for line in lines], right=True, spare=3),
        Column.numbers("input", [row.input + row.cache_read + row.cache_write for row in sums], spare=4),
        Column.numbers("output", [row.output for row in sums], spare=4),
        Column.money("cost", [_cost(row) for row in sums]),
    ]


def _cost(row: CostRow) -> str:
    return money_text(row.amount, lower_bound=row.is_lower_bound) if row.is_known else "unknown"

"""`otel-llmcost sessions`: sessions with their stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple

import click

from ..assembly import open_book
from ..comparison import Savings
from ..config import load_config
from ..money import as_text
from ..reports import CostRow, StageCost
from ..sessions.kept import KeptSession, kept_sessions
from .amounts import Shown, money_text, places_of_sums
from .export import Cell, amount_text, iso, local_time, print_csv, print_json, sums_json
from .harmless import printable
from .ledger_option import ledger_option, opened_ledger
from .selection import format_options, limit_option, selected, selection_options
from .tables import Column, console, print_table

_CSV = (
    "session", "status", "stage", "calls", "seconds", "wall_seconds", "time_share", "input", "output", "cost",
    "cost_is_lower_bound", "with_other_model",
)  # fmt: skip


@click.command("sessions")
@selection_options
@limit_option
@click.option("--against", metavar="MODEL", help="Show what the same tokens would have cost with this model.")
@format_options
@ledger_option
def command(limit: int, against: str | None, output: str, directory: Path | None, **options: Any) -> None:
    """Sessions of a RANGE (as for `report`; default: all) with their stages, the latest first.

    Seconds are the time inside calls. A stage's share is its part of the session. JSON also has the wall time.
    """
    wanted, tz = selected(default="all", **options)
    book = open_book(load_config()) if against is not None else None
    with opened_ledger(directory) as ledger:
        found = kept_sessions(ledger, wanted, limit, against, book)
    if output == "json":
        print_json([_json(one, tz) for one in found])
    elif output == "csv":
        print_csv(_CSV, [cells for one in found for cells in _cells(one)])
    elif found:
        print_table(_columns(found, tz, against), to=console())
    else:
        console().print("no sessions")


def _json(one: KeptSession, tz: tzinfo) -> dict[str, object]:
    costs, record, compared = one.costs, one.record, one.compared
    said: dict[str, object] = {}
    if record is not None:
        said = {"status": record.status, "task": record.task, "mode": record.mode, "phase": record.phase}
        said["wall_s"] = one.wall_s
    if compared is not None:
        said["against"] = _compared_json(compared)
    return {
        "session": costs.session,
        "first": iso(costs.first_ns, tz),
        "last": iso(costs.last_ns, tz),
        **said,
        **sums_json(costs.sums),
        "stages": [_stage_json(one, stage) for stage in costs.stages],
    }


def _stage_json(one: KeptSession, stage: StageCost) -> dict[str, object]:
    compared = one.stages_compared.get(stage.stage)
    return {
        "stage": stage.stage,
        "time_share": stage.time_share,
        "wall_s": one.stage_wall_s(stage.stage),
        **({"against": _compared_json(compared)} if compared is not None else {}),
        **sums_json(stage.sums),
    }


def _compared_json(compared: Savings) -> dict[str, object]:
    return {
        "model": str(compared.against),
        "compared_calls": compared.compared,
        "paid_usd": as_text(compared.paid),
        "would_cost_usd": as_text(compared.would_cost),
        "calls_of_unknown_cost": compared.unpaid,
        "would_cost_of_those_usd": as_text(compared.would_cost_of_unpaid),
    }


def _cells(one: KeptSession) -> list[list[Cell]]:
    lines: list[list[Cell]] = []
    for stage in one.costs.stages:
        sums, compared = stage.sums, one.stages_compared.get(stage.stage)
        cost = amount_text(sums.amount) if sums.is_known else None
        lines.append(
            [one.costs.session, one.status, stage.stage, sums.calls, sums.duration_us / 1e6,
             one.stage_wall_s(stage.stage), stage.time_share, _prompt(sums), sums.output, cost,
             str(sums.is_lower_bound).lower(), None if compared is None else amount_text(_whole(compared))]
        )  # fmt: skip
    return lines


@dataclass(slots=True)
class _Line:
    name: str
    sums: CostRow
    began: str = ""
    status: str = ""
    share: str = ""
    compared: str = ""


def _columns(found: Sequence[KeptSession], tz: tzinfo, against: str | None) -> list[Column]:
    places = _places(found)
    lines = [line for one in found for line in _lines(one, tz, places)]
    sums = [line.sums for line in lines]
    columns = [
        Column("session", [line.name for line in lines]),
        Column("status", [line.status for line in lines], spare=3),
        Column("began", [line.began for line in lines], short_cells=[line.began[5:] for line in lines]),
        Column.numbers("calls", [row.calls for row in sums]),
        Column("seconds", [f"{row.duration_us / 1e6:,.1f}" for row in sums], right=True, spare=2, whole=True),
        Column("share", [line.share for line in lines], right=True, spare=3),
        Column.numbers("input", [_prompt(row) for row in sums], spare=4),
        Column.numbers("output", [row.output for row in sums], spare=4),
        Column.money("cost", [_cost(row, places.cost) for row in sums]),
    ]
    if against is not None:
        columns.append(Column.money(f"with {printable(against)}", [line.compared for line in lines]))
    return [column for column in columns if any(cell.strip() for cell in column.cells)]


class _Places(NamedTuple):
    """How many decimals the amounts of a column have, with which every session is the sum of its stages."""

    cost: int
    compared: int


def _places(found: Sequence[KeptSession]) -> _Places:
    costs: list[list[Shown]] = []
    compared: list[list[Shown]] = []
    for one in found:
        sums = [*(stage.sums for stage in one.costs.stages), one.costs.sums]
        costs.append([(row.amount, row.is_lower_bound) for row in sums])
        others = [*(one.stages_compared.get(stage.stage) for stage in one.costs.stages), one.compared]
        compared.append([(_whole(other), _is_incomplete(other)) for other in others if other is not None])
    return _Places(places_of_sums(costs), places_of_sums(compared))


def _lines(one: KeptSession, tz: tzinfo, places: _Places) -> list[_Line]:
    costs = one.costs
    began = local_time(costs.first_ns, tz, "minutes")
    whole = _compared(one.compared, places.compared)
    lines = [_Line(printable(costs.session), costs.sums, began, one.status, compared=whole)]
    if [stage.stage for stage in costs.stages] != [""]:
        lines += [
            _Line(
                f"  {printable(stage.stage) or '(no stage)'}",
                stage.sums,
                share=f"{stage.time_share:.0%}",
                compared=_compared(one.stages_compared.get(stage.stage), places.compared),
            )
            for stage in costs.stages
        ]
    return lines


def _compared(found: Savings | None, places: int) -> str:
    """What the other model would have cost; a lower bound where it has no price for some of the calls."""
    if found is None or not found.compared + found.unpaid:
        return "unknown"
    return money_text(_whole(found), lower_bound=_is_incomplete(found), places=places)


def _is_incomplete(found: Savings) -> bool:
    return found.unpriced + found.unsplit > 0


def _whole(found: Savings) -> int:
    return found.would_cost + found.would_cost_of_unpaid


def _prompt(row: CostRow) -> int:
    return row.input + row.cache_read + row.cache_write


def _cost(row: CostRow, places: int) -> str:
    return (
        money_text(row.amount, lower_bound=row.is_lower_bound, places=places) if row.is_known else "unknown"
    )

"""`otel-llmcost report`: what calls cost, by whatever they can be told apart by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..call import COMMITTED, DELEGATED, ESTIMATED, PARTIAL, PENDING, REPORTED, UNPRICED
from ..ledger.losses import read_losses
from ..reports import CostRow, Report, cost_report, zone
from .amounts import money_text, places_that_add_up
from .export import Cell, amount_text, iso, print_csv, print_json, report_json
from .harmless import printable
from .ledger_option import ledger_option, opened_ledger
from .losses import lost_json, lost_line
from .selection import format_options, selected, selection_options
from .tables import Column, console, print_table

_SUMS = ("input", "cache_read", "cache_write", "output")
_HEADERS = {"input": "uncached", "cache_read": "cache read", "cache_write": "cache write", "output": "output"}
_SPARE = {"input": 3, "cache_read": 4, "cache_write": 5, "output": 2}
_COUNTED = (UNPRICED, PARTIAL, ESTIMATED, REPORTED, PENDING, COMMITTED, DELEGATED)


@click.command("report")
@selection_options
@click.option(
    "--by", default="model", show_default=True, metavar="FIELDS",
    help="Group by these fields, separated by commas: model, provider, source, conversation, session, stage, team, "
    "feature, user, service, operation, tier, status, error, hour, day, week, month, tag:NAME ...",
)  # fmt: skip
@format_options
@ledger_option
def command(by: str, output: str, directory: Path | None, **options: Any) -> None:
    """What calls cost over a RANGE.

    RANGE: today, yesterday, week, month, all, 24h, 7d, 4w, 2026-11, 2026-11-01, 2026-11-01..2026-11-15.
    Default: the last seven days.
    """
    wanted, tz = selected(default="7d", **options)
    groups = tuple(name.strip() for name in by.split(",") if name.strip()) or ("model",)
    with opened_ledger(directory) as ledger:
        report = cost_report(
            ledger, since=wanted.since_ns, until=wanted.until_ns, by=groups, tz=tz, wanted=wanted
        )
        lost = read_losses(ledger.directory, since_ns=wanted.since_ns, until_ns=wanted.until_ns)
    if output == "json":
        print_json({**report_json(report, options["tz"]), "not_kept": lost_json(lost)})
    elif output == "csv":
        _print_csv(report)
    else:
        show_report(report, title=_title(report, options["tz"]))
        if lost:
            console().print(lost_line(lost), style="yellow", markup=False)


def show_report(report: Report, *, title: str = "", stderr: bool = False, elsewhere: str = "--json") -> None:
    """Prints a report for a person, with why calls have no exact price below it (`elsewhere` as `print_table` has it)."""
    to = console(stderr=stderr)
    if title:
        to.print(title, style="bold", markup=False)
    if not report.rows:
        to.print("no calls")
        return
    print_table(report_columns(report), to=to, total=True, elsewhere=elsewhere)
    for line in reason_lines(report):
        to.print(line, style="yellow", markup=False)


def report_columns(report: Report) -> list[Column]:
    """The columns of a report, the total last; those without a number are left out."""
    rows = [*report.rows, report.total]
    columns = [
        Column(name, [*(printable(row.keys[place]) or "-" for row in report.rows), "" if place else "total"])
        for place, name in enumerate(report.by)
    ]
    columns.append(Column.numbers("calls", [row.calls for row in rows]))
    for name in _SUMS:
        values = [getattr(row, name) for row in rows]
        if any(values):
            columns.append(Column.numbers(_HEADERS[name], values, spare=_SPARE[name]))
    places = _places(report)
    columns.append(Column.money("cost", [_cost(row, places) for row in rows]))
    if any(row.savings for row in rows):
        columns.append(Column.summed("cache saved", [row.savings or None for row in rows], spare=6))
    notes = [_note(row) for row in rows]
    if any(notes):
        columns.append(Column("", notes, style="yellow"))
    return columns


def total_text(report: Report, *, lower_bound: bool = False) -> str:
    """What all calls cost together, in the digits that its table has; "" where nothing is known."""
    if not report.total.is_known:
        return ""
    bound = lower_bound or report.total.is_lower_bound
    return money_text(report.total.amount, lower_bound=bound, places=_places(report))


def _places(report: Report) -> int:
    rows = [*report.rows, report.total]
    return places_that_add_up([row.amount for row in rows], [row.is_lower_bound for row in rows])


def reason_lines(report: Report, most: int = 10) -> list[str]:
    """Why calls have no price, only a part of it or an estimate, the most frequent reasons first."""
    common = report.reasons.most_common()
    lines = [f"{count:,}x {printable(reason)}" for reason, count in common[:most]]
    return lines + ([f"and {len(common) - most} more reasons (--json has them all)"] if common[most:] else [])


def _cost(row: CostRow, places: int) -> str:
    if not row.is_known:
        return "unknown" if row.unpriced else "-"
    return money_text(row.amount, lower_bound=row.is_lower_bound, places=places)


def _note(row: CostRow) -> str:
    counts = [f"{row.statuses[status]:,} {status}" for status in _COUNTED if row.statuses[status]]
    if row.failed:
        counts.append(f"{row.failed:,} failed")
    return ", ".join(counts)


def _title(report: Report, tz: str) -> str:
    if report.since_ns is None and report.until_ns is None:
        return "all calls"
    place = zone(tz)
    since, until = iso(report.since_ns, place) or "the beginning", iso(report.until_ns, place) or "now"
    return f"calls from {since} to {until}, days of {tz}"


def _print_csv(report: Report) -> None:
    header = [
        *report.by,
        "calls",
        "errors",
        *_COUNTED,
        *_SUMS,
        "cost",
        "cost_is_lower_bound",
        "cache_savings",
    ]
    print_csv(header, [_cells(row) for row in report.rows])


def _cells(row: CostRow) -> list[Cell]:
    return [
        *row.keys,
        row.calls,
        row.failed,
        *(row.statuses[status] for status in _COUNTED),
        *(getattr(row, name) for name in _SUMS),
        row.cost if row.cost is None else amount_text(row.amount),
        str(row.is_lower_bound).lower(),
        amount_text(row.savings),
    ]

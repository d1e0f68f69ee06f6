"""`otel-llmcost budget status`: how every budget stands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from ..budgets.parse import parse_budgets
from ..budgets.state import BudgetState
from ..budgets.status import budget_status
from ..budgets.windows import iso
from ..config import load_config
from .export import print_json
from .ledger_option import ledger_option, ledger_settings, opened_ledger
from .tables import Column, aligned, console, money_text, print_table, printable


@click.group("budget")
def command() -> None:
    """Budgets: how much may be spent, and how they stand."""


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Exact amounts as decimal text.")
@ledger_option
def status(as_json: bool, directory: Path | None) -> None:
    """Limit, spent, reserved, remaining, and when the limit is reached if spending goes on as it did.

    Budgets of machine scope are read from the counter that all processes share; of a process's own budgets the
    ledger tells what all processes spent together.
    """
    config = load_config()
    file = str(config.document.path) if config.document is not None else ""
    parsed = parse_budgets(config.table("budgets"), file)
    for problem in parsed.problems:
        click.echo(f"not in force: {problem}", err=True)
    states: list[BudgetState] = []
    if parsed.budgets:
        with opened_ledger(directory) as ledger:
            where = ledger_settings(directory).directory
            states = budget_status(parsed.budgets, ledger, where, int(time.time()))
    if as_json:
        print_json([state.as_json() for state in states])
    elif states:
        print_table(_columns(states), to=console())
    else:
        console().print("no budgets: name some in otel-llmcost.toml (otel-llmcost init writes one)")


def _columns(states: Sequence[BudgetState]) -> list[Column]:
    def amounts(of: Sequence[int | None]) -> list[str]:
        return aligned([money_text(amount) for amount in of])

    return [
        Column("budget", [printable(state.name) for state in states]),
        Column("action", [state.action for state in states], spare=2),
        Column("window", [state.window for state in states]),
        Column("scope", [state.scope for state in states], spare=1),
        Column("limit", amounts([state.limit for state in states]), right=True),
        Column("spent", amounts([state.spent if state.known else None for state in states]), right=True),
        Column(
            "reserved",
            amounts([state.reserved if state.known else None for state in states]),
            right=True,
            spare=3,
        ),
        Column(
            "remaining", amounts([state.remaining if state.known else None for state in states]), right=True
        ),
        Column.numbers("refused", [state.refused for state in states], spare=2),
        Column("resets", [iso(state.resets_at) for state in states], spare=4),
        Column("runs out", [iso(state.runs_out_at) for state in states], spare=5),
        Column("note", [printable(state.note) for state in states], spare=6),
    ]

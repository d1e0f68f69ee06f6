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
from . import Suggesting
from .amounts import money_text, places_of_sums, places_to_compare
from .export import print_json
from .harmless import printable
from .ledger_option import ledger_option, ledger_settings, opened_ledger
from .tables import Column, console, print_table


@click.group("budget", cls=Suggesting)
def command() -> None:
    """Budgets: how much may be spent, and how much has been."""


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, with exact amounts.")
@ledger_option
def status(as_json: bool, directory: Path | None) -> None:
    """Limit, spent, reserved and remaining amounts, and when the limit will be reached at the present rate.

    Budgets of machine scope come from the counter that all processes share. For budgets of process scope, the
    ledger shows what all processes spent together.
    """
    config = load_config()
    if config.document is None and config.fatal:
        raise config.fatal[0]
    file = str(config.document.path) if config.document is not None else ""
    parsed = parse_budgets(config.table("budgets"), file)
    for problem in parsed.problems:
        click.echo(f"not in force: {printable(str(problem))}", err=True)
    states: list[BudgetState] = []
    if parsed.budgets:
        with opened_ledger(directory, though_off=True) as ledger:
            where = ledger_settings(directory).directory
            states = budget_status(
                parsed.budgets,
                ledger,
                where,
                int(time.time()),
                kept=config.ledger_enabled or directory is not None,
            )
    if as_json:
        print_json([state.as_json() for state in states])
    elif states:
        to = console()
        print_table(_columns(states), to=to)
        for note in _notes(states):
            to.print(note, style="yellow", markup=False)
    else:
        console().print("no budgets: name some in otel-llmcost.toml (otel-llmcost init writes one)")


def _columns(states: Sequence[BudgetState]) -> list[Column]:
    places = _places(states)

    def amounts(header: str, of: Sequence[int], spare: int = 0) -> Column:
        known = [amount if state.known else None for state, amount in zip(states, of, strict=True)]
        return Column.money(header, [money_text(amount, places=places) for amount in known], spare)

    limits = [money_text(state.limit, places=places) for state in states]
    columns = [
        Column("budget", [printable(state.name) for state in states]),
        Column("action", [state.action for state in states], spare=1),
        Column("window", [state.window for state in states]),
        Column("scope", [state.scope for state in states], spare=2),
        Column.money("limit", limits),
        amounts("spent", [state.spent for state in states]),
        amounts("reserved", [state.reserved for state in states], spare=3),
        amounts("remaining", [state.remaining for state in states]),
        Column.numbers("refused", [state.refused for state in states], spare=2),
        _instants("resets", [state.resets_at for state in states], spare=4),
        _instants(
            "runs out",
            [state.runs_out_at for state in states],
            spare=5,
            instead=["reached" if state.reached else "" for state in states],
        ),
    ]
    return [column for column in columns if any(cell.strip() for cell in column.cells)]


def _instants(header: str, seconds: Sequence[int], spare: int, instead: Sequence[str] = ()) -> Column:
    """Instants in UTC, in short without their seconds; a word `instead` of one where there is a word."""
    words = instead or [""] * len(seconds)
    texts = [word or iso(instant) for word, instant in zip(words, seconds, strict=True)]
    return Column(header, texts, spare=spare, short_cells=[text[:16].replace("T", " ") for text in texts])


def _notes(states: Sequence[BudgetState]) -> list[str]:
    """What is to be known of some budgets, once for all that it holds for."""
    names: dict[str, list[str]] = {}
    for state in states:
        if state.note:
            names.setdefault(state.note, []).append(state.name)
    return [printable(f"{', '.join(of)}: {note}") for note, of in names.items()]


def _places(states: Sequence[BudgetState]) -> int:
    """Decimals with which spent, reserved and remaining add up to each limit, where it is not passed."""
    parts = [
        [state.spent, state.reserved, state.remaining, state.limit]
        for state in states
        if state.known and state.spent + state.reserved <= state.limit
    ]
    most = places_to_compare([amount for state in states for amount in (state.limit, state.spent)])
    return max(most, places_of_sums([[(amount, False) for amount in amounts] for amounts in parts]))

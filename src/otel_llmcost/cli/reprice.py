"""`otel-llmcost reprice`: calls in the ledger, priced again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..assembly import open_book
from ..config import load_config
from ..money import as_text
from ..repricing import Repricing, reprice
from .amounts import money_text, places_that_add_up
from .export import print_json
from .harmless import printable
from .ledger_option import ledger_option, opened_ledger
from .selection import selected, selection_options
from .tables import Column, console, print_table


@click.command("reprice")
@selection_options
@click.option(
    "--apply", "apply", is_flag=True, help="Change the ledger; without this, only show the changes."
)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with both prices.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, with exact amounts.")
@ledger_option
def command(apply: bool, reason: str, as_json: bool, directory: Path | None, **options: Any) -> None:
    """Price the calls of a RANGE in the ledger again with the prices in force. Default: all calls.

    Without --apply this is a dry run. Each call is priced at its own time. The former price is kept beside the new
    one, with the reason.
    """
    wanted, _ = selected(default="all", **options)
    book = open_book(load_config())
    with opened_ledger(directory, to_write=True) as ledger:
        found = reprice(ledger, book, wanted, reason=reason, apply=apply)
    if as_json:
        print_json(_json(found, book.version, apply))
    else:
        _show(found, book.version, apply)


def _json(found: Repricing, version: str, applied: bool) -> dict[str, object]:
    return {
        "applied": applied,
        "price_version": version,
        "calls": found.seen,
        "pending": found.pending,
        "changed": found.changed,
        "newly_priced": found.newly_priced,
        "no_longer_priced": found.no_longer_priced,
        "difference_usd": as_text(found.difference),
        "models": [
            {"provider": provider, "model": model, "calls": calls, "difference_usd": as_text(amount)}
            for (provider, model), (calls, amount) in sorted(found.by_model.items())
        ],
    }


def _show(found: Repricing, version: str, applied: bool) -> None:
    to = console()
    places = 0
    if found.by_model:
        rows = sorted(found.by_model.items(), key=lambda item: -abs(item[1][1]))
        places = places_that_add_up([*(amount for _, (_, amount) in rows), found.difference])
        columns = [
            Column("provider", [printable(provider) for (provider, _), _ in rows]),
            Column("model", [printable(model) for (_, model), _ in rows]),
            Column.numbers("calls", [calls for _, (calls, _) in rows]),
            Column.money("difference", [money_text(amount, places=places) for _, (_, amount) in rows]),
        ]
        print_table(columns, to=to)
    done = "changed" if applied else "would change"
    difference = money_text(found.difference, places=places)
    pending = f" ({found.pending:,} pending)" if found.pending else ""
    to.print(
        f"{found.changed:,} of {found.seen:,} calls{pending} {done} at prices {version}, by {difference}",
        markup=False,
    )
    if found.newly_priced or found.no_longer_priced:
        to.print(f"{found.newly_priced:,} newly priced, {found.no_longer_priced:,} no longer", markup=False)
    if found.changed and not applied:
        to.print("nothing was changed; --apply does it", style="yellow")

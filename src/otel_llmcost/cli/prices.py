"""`otel-llmcost prices`: show, list, diff, check, update, roll back, pack, discover."""

from __future__ import annotations

import time

import click

from ..assembly import open_book
from ..config import load_config
from ..prices import SHIPPED, Book, Row, read_snapshot
from ..prices.compare import compare, flat_prices
from ..prices.fields import iso_instant
from ..prices.providers import provider_name
from ..prices.rates import ALWAYS, FOREVER
from ..prices.tables import hours_text, row_table
from ..pricing import instant_ns
from ..updates.offers import fetch_snapshot
from . import Suggesting
from .export import print_csv, print_json
from .harmless import printable
from .price_changes import change_json, figure_text, print_changes
from .prices_check import check
from .prices_discover import discover
from .prices_update import pack_command, rollback, update
from .selection import format_options
from .tables import Column, console, print_table

_GPU_HOUR = "gpu_hour"


@click.group("prices", cls=Suggesting)
def command() -> None:
    """The price book: show, list, diff, check, update."""


command.add_command(check)
command.add_command(update)
command.add_command(rollback)
command.add_command(pack_command)
command.add_command(discover)


@command.command("show")
@click.argument("model")
@click.option(
    "--provider", default="", metavar="NAME", help="Only this provider; default: all that have MODEL."
)
@click.option("--time", "at", metavar="TIME", help="Only rows in force at this instant; default: now.")
@click.option("--all", "everything", is_flag=True, help="Include past and future prices.")
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON, with exact figures.")
def show(model: str, provider: str, at: str | None, everything: bool, as_json: bool) -> None:
    """The rows that price MODEL, with the source of each figure."""
    book = open_book(load_config())
    at_ns = time.time_ns() if at is None else _instant(at)
    chosen = _rows_of(book, model, provider, None if everything else at_ns)
    if as_json:
        print_json([row_table(row) for row in chosen])
    elif chosen:
        for row in chosen:
            _print_row(row)
    if not chosen:
        raise click.ClickException(
            f"{model} is in no price list{' of ' + provider if provider else ''} at that time"
        )


def _instant(text: str) -> int:
    try:
        return instant_ns(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _rows_of(book: Book, model: str, provider: str, at_ns: int | None) -> list[Row]:
    prefix, slash, _ = model.partition("/")
    if provider or (slash and provider_name(prefix) in book.catalogue.snapshot.texts):
        return book.rows(provider or prefix, model, at_ns)
    own = {row.provider for row in book.own.rows}
    found: list[Row] = []
    for name in sorted({*book.catalogue.snapshot.texts, *own}):
        # a provider may be asked under several names (`PRICED_AS`); each row counts once
        found.extend(row for row in book.rows(name, model, at_ns) if row not in found)
    return found


def _print_row(row: Row) -> None:
    to = console()
    terms = " ".join(part for part in (row.tier, row.speed, "/".join(row.region)) if part)
    start = "always" if row.from_ns == ALWAYS else iso_instant(row.from_ns)
    end = "" if row.to_ns == FOREVER else f" to {iso_instant(row.to_ns)}"
    to.print(printable(f"{row.provider} {row.model}  {terms}  from {start}{end}"), style="bold", markup=False)
    if kind := _kind(row):
        to.print(kind)
    _print_prices(row)
    where = [
        row.source_url or row.upstream or "your own row",
        row.verified_at and f"checked {row.verified_at}",
        row.note,
    ]
    to.print(printable(", ".join(part for part in where if part)), style="dim", markup=False)


def _kind(row: Row) -> str:
    """What a row says of calls instead of a rate."""
    if row.committed:
        return "committed: capacity bought beforehand has no price per call"
    return "free" if row.free else ""


def _print_prices(row: Row) -> None:
    prices = flat_prices(row)
    if row.gpu_hour is not None:
        prices[_GPU_HOUR] = row.gpu_hour
    if not prices:
        return
    print_table(
        [
            Column("price", [printable(_with_hours(name, row)) for name in prices]),
            Column.money("USD", [figure_text(figure) for figure in prices.values()]),
            Column("per", [_unit(name) for name in prices]),
        ],
        to=console(),
    )


def _with_hours(name: str, row: Row) -> str:
    """The name of a price, with the hours themselves where `flat_prices` has the number of a window."""
    for number, window in enumerate(row.schedule, 1):
        meter, numbered, rest = name.rpartition(f" hours {number}")
        if numbered and not rest:
            return f"{meter} {hours_text(window)}"
    return name


def _unit(name: str) -> str:
    if name.startswith("factor"):
        return ""
    if name == _GPU_HOUR:
        return "hour of a call"
    tokens = name.split()[0].startswith(("input", "output", "cache"))
    return "1M tokens" if tokens else "unit"


@command.command("list")
@click.option("--provider", default="", metavar="NAME", help="Only this provider.")
@click.option("--match", default="", metavar="TEXT", help="Only models whose names contain this.")
@format_options
def list_models(provider: str, match: str, output: str) -> None:
    """The models that have a price now, with their standard rates."""
    book = open_book(load_config())
    named = provider_name(provider)
    if named and named not in {*book.catalogue.snapshot.texts, *(row.provider for row in book.own.rows)}:
        raise click.ClickException(f"no provider {provider!r} is in the price list")
    rows = list(_current(book, named, match))
    if match and not rows:
        raise click.ClickException(
            f"nothing matches {match!r} in the price list{f' of {provider}' if provider else ''}; "
            "remedy: a part of a model's name, such as --match gpt-5"
        )
    header = ("provider", "model", "input", "cache_read", "output", "tiers", "otherwise")
    if output == "json":
        print_json([dict(zip(header, row, strict=True)) for row in rows])
    elif output == "csv":
        print_csv(header, rows)
    else:
        cells = list(zip(*rows, strict=True)) or [()] * len(header)
        columns = [
            Column.money(name, list(column))
            if name in header[2:5]
            else Column(name, [printable(cell) for cell in column])
            for name, column in zip(header, cells, strict=True)
            if name != "otherwise" or any(column)
        ]
        print_table(columns, to=console())


def _current(book: Book, provider: str, match: str) -> list[tuple[str, ...]]:
    now = time.time_ns()
    found: list[tuple[str, ...]] = []
    for name in sorted({*book.catalogue.snapshot.texts, *(row.provider for row in book.own.rows)}):
        if provider not in ("", name):
            continue
        page = book.catalogue.page(name)
        own = {row.model for row in book.own.rows if row.provider == name}
        for model in sorted(own | set(page.models if page is not None else ())):
            if match.lower() in model.lower():
                rows = book.rows(name, model, now)
                if rows:
                    found.append((name, model, *_cells(rows)))
    return found


def _cells(rows: list[Row]) -> tuple[str, ...]:
    standard = next((row for row in rows if row.tier == "standard" and not row.speed), rows[0])
    figures = [figure_text(standard.rates.get(meter)) for meter in ("input", "cache_read", "output")]
    tiers = sorted({f"{row.tier} {row.speed}".strip() for row in rows})
    return *figures, ", ".join(tiers), _otherwise(standard)


def _otherwise(row: Row) -> str:
    """How a row prices calls that has no rates."""
    if row.gpu_hour is not None:
        return f"{figure_text(row.gpu_hour)} an hour of a call"
    return "committed" if row.committed else "free" if row.free else ""


@command.command("diff")
@click.option(
    "--from", "source", required=True, metavar="URL|FILE|shipped", help="The prices to compare with."
)
@click.option("--json", "as_json", is_flag=True, help="The differences as JSON.")
def diff(source: str, as_json: bool) -> None:
    """What would change with the prices of a source. Nothing is changed."""
    present = open_book(load_config()).catalogue.snapshot
    changes = compare(present, read_snapshot(SHIPPED) if source == "shipped" else fetch_snapshot(source))
    if as_json:
        print_json([change_json(change) for change in changes])
    else:
        print_changes(changes)

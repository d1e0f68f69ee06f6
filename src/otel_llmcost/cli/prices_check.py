"""`otel-llmcost prices check`: every mistake in the prices, each told once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import click

from ..assembly import open_book, unknown_providers
from ..config import Config, load_config
from ..errors import ConfigurationError
from ..prices import Book
from ..prices.bundle import check_rows
from ..prices.catalogue import Catalogue
from ..prices.checking import check_file, check_snapshot
from ..prices.naming import doubtful_providers, misnamed_discounts
from ..prices.own import OwnPrices
from ..prices.own_reading import read_own
from ..toml_source import read_toml
from .harmless import printable
from .tables import console

_OURS = ("prices", "row", "price", "discount", "local_size", "hosts", "models")
_OUR_VARIABLES = ("OTEL_LLMCOST_PRICES", "OTEL_LLMCOST_HOSTS", "OTEL_LLMCOST_MODELS")


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path, dir_okay=False))
def check(files: tuple[Path, ...]) -> None:
    """Check the prices in force, the rows in your settings, and any price FILES; report every mistake."""
    # what is logged about mistakes in the settings is listed below
    logging.getLogger("otel_llmcost").addHandler(logging.NullHandler())
    config = load_config()
    book = open_book(config)
    files = tuple(dict.fromkeys(_as_in_settings(config, file) for file in files))
    own = {file: _own_of(file) for file in files}
    problems = [str(problem) for problem in _of_settings(config, book)]
    problems += check_snapshot(book.catalogue.snapshot)
    problems += [
        str(problem)
        for file in files
        for problem in (*check_file(file), *misnamed_discounts(_with(book, own[file])))
    ]
    problems = list(dict.fromkeys(problems))
    doubts = [*doubtful_providers(book.catalogue)]
    doubts += [doubt for file in files for doubt in doubtful_providers(_with(book, own[file]))]
    for text in (*problems, *dict.fromkeys(f"note: {doubt}" for doubt in doubts)):
        click.echo(printable(text), err=True)
    if problems:
        raise click.ClickException(f"{len(problems)} mistake{'s' if len(problems) > 1 else ''} in the prices")
    rows = check_rows(book.catalogue.snapshot)
    named = "".join(f", {len(own[file].rows)} in {file.name}" for file in files)
    console().print(
        f"sound: {rows:,} rows of {book.snapshot_date}, {len(book.own.rows)} in the settings{named}",
        markup=False,
    )


def _of_settings(config: Config, book: Book) -> Iterator[ConfigurationError]:
    """What is wrong with prices in the settings, in the files that they name, and in the environment."""
    for problem in config.problems:
        root = problem.key.partition(".")[0]
        if not root or root in _OURS or root.startswith(_OUR_VARIABLES):
            yield problem
    for path in config.price_files:
        try:
            read_toml(path)
        except ConfigurationError as problem:
            yield problem
    yield from book.problems
    yield from unknown_providers(config, book)


def _as_in_settings(config: Config, file: Path) -> Path:
    """The path by which the settings know a file: what is wrong in it is then told once."""
    named = (*([config.document.path] if config.document is not None else []), *config.price_files)
    return next((path for path in named if path.resolve() == file.resolve()), file)


def _own_of(file: Path) -> OwnPrices:
    try:
        return read_own([read_toml(file)])
    except ConfigurationError:  # `check_file` names it
        return OwnPrices()


def _with(book: Book, own: OwnPrices) -> Catalogue:
    """The prices in force with a file's rows beside the user's own; its discounts, not theirs."""
    places = {**book.own.places, **own.places}
    both = OwnPrices(rows=[*own.rows, *book.own.rows], discounts=own.discounts, places=places)
    return Catalogue(book.catalogue.snapshot, both, {})

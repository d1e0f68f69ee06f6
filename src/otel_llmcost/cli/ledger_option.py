"""Which ledger a command reads, and the ledger itself, up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import assembly
from ..config import load_config
from ..errors import LedgerError
from ..ledger.drain import open_up_to_date
from ..ledger.location import place_to_read
from ..ledger.recorder import LedgerSettings
from ..ledger.store import Ledger
from .harmless import printable

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def ledger_option(function: _Decorated) -> _Decorated:
    """The option `--ledger DIR`, passed on as `directory`."""
    return click.option(
        "--ledger",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The ledger's directory; default: the one in your settings.",
    )(function)


def ledger_settings(directory: Path | None = None) -> LedgerSettings:
    """The ledger that the settings name, or the one in `directory`."""
    config = load_config()
    if directory is None and config.document is None:
        for problem in config.problems:
            if problem.file:
                raise problem  # the ledger that it names is another one
    settings = assembly.ledger_settings(config)
    return settings if directory is None else settings._replace(directory=directory)


@contextmanager
def opened_ledger(
    directory: Path | None = None, *, to_write: bool = False, though_off: bool = False
) -> Iterator[Ledger]:
    """The ledger with all that programs have kept until now. `directory`: a named one, which must be there.

    Where it cannot be written it is read as it is, unless `to_write`; standard error says what is missing in it.
    `though_off`: also where the settings keep none. Raises `LedgerError`.
    """
    settings = ledger_settings(directory)
    place = place_to_read(directory, settings.directory, enabled=settings.enabled or though_off)
    opened = open_up_to_date(
        place, busy_timeout_s=settings.busy_timeout_s, retention_days=settings.retention_days
    )
    with opened:
        if opened.refusal and to_write:
            raise LedgerError(opened.refusal)
        if opened.remark:
            click.echo(f"otel-llmcost: {printable(opened.remark)}", err=True)
        yield opened

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
from ..ledger.drain import drain
from ..ledger.recorder import LedgerSettings
from ..ledger.store import Ledger

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def ledger_option(function: _Decorated) -> _Decorated:
    """The option `--ledger DIR`, passed on as `directory`."""
    return click.option(
        "--ledger",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The ledger's directory, if not the one of your settings.",
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
def opened_ledger(directory: Path | None = None) -> Iterator[Ledger]:
    """The ledger with all that programs have kept until now. `directory`: a named one, which must be there.

    Raises `LedgerError`.
    """
    settings = ledger_settings(directory)
    if settings.directory is None:
        raise LedgerError("there is no home directory to keep a ledger in; remedy: set OTEL_LLMCOST_LEDGER")
    if directory is not None and not directory.is_dir():
        raise LedgerError(
            f"there is no ledger in {directory}; remedy: leave --ledger out, or name its directory"
        )
    timeout = settings.busy_timeout_s
    if not drain(settings.directory, busy_timeout_s=timeout, retention_days=settings.retention_days).complete:
        click.echo(
            "otel-llmcost: another program is filling the ledger; the latest calls may be missing", err=True
        )
    with Ledger(settings.directory, busy_timeout_s=timeout) as ledger:
        yield ledger

"""`otel-llmcost run -- program ...`: a program under instrumentation, without any backend."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from .launch import (
    environment_for_any_directory,
    ignores_environment,
    instrumented_environment,
    interpreter_command,
    lacks_package,
)
from .supervise import end_like, run_program

NOT_FOUND = 127
CANNOT_RUN = 126


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option("--no-summary", is_flag=True, help="Print no summary when the program ends.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def command(program: tuple[str, ...], no_summary: bool) -> None:
    """Run PROGRAM, price its LLM calls and keep them in the local ledger.

    No collector is needed: nothing is exported unless you configured it. Standard output, exit code and signals
    are the program's own; a summary goes to standard error.

    Exit code 127: the program was not found. 126: it cannot be run, or its interpreter lacks this package.
    """
    path = executable(program)
    run_id = secrets.token_hex(8)
    try:
        told = instrumented_environment(environment_for_any_directory(os.environ), run_id)
        status = run_program(path, program, told)
    except OSError as error:
        refuse(CANNOT_RUN, f"{program[0]}: {error.strerror}")
    try:
        if not no_summary:
            from .summary import show_run  # takes long to load; the program need not wait for it

            show_run(run_id, os.environ)
    except OSError as error:
        click.echo(f"otel-llmcost: there is no summary: {error}", err=True)
    finally:
        end_like(status)  # whatever became of the summary, the end is the program's


def executable(program: Sequence[str]) -> str:
    """The path of a program that can be run instrumented; ends this process where there is none."""
    path = shutil.which(program[0])
    if path is None:
        known = Path(program[0])
        if known.is_file():
            refuse(CANNOT_RUN, f"{known} is not executable; remedy: otel-llmcost run -- python {known}")
        refuse(NOT_FOUND, f"{program[0]}: command not found")
    interpreter = interpreter_command(Path(path), program[1:])
    if not interpreter:
        return path
    if ignores_environment(interpreter):
        refuse(
            CANNOT_RUN,
            f"{' '.join(interpreter)} ignores PYTHONPATH, so its calls could not be seen; "
            "remedy: leave out -I, -E and -S",
        )
    if lacks_package(interpreter, os.environ):
        refuse(
            CANNOT_RUN,
            f"{interpreter[0]} lacks the package; remedy: {interpreter[0]} -m pip install otel-llmcost",
        )
    return path


def refuse(code: int, message: str) -> NoReturn:
    """One line to standard error, and the end."""
    click.echo(f"otel-llmcost run: {message}", err=True)
    raise SystemExit(code)

"""Asking before something is changed, also where nobody can answer."""

from __future__ import annotations

import click


def confirmed(question: str, option: str) -> bool:
    """Whether the person says yes. Raises `click.ClickException` with the option to use where nobody answers.

    Ctrl-C still interrupts (`click.Abort`).
    """
    try:
        return click.confirm(question)
    except click.Abort as ended:
        # click makes one exception of Ctrl-C and of input that ends: /dev/null, a scheduler's
        if not isinstance(ended.__context__, EOFError):
            raise
    click.echo()
    raise click.ClickException(f"not confirmed; remedy: {option}")

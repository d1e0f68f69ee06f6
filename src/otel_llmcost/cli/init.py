"""`otel-llmcost init`: a commented settings file that changes nothing until it is edited."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import click

from ..config import FILE_NAME


def settings_template() -> str:
    """The text of the settings file: every setting, explained and commented out."""
    return resources.files(__package__).joinpath(FILE_NAME).read_text(encoding="utf-8")


@click.command("init")
@click.argument("path", default=FILE_NAME, type=click.Path(path_type=str))
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def command(path: str, force: bool) -> None:
    """Write a commented otel-llmcost.toml to PATH (a file or a directory, by default the working directory)."""
    target = Path(path) / FILE_NAME if Path(path).is_dir() else Path(path)
    if path.endswith(os.sep) and target == Path(path):
        raise click.ClickException(f"{path} is no directory; remedy: mkdir -p {path}")
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(settings_template())
    except FileExistsError:
        raise click.ClickException(f"{target} is there already; remedy: --force writes over it") from None
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}") from None
    click.echo(f"wrote {target}; otel-llmcost doctor says whether it is in force")

"""`otel-llmcost prices discover`: a proposed row for an unknown model."""

from __future__ import annotations

from pathlib import Path

import click

from ..assembly import open_price_store
from ..config import load_config
from ..discovery import Discovery, as_toml
from .consent import confirmed
from .harmless import printable
from .tables import console


@click.command("discover")
@click.argument("model")
@click.option("--provider", default="", metavar="NAME", help="The provider of the model.")
@click.option("--again", is_flag=True, help="Search again, even if an answer is remembered.")
@click.option(
    "--append", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Add the row to FILE."
)
@click.option("--yes", is_flag=True, help="Add the row without asking.")
@click.option("--api-key", envvar="LINKUP_API_KEY", default="", hidden=True)
@click.option("--base-url", envvar="LINKUP_BASE_URL", default="", hidden=True)
def discover(
    model: str, provider: str, again: bool, append: Path | None, yes: bool, api_key: str, base_url: str
) -> None:
    """Search the web for the price of MODEL, and propose a row with its sources.

    Needs the extra `discover` and a key in LINKUP_API_KEY. The row is not in force until it is in your prices file.
    """
    store = open_price_store(load_config())
    discovery = Discovery(
        store.directory / "discovered.json",
        api_key=api_key,
        base_url=base_url,
    )
    text = as_toml(discovery.propose(model, provider, afresh=again))
    click.echo("\n".join(printable(line) for line in text.splitlines()))
    if append is None:
        console(stderr=True).print(
            "not in force; put it into a prices file (--append FILE) to use it", style="dim"
        )
        return
    if yes or confirmed(f"Add this row to {append}?", "--yes"):
        with append.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")

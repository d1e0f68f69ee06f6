"""`otel-llmcost collector-config`: the price book as a collector's configuration."""

from __future__ import annotations

from pathlib import Path

import click

from ..assembly import open_book
from ..collector import Options, pricing_document
from ..config import load_config
from ..prices.load import load_book


@click.command("collector-config")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; default: standard output.",
)
@click.option(
    "--provider", "providers", multiple=True, help="Only this provider's prices (repeatable); default: all."
)
@click.option("--scope", "scopes", multiple=True, help="Also price spans of this scope (repeatable).")
@click.option(
    "--label", "labels", multiple=True, help="Also use this span attribute as a label (repeatable)."
)
@click.option("--tokens", is_flag=True, help="Count tokens as well as cost and calls.")
@click.option(
    "--shipped", is_flag=True, help="Only this release's prices, without your own settings and updates."
)
def command(
    output: Path | None,
    providers: tuple[str, ...],
    scopes: tuple[str, ...],
    labels: tuple[str, ...],
    tokens: bool,
    shipped: bool,
) -> None:
    """Write the collector configuration that prices spans of programs in any language.

    It includes your prices, discounts and hosts from otel-llmcost.toml. Load it after collector-config/gateway.yaml:
    otelcol-llmcost --config gateway.yaml --config pricing.yaml
    """
    config = load_config()
    book = load_book() if shipped else open_book(config)
    unknown = sorted(
        set(providers) - set(book.catalogue.snapshot.texts) - {r.provider for r in book.own.rows}
    )
    if unknown:
        known = ", ".join(sorted(book.catalogue.snapshot.texts))
        raise click.BadParameter(f"no prices for {', '.join(unknown)}; there are: {known}")
    hosts = {} if shipped else dict(config.hosts)
    options = Options(providers, scopes, (*Options().labels, *labels), tokens, hosts)
    text = pricing_document(book, options)
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text)
    click.echo(f"{output}: {len(text):,} characters, prices {book.version}", err=True)

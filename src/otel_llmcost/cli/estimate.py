"""`otel-llmcost estimate`: what a planned call would cost."""

from __future__ import annotations

from pathlib import Path

import click

from ..assembly import open_book
from ..config import load_config
from ..estimates import Estimate, estimate
from ..money import as_text
from ..pricing import answer
from .amounts import money_text
from .export import print_json
from .harmless import printable
from .tables import console


@click.command("estimate")
@click.argument("text", required=False)
@click.option("--model", required=True, metavar="NAME", help="The model to be called.")
@click.option(
    "--provider",
    default="",
    metavar="NAME",
    help="Who serves it; or write it before the model: openai/gpt-5.",
)
@click.option(
    "--file",
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
    help="The file with the prompt; - for standard input.",
)
@click.option(
    "--tokens", type=click.IntRange(min=0), help="The number of tokens in the prompt, instead of its text."
)
@click.option(
    "--output", type=click.IntRange(min=0), default=0, metavar="N", help="How many output tokens you expect."
)
@click.option(
    "--tier", default="", metavar="NAME", help="The service tier: standard, batch, flex, priority ..."
)
@click.option("--region", default="", metavar="NAME", help="The region: us, eu ...")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, with exact amounts.")
def command(
    text: str | None,
    model: str,
    provider: str,
    file: Path | None,
    tokens: int | None,
    output: int,
    tier: str,
    region: str,
    as_json: bool,
) -> None:
    """What a call with the prompt TEXT would cost, and the most that it could cost.

    Tokens are counted with the provider's tokenizer if there is one (the extra `tokenizer`), else by characters.
    """
    prompts = {"TEXT": text, "--file": file, "--tokens": tokens}
    given = [name for name, value in prompts.items() if value is not None]
    if not given:
        raise click.UsageError("give the prompt as TEXT, with --file, or its --tokens")
    if given[1:]:
        raise click.UsageError(f"give the prompt once, not as {' and '.join(given)}")
    prompt: str | int = tokens if tokens is not None else text if text is not None else _read(file)
    book = open_book(load_config())
    found = estimate(prompt, model, provider, output_tokens=output, tier=tier, region=region, book=book)
    if as_json:
        print_json(_json(found))
    else:
        _show(found)


def _read(file: Path | None) -> str:
    with click.open_file(str(file), encoding="utf-8", errors="replace") as stream:
        return str(stream.read())


def _json(found: Estimate) -> dict[str, object]:
    return {
        **answer(found.priced),
        "input_tokens": found.prompt.tokens,
        "counted": found.prompt.how,
        "output_tokens": found.output_tokens,
        "at_most_usd": None if found.at_most is None else as_text(found.at_most),
        "longest_output_tokens": found.longest_output,
    }


def _show(found: Estimate) -> None:
    to = console()
    cost = money_text(found.priced.amount) or "no price"
    tokens = f"{found.prompt.tokens:,} input and {found.output_tokens:,} output tokens"
    to.print(f"{cost}  {found.priced.status}  {tokens}", style="bold", markup=False)
    if found.at_most is not None and found.longest_output is not None:
        most = money_text(found.at_most, upper_bound=True)
        to.print(f"at most {most}: {found.longest_output:,} output tokens, the dearest tier", markup=False)
    for reason in found.priced.reasons:
        to.print(printable(reason), style="yellow", markup=False)

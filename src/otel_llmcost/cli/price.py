"""`otel-llmcost price`: a call from its numbers, or spans from standard input, a line of JSON each."""

from __future__ import annotations

import sys
import time as clock
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from click.core import ParameterSource

from ..assembly import open_book
from ..call import PARTIAL, Call, Priced
from ..config import load_config
from ..costs import usage_of
from ..errors import UsageError
from ..meters import Quantity
from ..prices import Book, resolve_host
from ..prices.providers import provider_name
from ..pricing import answer, instant_ns, price_lines
from .amounts import exact_text, money_text
from .export import print_json
from .harmless import json_text, printable
from .streams import writes_unicode
from .tables import Column, console, print_table

_NUMBERS = (
    ("input", "Input tokens, including those read from and written to a cache."),
    ("output", "Output tokens, including reasoning."),
    ("cache-read", "Of the input tokens, those read from a cache."),
    ("cache-write", "Of the input tokens, those written to a cache."),
    ("reasoning", "Of the output tokens, those used for reasoning."),
)
_TERMS = (
    ("provider", "Who served it: openai, anthropic, aws.bedrock ...; default: the model's maker."),
    ("tier", "The served tier: standard, batch, flex, priority, ultrafast."),
    ("speed", "The served speed: fast."),
    ("region", "The served region: us, eu, us-east-1 ..."),
    ("variant", "What a unit price depends on: 1024x1024/hd, 720p."),
    ("host", "The host that was called."),
)


def _options(function: Any) -> Any:
    for name, text in reversed(_TERMS):
        function = click.option(f"--{name}", default="", metavar="TEXT", help=text)(function)
    for name, text in reversed(_NUMBERS):
        parameter = f"{name.replace('-', '_')}_tokens"
        function = click.option(f"--{name}", parameter, type=int, default=0, metavar="N", help=text)(function)
    return function


@click.command("price")
@click.option("--model", default="", metavar="NAME", help="The model, as the provider or a gateway names it.")
@_options
@click.option(
    "--usage", multiple=True, metavar="METER=N", help="Another quantity (repeatable): web_search=2, image=1."
)
@click.option("--time", "at", metavar="TIME", help="Use the prices of this instant; default: now.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, with exact amounts.")
def command(model: str, usage: tuple[str, ...], at: str | None, as_json: bool, **given: Any) -> None:
    """Price a call from its numbers, or spans from standard input.

    Without --model, every line of standard input is a span: {"attributes": {...}, "time": "..."}, and if known also
    "name", "scope" and "scope_version". Every answer is one line: cost_usd, status, components, reasons,
    price_version.
    """
    if not model:
        _refuse_numbers()
    config = load_config()
    book = open_book(config)
    if not model:
        _filter(book, config.hosts)
        return
    host, path = _place(given["host"])
    call = _call(model, usage, at, {**given, "host": host})
    if not call.provider and host:
        call.provider = resolve_host(host, config.hosts, path=path).provider
    elif not (call.provider or "/" in model):
        call.provider = book.maker(model)
    priced = book.price(call)
    if as_json:
        print_json(answer(priced))
    else:
        _show(call, priced)


def _refuse_numbers() -> None:
    """Raises `click.UsageError` where options describe a call whose model is not named."""
    context = click.get_current_context()
    for option in context.command.params:
        name = option.name or ""
        if name != "as_json" and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{option.opts[0]} is about a call whose model is not named; remedy: --model NAME"
            )


def _place(text: str) -> tuple[str, str]:
    """Host and path of a host, or of a whole address as people paste it."""
    host, _, path = text.strip().rpartition("://")[2].partition("/")
    return host.rpartition("@")[2], path


def _filter(book: Book, hosts: Mapping[str, str]) -> None:
    if sys.stdin.isatty():
        raise click.UsageError("give --model and token numbers, or spans on standard input")
    wrong, ascii_only = 0, not writes_unicode()
    # Whatever the bytes are, every line gets an answer; each is flushed, so that a program can ask one by one.
    lines = (line.decode("utf-8", "replace") for line in sys.stdin.buffer)
    for found, understood in price_lines(lines, book, hosts):
        sys.stdout.write(json_text(found, ascii_only=ascii_only) + "\n")
        sys.stdout.flush()
        wrong += not understood
    if wrong:
        raise click.ClickException(f"{wrong} of the input's lines {'are' if wrong > 1 else 'is'} no span")


def _call(model: str, usage: tuple[str, ...], at: str | None, given: dict[str, Any]) -> Call:
    try:
        meters = usage_of(
            given["input_tokens"],
            given["output_tokens"],
            cache_read_tokens=given["cache_read_tokens"],
            cache_write_tokens=given["cache_write_tokens"],
            reasoning_tokens=given["reasoning_tokens"],
            usage=dict(_meter(text) for text in usage),
        )
        start_ns = clock.time_ns() if at is None else instant_ns(at)
    except (UsageError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    terms = {name: given[name] for name in ("tier", "speed", "region", "variant", "host")}
    provider = provider_name(given["provider"])
    return Call(
        provider=provider,
        request_model=model,
        response_model=model,
        start_ns=start_ns,
        end_ns=start_ns,
        usage=meters,
        **terms,
    )


def _meter(text: str) -> tuple[str, Quantity]:
    name, equals, number = text.partition("=")
    try:
        quantity = Decimal(number)
    except InvalidOperation:
        quantity = Decimal("NaN")
    if not equals or not quantity.is_finite():
        raise click.UsageError(f"--usage wants METER=NUMBER, such as web_search=2, not {text!r}")
    return name, int(quantity) if quantity == int(quantity) else quantity


def _show(call: Call, priced: Priced) -> None:
    to = console()
    known = "no price" if priced.amount is None else exact_text(priced.amount)
    bound = ">= " if priced.status == PARTIAL else ""
    to.print(f"{bound}{known}  {priced.status}", style="bold", markup=False)
    if priced.components:
        print_table(
            [
                Column("component", list(priced.components)),
                Column.money("USD", [exact_text(amount) for amount in priced.components.values()]),
            ],
            to=to,
        )
    if priced.savings:
        to.print(f"caching saved {money_text(priced.savings)}", markup=False)
    for reason in priced.reasons:
        to.print(printable(reason), style="yellow", markup=False)
    whose = f" of {printable(call.provider)}" if call.provider else ""
    to.print(f"{printable(call.request_model)}{whose} at prices {priced.version}", style="dim", markup=False)

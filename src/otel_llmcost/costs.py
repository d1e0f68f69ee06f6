"""Costs by hand: from token numbers to exact amounts, through the same price function as every watched
call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypedDict, Unpack

from . import arguments
from .call import ESTIMATED_NOTE, PARTIAL, Call, Priced, note
from .errors import UsageError
from .instants import nanoseconds
from .meters import METERS, Quantity, Usage
from .money import as_decimal
from .prices.providers import provider_name as _known_name
from .services import Prices, services
from .usage import bodies

_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """What a call costs, in USD. `usd` is None where nothing is known, and a lower bound with status
    "partial"."""

    usd: Decimal | None
    status: str
    components: Mapping[str, Decimal]
    """input, cache_read, cache_write, output, units, tools: those that are not zero."""
    cache_savings: Decimal
    """What cache reads saved, less what cache writes cost more than plain input."""
    without_cache: Decimal | None
    """What the call would have cost without any caching."""
    reasons: tuple[str, ...]
    price_version: str

    def __float__(self) -> float:
        """The nearest double of the cost; NaN where it is not known, or only a part of it is."""
        return float("nan") if self.usd is None or self.status == PARTIAL else float(self.usd)


class Details(TypedDict, total=False):
    """What may be said of a call beside its provider, model, input and output tokens."""

    cache_read_tokens: int
    """Part of the input tokens."""
    cache_write_tokens: int
    """Part of the input tokens."""
    reasoning_tokens: int
    """Part of the output tokens."""
    usage: Mapping[str, Quantity]
    """Further meters by name (`meters.METERS`): {"web_search": 2, "cache_write_1h": 500}."""
    tier: str
    region: str
    at: datetime
    """The instant whose prices count: now unless said; a naive one is UTC."""
    book: Prices


def usage_of(input_tokens: int = 0, output_tokens: int = 0, **details: Unpack[Details]) -> Usage:
    """Disjoint meters of token numbers as the conventions count them.

    `input_tokens` includes cached ones, `output_tokens` includes reasoning; `usage` adds meters by name. Whole
    floats count as the integers that they are. Raises `UsageError` for numbers that cannot be true, what is no number,
    and meters that do not exist.
    """
    cache_read_tokens = arguments.count("cache_read_tokens", details.get("cache_read_tokens", 0))
    cache_write_tokens = arguments.count("cache_write_tokens", details.get("cache_write_tokens", 0))
    reasoning_tokens = arguments.count("reasoning_tokens", details.get("reasoning_tokens", 0))
    prompt, generated = (
        arguments.count("input_tokens", input_tokens),
        arguments.count("output_tokens", output_tokens),
    )
    plain = _rest(prompt, cache_read_tokens + cache_write_tokens, "cached tokens", "input tokens")
    answer = _rest(generated, reasoning_tokens, "reasoning tokens", "output tokens")
    meters: dict[str, Quantity] = {
        "input": plain,
        "cache_read": cache_read_tokens,
        "cache_write": cache_write_tokens,
        "output": answer,
        "output_reasoning": reasoning_tokens,
    }
    for meter, quantity in arguments.table("usage", details.get("usage", {}), '{"web_search": 2}').items():
        if meter not in METERS:
            raise UsageError(f"no meter {meter!r}; there are: {', '.join(METERS)}")
        meters[meter] = meters.get(meter, 0) + arguments.quantity(meter, quantity)
    return {meter: quantity for meter, quantity in meters.items() if quantity}


def _rest(whole: int, part: int, part_name: str, whole_name: str) -> int:
    if part > whole:
        raise UsageError(
            f"{part} {part_name} cannot be part of {whole} {whole_name}; {whole_name} include them"
        )
    return whole - part


def call_of(provider: str, model: str, usage: Usage, details: Details) -> Call:
    """A call with this usage, as it would be priced (`details` says tier, region and instant). Raises `UsageError`."""
    at = details.get("at")
    arguments.text("model", model, "gpt-5")
    instant = time.time_ns() if at is None else nanoseconds(arguments.instant("at", at))
    return Call(
        provider=provider_name(provider),
        request_model=model,
        response_model=model,
        start_ns=instant,
        end_ns=instant,
        usage=usage,
        tier=arguments.text("tier", details.get("tier", ""), "batch"),
        region=arguments.text("region", details.get("region", ""), "eu"),
    )


def provider_name(provider: str) -> str:
    """A provider as people write it ("gemini", "bedrock", "azure"), in the conventions' name. Raises `UsageError`."""
    return _known_name(arguments.text("provider", provider, "openai").strip())


def register_usage_reader(provider: str, reader: bodies.UserReader) -> None:
    """Lets `reader` read every response of `provider` that a tracker is handed; the last one registered counts.

    `provider` in any spelling ("gemini", "gcp.gemini"). `reader` takes the response as it is and answers meters
    and their quantities (`{"input": 100, "output": 20}`) or a `call.Reading`.
    """
    bodies.register_usage_reader(provider_name(provider), reader)


def cost_breakdown(
    provider: str, model: str, input_tokens: int = 0, output_tokens: int = 0, **details: Unpack[Details]
) -> CostBreakdown:
    """What such a call costs, part by part, with what caching saved.

    Input tokens include cached ones, output tokens include reasoning (see `Details`). Raises `UsageError` for
    numbers that cannot be true and arguments that are none; an unknown model is a status with a reason.
    """
    usage = usage_of(input_tokens, output_tokens, **details)
    book = details.get("book") or services().book
    return breakdown_of(book.price(call_of(provider, model, usage, details)))


def breakdown_of(priced: Priced) -> CostBreakdown:
    """A priced call in USD."""
    return CostBreakdown(
        usd=None if priced.amount is None else as_decimal(priced.amount),
        status=priced.status,
        components={name: as_decimal(amount) for name, amount in priced.components.items()},
        cache_savings=as_decimal(priced.savings),
        without_cache=None if priced.amount is None else as_decimal(priced.amount + priced.savings),
        reasons=priced.reasons,
        price_version=priced.version,
    )


def calculate_cost(
    provider: str, model: str, input_tokens: int = 0, output_tokens: int = 0, **details: Unpack[Details]
) -> Decimal | None:
    """The exact cost in USD of such a call; None where it is not known, or only a part of it is.

    Arguments and errors as for `cost_breakdown`, which tells the known part and why there is no more.
    """
    found = cost_breakdown(provider, model, input_tokens, output_tokens, **details)
    return None if found.status == PARTIAL else found.usd


CountTokens = Callable[[str, str, str], int]
"""(provider, model, text) -> tokens."""


def estimate_cost(
    provider: str,
    model: str,
    prompt: str | int,
    output_tokens: int = 0,
    *,
    count: CountTokens | None = None,
    **details: Unpack[Details],
) -> CostBreakdown:
    """What a call that was not made yet would cost, with status "estimated" (or "unpriced").

    `prompt` is its text or its number of tokens, `output_tokens` what is expected of the answer, `count` a
    tokenizer. Without one, text counts a token for every four bytes, and the reasons say so.
    """
    if isinstance(prompt, int):
        input_tokens, how = prompt, "token numbers were given before the call"
    elif count is not None:
        input_tokens, how = count(provider, model, prompt), "the prompt was counted by a tokenizer"
    else:
        input_tokens = -(-len(prompt.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
        how = f"the prompt was counted as {_BYTES_PER_TOKEN} bytes a token; other text than English may take twice that"
    call = call_of(provider, model, usage_of(input_tokens, output_tokens, **details), details)
    call.notes = (note(ESTIMATED_NOTE, how),)
    return breakdown_of((details.get("book") or services().book).price(call))

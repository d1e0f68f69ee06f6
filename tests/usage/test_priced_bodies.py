"""Whole way of a body: read, put on a span, read back, priced with the shipped book. Arithmetic by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otel_llmcost.call import Call, SpanFacts
from otel_llmcost.money import as_text
from otel_llmcost.prices import load_book
from otel_llmcost.spans import project, read_call
from otel_llmcost.usage import read_body

BODIES = Path(__file__).parent.parent / "bodies"
NOVEMBER_21 = 1_795_219_200_000_000_000  # 2026-11-21T00:00:00Z
BOOK = load_book()


def call_of(file: str, name: str, provider: str) -> Call:
    case: dict[str, Any] = json.loads((BODIES / f"{file}.json").read_text())[name]
    reading = read_body(provider, case["body"], api=case.get("api", ""), request=case.get("request"))
    return Call(
        key="otel:00000000000000000000000000000001:0000000000000002",
        provider=provider,
        response_model=reading.model,
        start_ns=NOVEMBER_21,
        end_ns=NOVEMBER_21,
        usage=reading.usage,
        tier=reading.tier,
        speed=reading.speed,
        region=reading.region,
        variant=reading.variant,
        lines=reading.lines,
        reported=reading.reported,
        notes=reading.notes,
    )


@pytest.mark.parametrize(
    ("file", "name", "provider", "usd", "status"),
    [
        # gpt-5, USD per million: 1.25 input, 0.125 cached, 10 output.
        # 176 x 1.25 + 1024 x 0.125 + 300 x 10 = 220 + 128 + 3000 = 3348
        ("openai", "chat", "openai", "0.003348", "exact"),
        # 1488 x 1.25 + 512 x 0.125 + 400 x 10 = 1860 + 64 + 4000 = 5924, three searches at 10 per thousand
        ("openai", "response with searches told", "openai", "0.035924", "exact"),
        # 5924 and two containers at 0.03, one file search at 2.50 per thousand
        ("openai", "response with containers", "openai", "0.068424", "exact"),
        # claude-sonnet-4-5: 3 input, 0.30 read, 3.75 and 6 written, 15 output.
        # 10 x 3 + 1000 x 0.3 + 2000 x 3.75 + 500 x 6 + 100 x 15 = 30 + 300 + 7500 + 3000 + 1500 = 12330
        ("anthropic", "message", "anthropic", "0.01233", "exact"),
        ("anthropic", "stream", "anthropic", "0.01233", "exact"),
        # and two searches at 10 per thousand
        ("anthropic", "message with server tools", "anthropic", "0.03233", "exact"),
        # the split is known for 2500 of 4000: 30 x 3 + 9000 x 0.3 + 2000 x 3.75 + 500 x 6 + 1500 x 3.75 + 500 x 15
        # = 90 + 2700 + 7500 + 3000 + 5625 + 7500 = 26415, three searches; this model has no US surcharge
        ("anthropic", "stream that outgrew its start", "anthropic", "0.056415", "estimated"),
        ("anthropic", "refusal before any output", "anthropic", "0", "exact"),
        # executor 1760 x 3 + 412 x 0.3 + 531 x 15 = 5280 + 123.6 + 7965, advisor (5 and 25) 823 x 5 + 1612 x 25
        # = 4115 + 40300; together 57783.6
        ("anthropic", "advisor", "anthropic", "0.0577836", "exact"),
        # 400 cached of 400 and 10 output: 50 + 100, a lower bound
        ("openai", "cached beyond the prompt", "openai", "0.00015", "partial"),
        ("openai", "openrouter", "openrouter", "0.95", "reported"),
    ],
)
def test_price(file: str, name: str, provider: str, usd: str, status: str) -> None:
    call = call_of(file, name, provider)
    read = read_call(
        SpanFacts(
            scope="otel_llmcost",
            start_ns=call.start_ns,
            end_ns=call.end_ns,
            trace_id=1,
            span_id=2,
            attributes=project(call),
        )
    )
    assert read == call
    priced = BOOK.price(read)
    assert (as_text(priced.amount or 0), priced.status) == (usd, status)
    assert priced.amount is not None


@pytest.mark.parametrize("name", ["null usage", "zeros only", "error with status 200", "empty"])
def test_no_usage_is_unpriced_and_not_free(name: str) -> None:
    priced = BOOK.price(call_of("openai", name, "openai"))
    assert (priced.status, priced.amount) == ("unpriced", None)


def test_the_list_cost_of_a_session_is_anthropics_own_figure() -> None:
    """125.5 cents, in the minor unit of the currency; beside it what the tokens cost: 1000 x 3 + 100 x 15 = 4500."""
    body = {
        "type": "session",
        "id": "sess_1",
        "model": "claude-sonnet-4-5",
        "usage": {
            "input_tokens": 1000,
            "output_tokens": 100,
            "list_cost": {"amount": "125.5", "currency": "USD"},
        },
    }
    reading = read_body("anthropic", body)
    call = Call(
        key="a session", provider="anthropic", response_model=reading.model, start_ns=NOVEMBER_21,
        usage=reading.usage, reported=reading.reported, notes=reading.notes,
    )  # fmt: skip
    priced = BOOK.price(call)
    assert (priced.status, as_text(priced.amount or 0)) == ("reported", "1.255")
    assert as_text(priced.list_amount or 0) == "0.0045"

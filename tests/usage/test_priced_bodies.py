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
    return bought(provider, case["body"], api=case.get("api", ""), request=case.get("request"))


def bought(provider: str, body: object, **asked: Any) -> Call:
    reading = read_body(provider, body, **asked)
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
    assert_costs(call_of(file, name, provider), usd, status)


def assert_costs(call: Call, usd: str, status: str) -> None:
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
    assert (as_text(priced.amount or 0), priced.status) == (usd, status), priced.reasons
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


def batch(
    model: str, prompt: int, *, requests: int, endpoint: str = "/v1/chat/completions"
) -> dict[str, Any]:
    usage = {
        "input_tokens": prompt,
        "output_tokens": 10_000,
        "total_tokens": prompt + 10_000,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "batch_1",
        "object": "batch",
        "status": "completed",
        "endpoint": endpoint,
        "model": model,
        "request_counts": {"total": requests, "completed": requests, "failed": 0},
        "usage": usage,
    }


@pytest.mark.parametrize(
    ("body", "usd", "status"),
    [
        # gpt-6.2-sol by batch: 1 and 5 per million, 2 and 7.50 in requests of more than 272,000 prompt tokens.
        # 1,000,000 x 1 + 10,000 x 5; nobody knows how many of the requests were that long: a lower bound
        (batch("gpt-6.2-sol", 1_000_000, requests=1000), "1.05", "partial"),
        # 272,000 in all: none was
        (batch("gpt-6.2-sol", 272_000, requests=1000), "0.322", "exact"),
        # one request is its own sum: 1,000,000 x 2 + 10,000 x 7.50
        (batch("gpt-6.2-sol", 1_000_000, requests=1), "2.075", "exact"),
        # gpt-5 by batch has no threshold: 1,000,000 x 0.625 + 10,000 x 5
        (batch("gpt-5", 1_000_000, requests=1000), "0.675", "exact"),
        (batch("gpt-5", 1_000_000, requests=1000, endpoint="/v1/responses"), "0.675", "partial"),
    ],
)
def test_a_batch_tells_the_sum_of_its_requests(body: dict[str, Any], usd: str, status: str) -> None:
    assert_costs(bought("openai", body), usd, status)


def test_the_reason_names_the_threshold_that_a_sum_cannot_be_compared_with() -> None:
    priced = BOOK.price(bought("openai", batch("gpt-6.2-sol", 1_000_000, requests=1000)))
    assert "1000 requests" in priced.reasons[0]
    assert "more than 272000 tokens" in priced.reasons[1]


def test_a_batch_of_responses_does_not_tell_their_tools() -> None:
    body = batch("gpt-5", 1000, requests=2, endpoint="/v1/responses")
    assert any("searches" in reason for reason in BOOK.price(bought("openai", body)).reasons)


def message(*iterations: tuple[str, int, int], model: str = "claude-haiku-5-5") -> dict[str, Any]:
    """A message of iterations: (kind, input tokens, output tokens); the top level has those of messages."""
    own = [(given, made) for kind, given, made in iterations if kind == "message"]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "usage": {
            "input_tokens": sum(given for given, _ in own),
            "output_tokens": sum(made for _, made in own),
            "service_tier": "standard",
            "iterations": [
                {"type": kind, "input_tokens": given, "output_tokens": made}
                | ({"model": "claude-haiku-5-5"} if kind == "advisor_message" else {})
                for kind, given, made in iterations
            ],
        },
    }


@pytest.mark.parametrize(
    ("body", "usd"),
    [
        # claude-haiku-5-5: 0.10 and 0.50 per million, 0.50 and 2.50 in requests of more than 100,000 prompt tokens.
        # 150,000 x 0.10 + 4,500 x 0.50
        (message(("compaction", 90_000, 3_500), ("message", 60_000, 1_000)), "0.01725"),
        # 180,000 x 0.50 + 3,500 x 2.50 + 23,000 x 0.10 + 1,000 x 0.50
        (message(("compaction", 180_000, 3_500), ("message", 23_000, 1_000)), "0.10155"),
        # the same, the other way round
        (message(("message", 23_000, 1_000), ("compaction", 180_000, 3_500)), "0.10155"),
        # claude-sonnet-4-5 (3 and 15) asks twice: 1,000 x 3 + 100 x 15 + 120,000 x 0.10 + 2,000 x 0.50
        (
            message(
                ("message", 1_000, 100),
                ("advisor_message", 60_000, 1_000),
                ("advisor_message", 60_000, 1_000),
                model="claude-sonnet-4-5",
            ),
            "0.0175",
        ),
    ],
)
def test_each_iteration_is_judged_by_its_own_prompt(body: dict[str, Any], usd: str) -> None:
    assert_costs(bought("anthropic", body), usd, "exact")


@pytest.mark.parametrize(
    ("prompt", "usd"),
    [
        # 500,000 x 0.10 + 1,000 x 0.50: the session's requests may each have been short
        (500_000, "0.0505"),
        # 100,000 x 0.10 + 1,000 x 0.50: they were; the time that it ran is not told
        (100_000, "0.0105"),
    ],
)
def test_a_session_tells_the_sum_of_its_requests(prompt: int, usd: str) -> None:
    usage = {"input_tokens": prompt, "output_tokens": 1000}
    body = {"type": "session", "id": "sess_1", "model": "claude-haiku-5-5", "usage": usage}
    call = bought("anthropic", body)
    assert_costs(call, usd, "partial")
    beyond = any("more than 100000 tokens" in reason for reason in BOOK.price(call).reasons)
    assert beyond == (prompt > 100_000)


def test_a_refusal_after_silent_iterations_is_not_billed() -> None:
    body = message(("message", 1000, 0), ("message", 1000, 0)) | {
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "cyber"},
    }
    assert_costs(bought("anthropic", body), "0", "exact")

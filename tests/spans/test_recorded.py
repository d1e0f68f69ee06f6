"""Spans that other instrumentations really wrote (`record.py`): read as exactly as their attributes allow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_llmcost.call import Call, SpanFacts, code_of
from otel_llmcost.spans import read_call

RECORDED = Path(__file__).parent / "recorded"
HOSTS = {"127.0.0.1": "openai"}

# What record.py's server billed. 1,200 prompt tokens of which 1,024 cached, 300 completion tokens of which 128 reasoning:
CHAT = {"input": 176, "cache_read": 1024, "output": 172, "output_reasoning": 128}
# 2,000 input tokens of which 512 cached, 400 output tokens of which 256 reasoning:
RESPONSE = {"input": 1488, "cache_read": 512, "output": 144, "output_reasoning": 256}
CHAT_NO_REASONING = {"input": 176, "cache_read": 1024, "output": 300}
EMBEDDING = {"input": 8}
MESSAGE_TOKENS = {
    "input": 10,
    "cache_read": 1000,
    "cache_write_5m": 2000,
    "cache_write_1h": 500,
    "output": 100,
}
MESSAGE = MESSAGE_TOKENS | {"web_search": 2}
NO_LIFETIMES = {"input": 10, "cache_read": 1000, "cache_write": 2500, "output": 100}


def calls(name: str, scope: str) -> list[Call | None]:
    spans = json.loads((RECORDED / f"{name}.json").read_text())["spans"]
    return [
        read_call(
            SpanFacts(
                name=span["name"],
                kind=span["kind"],
                scope=span["scope"],
                scope_version=span["scope_version"],
                trace_id=1,
                span_id=number,
                attributes=span["attributes"],
            ),
            {"127.0.0.1": "anthropic" if "anthropic" in span["scope"] else "openai"},
        )
        for number, span in enumerate(spans, 1)
        if span["scope"].startswith(scope)
    ]


@pytest.mark.parametrize(
    ("name", "scope", "usages"),
    [
        ("genai", "opentelemetry.instrumentation.genai.openai", [CHAT, CHAT, RESPONSE, RESPONSE, EMBEDDING]),
        ("genai", "opentelemetry.instrumentation.genai.anthropic", [NO_LIFETIMES, NO_LIFETIMES]),
        ("genai", "com.anthropic.sdk.python", [MESSAGE_TOKENS, MESSAGE_TOKENS]),
        ("anthropic_native", "com.anthropic.sdk.python", [MESSAGE_TOKENS, MESSAGE_TOKENS]),
        (
            "openinference",
            "openinference.instrumentation.openai",
            [CHAT, CHAT, RESPONSE, RESPONSE, EMBEDDING],
        ),
        ("openinference", "openinference.instrumentation.anthropic", [MESSAGE, MESSAGE]),
        # A streamed chat's reasoning is not on OpenLLMetry's span: it is output all the same.
        (
            "openllmetry",
            "opentelemetry.instrumentation.openai",
            [CHAT, CHAT_NO_REASONING, RESPONSE, RESPONSE, EMBEDDING],
        ),
        # It adds the placeholder of message_start to a streamed output: 101 instead of 100.
        (
            "openllmetry",
            "opentelemetry.instrumentation.anthropic",
            [NO_LIFETIMES, NO_LIFETIMES | {"output": 101}],
        ),
        # The span of a streamed call ends before its usage; a second one has it.
        ("logfire", "logfire.openai", [CHAT, None, CHAT, RESPONSE, None, RESPONSE, EMBEDDING]),
        ("logfire", "logfire.anthropic", [MESSAGE, None, MESSAGE]),
        ("pydantic_ai", "pydantic-ai", [CHAT, None, RESPONSE, None, MESSAGE, None]),
        (
            "openai_v2",
            "opentelemetry.instrumentation.openai_v2",
            [{"input": 1200, "output": 300}] * 2 + [EMBEDDING],
        ),
        # LiteLLM puts the usage object itself on its span; the second one of each call is the raw request.
        ("litellm", "litellm", [CHAT, None, MESSAGE, None]),
        (
            "openlit",
            "openlit.instrumentation.openai",
            [CHAT_NO_REASONING] * 2 + [RESPONSE, RESPONSE, EMBEDDING],
        ),
        # The only one that counts Anthropic's cached tokens beside the input; of a stream it tells none.
        ("openlit", "openlit.instrumentation.anthropic", [NO_LIFETIMES, {"input": 10, "output": 100}]),
        ("genai_openai_agents", "opentelemetry.instrumentation.genai", [None] * 4),
        # OpenLLMetry's LangChain spans hide OpenAI's cached tokens and Anthropic's cache writes.
        (
            "langchain",
            "opentelemetry.instrumentation.langchain",
            [
                {"input": 1200, "output": 300},
                {"input": 2000, "output": 400},
                {"input": 2510, "cache_read": 1000, "output": 100},
            ],
        ),
        ("opentelemetry_js", "@opentelemetry", [{"input": 1200, "output": 300}] * 2 + [EMBEDDING]),
        # Each call has an inner span, which is priced, and an outer one that repeats its sums.
        (
            "vercel_ai",
            "ai",
            [CHAT, None, CHAT, None, RESPONSE, None, MESSAGE, None, MESSAGE, None, EMBEDDING, None],
        ),
    ],
)
def test_usage(name: str, scope: str, usages: list[dict[str, int] | None]) -> None:
    assert [call and call.usage for call in calls(name, scope)] == usages


@pytest.mark.parametrize(
    ("name", "scope", "tiers"),
    [
        ("genai", "opentelemetry.instrumentation.genai.openai", ["flex"] * 4 + [""]),
        ("openinference", "openinference.instrumentation.openai", ["flex"] * 4 + [""]),
        ("openllmetry", "opentelemetry.instrumentation.openai", ["flex", "", "flex", "", ""]),
        ("openai_v2", "opentelemetry.instrumentation.openai_v2", ["flex", "flex", ""]),
        ("anthropic_native", "com.anthropic.sdk.python", ["standard", "standard"]),
        ("vercel_ai", "ai", ["", None, "", None, "flex", None, "standard", None, "standard", None, "", None]),
        ("openinference", "openinference.instrumentation.anthropic", ["standard", "standard"]),
    ],
)
def test_served_tier(name: str, scope: str, tiers: list[str]) -> None:
    assert [call and call.tier for call in calls(name, scope)] == tiers


@pytest.mark.parametrize(
    ("name", "scope", "codes"),
    [
        ("genai", "opentelemetry.instrumentation.genai.anthropic", [["estimated", "note"]] * 2),
        (
            "openllmetry",
            "opentelemetry.instrumentation.anthropic",
            [["estimated", "note"], ["estimated", "estimated", "note"]],
        ),
        ("openai_v2", "opentelemetry.instrumentation.openai_v2", [["estimated", "note"]] * 2 + [[]]),
        ("openinference", "openinference.instrumentation.anthropic", [[], []]),
        ("langchain", "opentelemetry.instrumentation.langchain", [["estimated", "note"]] * 3),
        ("litellm", "litellm", [[], None, [], None]),
        ("openlit", "openlit.instrumentation.anthropic", [["estimated", "note"]] * 2),
        # A streamed response was served at flex; OpenLIT writes "default" on its span.
        ("openlit", "openlit.instrumentation.openai", [["note"], ["note"], ["note"], ["note", "note"], []]),
        ("vercel_ai", "ai", [["note"], None, ["note"], None, ["note"], None, [], None, [], None, [], None]),
        ("opentelemetry_js", "@opentelemetry", [["estimated", "note"]] * 2 + [[]]),
        ("pydantic_ai", "pydantic-ai", [["note"], None, ["note"], None, ["note"], None]),
    ],
)
def test_notes_say_what_is_left_out(name: str, scope: str, codes: list[list[str] | None]) -> None:
    said = [call and [code_of(text) for text in call.notes] for call in calls(name, scope)]
    assert said == codes


def test_the_note_names_what_the_span_lacks() -> None:
    call = calls("genai", "opentelemetry.instrumentation.genai.anthropic")[0]
    assert call is not None
    assert call.notes == (
        "estimated: cache lifetimes are not on the span, the default one is assumed",
        "note: spans of opentelemetry.instrumentation.genai.anthropic leave out the service tier, "
        "searches, the region, speed",
    )


def test_every_call_names_its_models_and_provider() -> None:
    for path in sorted(RECORDED.glob("*.json")):
        for call in filter(None, calls(path.stem, "")):
            assert call.provider in ("openai", "anthropic", "local")
            assert call.response_model or call.request_model

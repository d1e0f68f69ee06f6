"""Spans of instrumentations that nobody recorded, of old versions, without a scope: what is assumed, and said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_llmcost.call import Call, SpanFacts, code_of
from otel_llmcost.spans import read_call

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 50,
}
CACHED = CHAT | {"gen_ai.usage.cache_read.input_tokens": 400}


def read(attributes: dict[str, Any], scope: str = "", version: str = "", **hosts: str) -> Call:
    facts = SpanFacts(name="chat gpt-5", scope=scope, scope_version=version, attributes=attributes)
    call = read_call(facts, {host.replace("_", "."): provider for host, provider in hosts.items()})
    assert call is not None
    return call


def codes(call: Call) -> list[str]:
    return [code_of(text) for text in call.notes]


def test_attributes_without_a_scope_are_taken_as_the_conventions_say() -> None:
    call = read(CACHED)
    assert call.usage == {"input": 600, "cache_read": 400, "output": 50}
    assert call.notes == ()
    assert call.key == ""


def test_an_unknown_scope_with_cached_tokens_is_an_estimate_that_names_it() -> None:
    call = read(CACHED, "acme.tracing", "1.2")
    assert call.usage == {"input": 600, "cache_read": 400, "output": 50}
    assert call.notes == (
        "estimated: whether acme.tracing 1.2 counts cached tokens into the input is not known; it is assumed",
    )


def test_an_unknown_scope_without_cached_tokens_is_no_estimate() -> None:
    assert read(CHAT, "acme.tracing", "1.2").notes == ()


def test_more_cached_tokens_than_input_are_counted_beside_it_where_the_scope_is_unknown() -> None:
    call = read(CHAT | {"gen_ai.usage.cache_read.input_tokens": 5000}, "acme.tracing")
    assert call.usage == {"input": 1000, "cache_read": 5000, "output": 50}
    assert codes(call) == ["estimated"]


def test_more_cached_tokens_than_input_contradict_the_conventions() -> None:
    call = read(CHAT | {"gen_ai.usage.cache_read.input_tokens": 5000})
    assert call.usage == {"cache_read": 1000, "output": 50}
    assert codes(call) == ["incomplete"]
    assert "1000" in call.notes[0]
    assert "5000" in call.notes[0]


def test_an_old_version_of_a_known_instrumentation_is_an_estimate() -> None:
    scope = "opentelemetry.instrumentation.anthropic"
    attributes = CACHED | {"gen_ai.provider.name": "anthropic"}
    assert codes(read(attributes, scope, "0.40.1")) == ["estimated", "note"]
    assert codes(read(attributes, scope, "0.62.4")) == ["note"]


def test_old_names() -> None:
    call = read(
        {
            "gen_ai.system": "az.ai.openai",
            "llm.request.type": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.prompt_tokens": 10,
            "gen_ai.usage.completion_tokens": 5,
            "gen_ai.usage.cache_read_input_tokens": 4,
            "gen_ai.openai.response.service_tier": "default",
        }
    )
    assert (call.provider, call.operation, call.tier) == ("azure.ai.openai", "chat", "standard")
    assert call.usage == {"input": 6, "cache_read": 4, "output": 5}


def test_both_spellings_of_cache_writes_are_read_and_the_new_one_wins() -> None:
    old = {"gen_ai.usage.cache_creation.input_tokens": 300}
    assert read(CHAT | old).usage["cache_write"] == 300
    assert read(CHAT | old | {"gen_ai.usage.cache_write.input_tokens": 200}).usage["cache_write"] == 200


def test_compactions_on_the_anthropic_sdks_own_span_are_added() -> None:
    more = {"anthropic.usage.compaction.input_tokens": 300, "anthropic.usage.compaction.output_tokens": 20}
    call = read(CHAT | more | {"gen_ai.provider.name": "anthropic"}, "com.anthropic.sdk.python", "2.12.0")
    assert call.usage == {"input": 1300, "output": 70}


@pytest.mark.parametrize(
    ("host", "provider", "region"),
    [
        ("api.openai.com", "openai", ""),
        ("eu.api.openai.com", "openai", "eu"),
        ("my.openai.azure.com", "azure.ai.openai", ""),
        ("openrouter.ai", "openrouter", ""),
        ("api.deepseek.com", "deepseek", ""),
        ("127.0.0.1", "local", ""),
        ("10.1.2.3", "local", ""),
        ("llm.example.com", "unknown", ""),
        ("api.openai.com.example.com", "unknown", ""),
    ],
)
def test_the_host_decides_where_the_span_names_the_client_library(
    host: str, provider: str, region: str
) -> None:
    call = read(CHAT | {"server.address": host}, "opentelemetry.instrumentation.genai.openai", "1.3b0")
    assert (call.provider, call.region) == (provider, region)


def test_the_users_map_of_hosts_decides_first() -> None:
    attributes = CHAT | {"server.address": "127.0.0.1", "server.port": 8080}
    assert read(attributes, "acme.tracing", "1", **{"127_0_0_1": "groq"}).provider == "groq"
    delegated = read(attributes, "acme.tracing", "1", **{"127_0_0_1": "delegated"})
    assert codes(delegated) == ["delegated"]


@pytest.mark.parametrize(
    ("told", "provider"),
    [
        ({"url.path": "/anthropic/v1/messages"}, "anthropic"),
        ({"url.full": "http://127.0.0.1:4000/anthropic/v1/messages"}, "anthropic"),
        ({"http.url": "http://127.0.0.1:4000/anthropic/v1/messages"}, "anthropic"),
        ({"gen_ai.openai.api_base": "http://127.0.0.1:4000/anthropic"}, "anthropic"),
        ({"url.path": "/groq/v1/messages"}, "local"),
        ({"url.full": "http://127.0.0.1:no-port/anthropic"}, "local"),
        ({}, "local"),
    ],
)
def test_a_host_of_the_users_map_with_a_path_is_told_by_the_address(
    told: dict[str, Any], provider: str
) -> None:
    attributes = CHAT | {"server.address": "127.0.0.1", "server.port": 4000} | told
    call = read_call(SpanFacts(attributes=attributes), {"127.0.0.1:4000/anthropic": "anthropic"})
    assert call is not None
    assert call.provider == provider


def test_a_provider_that_is_no_client_library_is_kept() -> None:
    attributes = CHAT | {"gen_ai.provider.name": "groq", "server.address": "gateway.example.com"}
    assert read(attributes, "acme.tracing", "1").provider == "groq"


def test_our_own_attributes_without_a_scope_keep_their_provider() -> None:
    attributes = CHAT | {"server.address": "127.0.0.1", "llmcost.status": "exact"}
    assert read(attributes).provider == "openai"


def test_a_base_url_tells_the_host() -> None:
    scope = "opentelemetry.instrumentation.openai.v1"
    call = read(CHAT | {"gen_ai.openai.api_base": "https://api.groq.com/openai/v1/"}, scope, "0.62.4")
    assert (call.provider, call.host) == ("groq", "api.groq.com")


def test_a_requested_tier_stands_in_for_one_that_is_not_told() -> None:
    call = read(CHAT | {"openai.request.service_tier": "flex"})
    assert call.tier == "flex"
    assert codes(call) == ["estimated"]
    served = read(
        CHAT | {"openai.request.service_tier": "priority", "openai.response.service_tier": "default"}
    )
    assert (served.tier, served.notes) == ("standard", ())


def test_anthropics_priority_tier_is_committed() -> None:
    attributes = CHAT | {"gen_ai.provider.name": "anthropic", "anthropic.response.service_tier": "priority"}
    assert codes(read(attributes)) == ["committed"]
    assert codes(read(CHAT | {"openai.response.service_tier": "priority"})) == []


@pytest.mark.parametrize(
    "operation",
    ["invoke_agent", "execute_tool", "invoke_workflow", "create_agent", "fetch_response", "unheard_of"],
)
def test_agents_tools_and_polls_are_no_calls(operation: str) -> None:
    assert read_call(SpanFacts(attributes=CHAT | {"gen_ai.operation.name": operation})) is None


def test_a_span_without_usage_is_a_call_that_nobody_can_price() -> None:
    call = read(
        {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5"}
    )
    assert call.usage == {}
    assert codes(call) == ["no-usage"]


def test_a_span_of_http_is_no_call() -> None:
    assert read_call(SpanFacts(name="POST", attributes={"http.request.method": "POST"})) is None
    assert read_call(SpanFacts()) is None


def test_an_openinference_chain_is_no_call() -> None:
    attributes = {"openinference.span.kind": "CHAIN", "llm.token_count.prompt": 5, "llm.model_name": "gpt-5"}
    assert (
        read_call(SpanFacts(scope="openinference.instrumentation.langchain", attributes=attributes)) is None
    )


def body_on_span(model: str, body: dict[str, Any]) -> Call:
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.model_name": model,
        "llm.provider": "openai",
        "llm.token_count.prompt": 50,
        "llm.token_count.completion": 100,
        "output.value": json.dumps(body),
    }
    return read(attributes, "openinference.instrumentation.openai", "0.1.66")


def test_the_body_of_an_image_on_a_span_is_read_as_one() -> None:
    usage = {
        "input_tokens": 50,
        "output_tokens": 100,
        "input_tokens_details": {"text_tokens": 20, "image_tokens": 30},
    }
    call = body_on_span("gpt-image-1", {"created": 1, "data": [{"url": "x"}], "usage": usage})
    assert (call.usage["input"], call.usage["input_image"], call.usage["output_image"]) == (20, 30, 100)


def test_the_body_of_a_transcription_on_a_span_is_read_as_one() -> None:
    usage = {
        "type": "tokens",
        "input_tokens": 50,
        "output_tokens": 100,
        "input_token_details": {"text_tokens": 10, "audio_tokens": 40},
    }
    call = body_on_span("gpt-4o-transcribe", {"text": "hello", "usage": usage})
    assert call.usage == {"input": 10, "input_audio": 40, "output": 100}

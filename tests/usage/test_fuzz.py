"""Whatever a server or a span says: no exception, no negative quantity, every quantity a number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_llmcost import semconv as s
from otel_llmcost.call import CALL_NOTE_CODES, Line, Reading, SpanFacts, code_of
from otel_llmcost.spans import project, read_call
from otel_llmcost.usage import read_body

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1e999999", "NaN", "-5", "12", "12.5", "default", "flex"])
)
FIELDS = [
    "usage", "usageMetadata", "usage_metadata", "meta", "model", "id", "type", "object", "status",
    "choices", "data", "output", "tools", "response", "custom_id", "result", "message", "error",
    "service_tier", "tool_usage", "svg_usage", "image_gen", "web_search", "num_requests",
    "output_tokens_details", "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens",
    "output_tokens", "prompt_tokens_details", "completion_tokens_details", "cached_tokens",
    "cache_write_tokens", "cache_write_tokens_details", "ttl_30m_tokens", "reasoning_tokens",
    "audio_tokens", "image_tokens", "cached_tokens_details", "input_tokens_details", "cache_creation",
    "cache_creation_input_tokens", "cache_read_input_tokens", "iterations", "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens", "server_tool_use", "web_search_requests", "speed", "inference_geo", "cost",
    "is_byok", "cost_in_usd_ticks", "cost_details", "billed_units", "search_units", "candidates",
    "promptTokenCount", "candidatesTokenCount", "cachedContentTokenCount", "promptTokensDetails",
    "cacheTokensDetails", "tokenCount", "modality", "groundingMetadata", "webSearchQueries", "inputTokens",
    "outputTokens", "cacheDetails", "ttl", "cacheWriteInputTokens", "ResponseMetadata", "HTTPHeaders",
    "prompt_eval_count", "eval_count", "usage_info", "pages_processed", "prompt_audio_seconds", "seconds",
    "duration", "delta", "metadata", "stop_reason", "stop_details", "input_token_details", "container_id",
    "action", "x_groq", "usage_breakdown", "models", "response_metadata", "predictions", "list_cost",
    "amount",
]  # fmt: skip
KINDS = ["message", "message_start", "message_delta", "response", "response.completed", "batch", "duration", "tokens",
         "advisor_message", "fallback_message", "compaction", "code_interpreter_call", "image_generation_call",
         "web_search_call", "image_generation", "code_interpreter", "message-end", "5m", "AUDIO"]  # fmt: skip
values = st.recursive(
    scalars | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)
bodies = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)
providers = st.sampled_from(
    [s.OPENAI, s.ANTHROPIC, s.BEDROCK, s.GEMINI, s.MISTRAL, s.COHERE, s.OLLAMA, "unheard-of"]
)
apis = st.sampled_from(["", "speech", "transcription", "images", "batch", "rerank", "ocr", "embeddings"])


def assert_sound(reading: Reading | Line) -> None:
    for meter, quantity in reading.usage.items():
        assert isinstance(meter, str)
        assert type(quantity) in (int, Decimal)
        assert quantity > 0
        assert Decimal(quantity).is_finite()


def assert_body_reads(provider: str, body: Any, api: str, request: Any) -> None:
    reading = read_body(provider, body, api=api, request=request)
    assert_sound(reading)
    for line in reading.lines:
        assert_sound(line)
    assert all(code_of(text) in CALL_NOTE_CODES for text in reading.notes)
    assert reading.reported is None or reading.reported >= 0
    assert isinstance(reading.model, str)
    assert all(isinstance(reason, str) for reason in reading.finish_reasons)
    if not reading.usage:
        assert reading.notes or reading.reported is not None


SPAN_NAMES = [
    *(value for name, value in vars(s).items() if name.isupper() and isinstance(value, str) and "." in value),
    "llmcost.usage.image", "llmcost.usage.input", "llmcost.usage.cache_write_5m", "llmcost.tag.x", "gen_ai.usage.raw",
    "openinference.span.kind", "llm.token_count.prompt", "llm.token_count.prompt_details.cache_read",
    "output.value",
    "llm.invocation_parameters", "metadata", "gen_ai.openai.api_base", "ai.usage.inputTokens", "llm.request.type",
    "anthropic.usage.compaction.input_tokens", "gen_ai.usage.details.ephemeral_1h_input_tokens",
]  # fmt: skip
json_texts = st.sampled_from(
    [
        "{",
        "[1]",
        '{"usage": {"prompt_tokens": -1}}',
        '[{"model": 1}]',
        '[{"meter": "input", "quantity": -3}]',
        "[" * 5000,
    ]
)
attributes = st.dictionaries(
    st.sampled_from(SPAN_NAMES),
    scalars
    | json_texts
    | st.lists(scalars, max_size=3)
    | st.sampled_from(["chat", "LLM", "api.openai.com", "http://[x"]),
    max_size=12,
)
scopes = st.sampled_from(
    [
        "",
        s.SCOPE,
        "ai",
        "openinference.instrumentation.openai",
        "pydantic-ai",
        "com.anthropic.sdk.python",
        "other",
    ]
)


def assert_span_reads(scope: str, found: dict[str, Any], name: str) -> None:
    call = read_call(SpanFacts(name=name, scope=scope, scope_version="1.x", attributes=found))
    if call is None:
        return
    for line in (call, *call.lines):
        assert_sound(line)
    assert all(code_of(text) in CALL_NOTE_CODES for text in call.notes)
    project(call)


any_body = given(providers, bodies | st.lists(bodies, max_size=3) | values, apis, st.none() | bodies)
any_span = given(scopes, attributes, st.sampled_from(["chat gpt", "ai.generateText.doGenerate"]))


test_no_body_breaks_a_reader = settings(max_examples=200, deadline=None)(any_body(assert_body_reads))
test_no_span_breaks_the_span_reader = settings(max_examples=200, deadline=None)(any_span(assert_span_reads))
test_fuzzed_bodies = pytest.mark.endurance(
    settings(max_examples=20_000, deadline=None)(any_body(assert_body_reads))
)
test_fuzzed_spans = pytest.mark.endurance(
    settings(max_examples=20_000, deadline=None)(any_span(assert_span_reads))
)

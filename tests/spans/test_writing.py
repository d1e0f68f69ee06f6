"""What stands on a span: names by the conventions, sums that include each other, costs without zeros."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_llmcost.call import Call, Line, Priced, PricedLine, SpanFacts, Tags
from otel_llmcost.spans import cost_attributes, project, read_call


def test_a_chat_call() -> None:
    call = Call(
        key="otel:00000000000000000000000000000001:0000000000000002",
        provider="openai",
        operation="chat",
        request_model="gpt-5",
        response_model="gpt-5-2025-08-07",
        usage={"input": 176, "cache_read": 1024, "output": 172, "output_reasoning": 128},
        tier="flex",
        host="api.openai.com",
        port=443,
        response_id="chatcmpl-1",
        finish_reasons=("stop",),
        first_chunk_s=0.25,
        tags=Tags(source="extraction", conversation="c1", own={"tenant": "acme"}),
        request={"gen_ai.request.temperature": 0.5},
        notes=("note: odd",),
    )
    assert project(call) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5-2025-08-07",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.output_tokens": 300,
        "gen_ai.usage.reasoning.output_tokens": 128,
        "llmcost.service_tier": "flex",
        "server.address": "api.openai.com",
        "server.port": 443,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "llmcost.source": "extraction",
        "gen_ai.conversation.id": "c1",
        "llmcost.tag.tenant": "acme",
        "llmcost.reasons": ("note: odd",),
    }


def test_modalities_are_subsets_of_the_sums() -> None:
    usage = {
        "input": 1,
        "input_audio": 10,
        "cache_read": 100,
        "cache_read_audio": 1000,
        "output": 2,
        "output_audio": 20,
    }
    attributes = project(Call(provider="openai", usage=usage))
    assert attributes["gen_ai.usage.input_tokens"] == 1111
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 1100
    assert attributes["gen_ai.usage.audio.input_tokens"] == 1010
    assert attributes["gen_ai.usage.audio.cache_read.input_tokens"] == 1000
    assert attributes["gen_ai.usage.output_tokens"] == 22
    assert attributes["gen_ai.usage.audio.output_tokens"] == 20


def test_another_key_is_told_and_read_back() -> None:
    call = Call(key="resp:api.openai.com:resp_1", provider="openai", operation="settle", request_model="m")
    attributes = project(call)
    assert attributes["llmcost.call_key"] == "resp:api.openai.com:resp_1"
    read = read_call(SpanFacts(scope="otel_llmcost", trace_id=1, span_id=2, attributes=attributes))
    assert read is not None
    assert read.key == call.key


def test_the_key_of_a_call_is_its_span() -> None:
    attributes = project(Call(provider="openai", request_model="m"))
    read = read_call(SpanFacts(scope="otel_llmcost", trace_id=0xABC, span_id=0xDEF, attributes=attributes))
    assert read is not None
    assert read.key == "otel:00000000000000000000000000000abc:0000000000000def"


def test_costs_without_zeros() -> None:
    priced = Priced(
        "exact", 2_425_200_000_000, {"input": 2_000_000_000_000, "output": 425_200_000_000, "tools": 0}
    )
    priced.version = "2026-11-22+abc"
    assert cost_attributes(priced) == {
        "llmcost.status": "exact",
        "gen_ai.usage.cost": 0.0024252,
        "llmcost.cost.input": 0.002,
        "llmcost.cost.output": 0.0004252,
        "llmcost.price.version": "2026-11-22+abc",
    }


def test_unknown_cost_is_absent_and_known_zero_is_not() -> None:
    unpriced = Priced("unpriced", None, {}, ("no-price: openai gpt-7",))
    assert cost_attributes(unpriced) == {
        "llmcost.status": "unpriced",
        "llmcost.reasons": ("no-price: openai gpt-7",),
    }
    assert cost_attributes(Priced("exact", 0, {}))["gen_ai.usage.cost"] == 0.0


def test_the_list_price_stands_beside_a_reported_one() -> None:
    attributes = cost_attributes(Priced("reported", 10**15, {}, list_amount=2 * 10**15))
    assert attributes["gen_ai.usage.cost"] == 1.0
    assert attributes["llmcost.cost.list"] == 2.0


def test_items_only_where_there_is_more_than_one_model() -> None:
    one = (
        PricedLine("anthropic", "claude", "standard", "input", 10, 30),
        PricedLine("anthropic", "claude", "standard", "output", 5, 75),
    )
    assert "llmcost.items" not in cost_attributes(
        Priced("exact", 105, {"input": 30, "output": 75}, lines=one)
    )
    two = (*one, PricedLine("anthropic", "advisor", "", "input", 7, None))
    assert json.loads(str(cost_attributes(Priced("partial", 105, {}, lines=two))["llmcost.items"])) == [
        {"provider": "anthropic", "model": "claude", "tier": "standard", "meter": "input", "quantity": 10,
         "amount": "0.00000000000003"},
        {"provider": "anthropic", "model": "claude", "tier": "standard", "meter": "output", "quantity": 5,
         "amount": "0.000000000000075"},
        {"provider": "anthropic", "model": "advisor", "meter": "input", "quantity": 7},
    ]  # fmt: skip


def test_several_requests_of_one_model_are_items_each() -> None:
    lines = (
        Line("anthropic", "claude", {"input": 10}),
        Line("anthropic", "claude", {"input": 10, "output": 1}),
    )
    call = Call(
        provider="anthropic", response_model="claude", usage={"input": 20, "output": 1}, lines=lines
    )  # fmt: skip
    amounts = (("input", 10, 7), ("input", 10, 8), ("output", 1, 9))
    priced = Priced(
        "exact",
        24,
        {"input": 15, "output": 9},
        lines=tuple(PricedLine("anthropic", "claude", "", *amount) for amount in amounts),
    )
    claude = {"provider": "anthropic", "model": "claude"}
    assert json.loads(str(cost_attributes(priced, call)["llmcost.items"])) == [
        {**claude, "meter": "input", "quantity": 10, "amount": "0.000000000000007"},
        {**claude, "request": 2, "meter": "input", "quantity": 10, "amount": "0.000000000000008"},
        {**claude, "request": 2, "meter": "output", "quantity": 1, "amount": "0.000000000000009"},
    ]


def test_lines_survive_pricing_with_their_terms() -> None:
    lines = (
        Line("anthropic", "claude", {"input": 10}, "standard", "fast", "us"),
        Line("anthropic", "advisor", {"input": 7, "audio_second": Decimal("1.5")}, "standard", "", "us"),
    )
    usage = {"input": 17, "audio_second": Decimal("1.5")}
    call = Call(provider="anthropic", request_model="claude", usage=usage, lines=lines)
    priced = Priced(
        "exact",
        3,
        {"input": 3},
        lines=tuple(
            PricedLine(line.provider, line.model, line.tier, meter, quantity, 1)
            for line in lines
            for meter, quantity in line.usage.items()
        ),
    )
    attributes = project(call) | cost_attributes(priced, call)
    read = read_call(SpanFacts(scope="otel_llmcost", attributes=attributes))
    assert read is not None
    assert read.lines == lines
    assert read.usage == usage

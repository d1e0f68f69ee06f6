"""`opentelemetry-instrument python app.py`: every call arrives once, priced, and every sum agrees."""

from __future__ import annotations

from decimal import Decimal

from .conftest import World
from .ledger_sum import ledger_total

PROGRAM = """
    import asyncio
    import anthropic
    import openai

    ai, claude = openai.OpenAI(), anthropic.Anthropic()
    ask = [{"role": "user", "content": "Why is the sky blue?"}]

    ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
    ai.chat.completions.create(model="gpt-5", messages=ask, reasoning_effort="low", service_tier="flex")
    for chunk in ai.chat.completions.create(
        model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True}
    ):
        pass
    ai.responses.create(model="gpt-4.1", input="hello")
    for event in ai.responses.create(model="gpt-4.1", input="hello", stream=True):
        pass
    ai.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    claude.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=ask)
    with claude.messages.stream(model="claude-sonnet-4-5", max_tokens=1000, messages=ask) as stream:
        for text in stream.text_stream:
            pass

    async def main():
        async with openai.AsyncOpenAI() as ai, anthropic.AsyncAnthropic() as claude:
            await ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
            async for chunk in await ai.chat.completions.create(
                model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True}
            ):
                pass
            await claude.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=ask)
            async with claude.messages.stream(model="claude-sonnet-4-5", max_tokens=1000, messages=ask) as stream:
                async for text in stream.text_stream:
                    pass

    asyncio.run(main())
"""

# usage of the demo provider (its README) times the published list prices in USD per million tokens
CHAT_MINI = (Decimal(1200) * Decimal("0.15") + Decimal(300) * Decimal("0.60")) / 10**6
GPT5_FLEX = (Decimal(1200) * Decimal("0.625") + Decimal(300) * 5) / 10**6
RESPONSE = (Decimal(2000) * 2 + Decimal(500) * 8) / 10**6
EMBEDDING = Decimal(24) * Decimal("0.02") / 10**6
SONNET = (Decimal(400) * 3 + Decimal(250) * 15) / 10**6
EXPECTED = [
    CHAT_MINI,
    GPT5_FLEX,
    CHAT_MINI,
    RESPONSE,
    RESPONSE,
    EMBEDDING,
    SONNET,
    SONNET,
    CHAT_MINI,
    CHAT_MINI,
]
EXPECTED += [SONNET, SONNET]


def test_every_call_is_one_priced_span_and_all_sums_agree(world: World) -> None:
    world.run(PROGRAM)
    costs = [
        span.attributes["gen_ai.usage.cost"] for span in sorted(world.sink.priced, key=lambda s: s.start_ns)
    ]
    assert costs == [float(cost) for cost in EXPECTED]
    assert {span.attributes["llmcost.status"] for span in world.sink.priced} == {"exact"}
    total = sum(EXPECTED)
    assert ledger_total(world.ledger) == total
    assert abs(Decimal(world.sink.total("llm.cost")) - total) < Decimal("1e-15")
    assert world.sink.total("llm.calls") == len(EXPECTED)


def test_counters_have_their_labels_units_and_exemplars(world: World) -> None:
    world.run(PROGRAM)
    cost = world.sink.latest("llm.cost")
    assert {point.unit for point in cost} == {"USD"}
    assert {point.attributes["llmcost.component"] for point in cost} == {"input", "output"}
    spans = {(span.trace_id, span.span_id): span for span in world.sink.spans}
    for point in cost:
        assert point.exemplars, point
        for exemplar in point.exemplars:
            found = spans[exemplar].attributes
            assert found["gen_ai.response.model"] == point.attributes["gen_ai.response.model"]
    tokens = dict.fromkeys(("input", "output", "output_reasoning"), 0.0)
    for point in world.sink.latest("llm.tokens"):
        tokens[point.attributes["llmcost.meter"]] += point.value
    assert tokens == {
        "input": 4 * 1200 + 1200 + 4000 + 24 + 1600,
        "output": 1200 + 108 + 1000 + 1000,
        "output_reasoning": 192,
    }
    durations = world.sink.latest("gen_ai.client.operation.duration")
    assert sum(point.count for point in durations) == len(EXPECTED)
    assert durations[0].bounds[0] == 0.01
    assert sum(point.value for point in world.sink.latest("gen_ai.client.token.usage")) == sum(
        tokens.values()
    )


def test_switched_off_it_is_as_if_we_were_not_there(world: World) -> None:
    program = """
        import sys, openai
        openai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "x"}])
        print(hasattr(openai._base_client.SyncAPIClient.request, "_llmcost_original"))
    """
    done = world.run(program, OTEL_LLMCOST_DISABLED="true")
    assert done.stdout == "False\n"
    assert world.sink.spans == []
    assert not world.ledger.exists()


def test_the_others_can_be_switched_off_by_their_names_and_we_by_ours(world: World) -> None:
    world.run(PROGRAM, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,anthropic")
    assert len(world.sink.priced) == len(EXPECTED)
    world.sink.spans.clear()
    world.run(PROGRAM, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="llmcost-openai")
    assert {span.attributes["gen_ai.provider.name"] for span in world.sink.priced} == {"anthropic"}


STREAMS = """
    import asyncio, openai
    ask = [{"role": "user", "content": "x"}]
    ai = openai.OpenAI()
    stream = ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True)
    assert isinstance(stream, openai.Stream)
    for chunk in stream:
        chunk.choices[0]
    with ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True) as stream:
        next(stream).choices[0]
    own = list(ai.chat.completions.create(
        model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True}
    ))
    assert own[-1].choices == [] and own[-1].usage.prompt_tokens == 1200
    async def main():
        async with openai.AsyncOpenAI() as ai:
            async for chunk in await ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True):
                chunk.choices[0]
    asyncio.run(main())
"""


def test_usage_of_streams_is_asked_for_on_wish_and_never_seen_by_the_program(world: World) -> None:
    world.run(STREAMS, OTEL_LLMCOST_INCLUDE_USAGE="true")
    statuses = [
        span.attributes["llmcost.status"] for span in sorted(world.sink.priced, key=lambda s: s.start_ns)
    ]
    assert statuses == ["exact", "estimated", "exact", "exact"]
    asked = [request.body.get("stream_options") for request in world.openai.requests]
    assert asked == [{"include_usage": True}] * 4


def test_without_the_wish_the_request_is_the_programs_own_and_the_cost_an_estimate(world: World) -> None:
    world.run(STREAMS)
    statuses = [
        span.attributes["llmcost.status"] for span in sorted(world.sink.priced, key=lambda s: s.start_ns)
    ]
    assert statuses == ["estimated", "estimated", "exact", "estimated"]
    assert [request.body.get("stream_options") for request in world.openai.requests].count(None) == 3


def test_a_host_with_a_path_is_known_for_the_sdks_own_spans_too(world: World) -> None:
    world.run(
        """
        import anthropic
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        anthropic.Anthropic().messages.create(
            model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": "x"}])
        """,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="llmcost-anthropic",
        OTEL_LLMCOST_HOSTS=f"127.0.0.1:{world.anthropic.port}/v1=anthropic",
    )
    (span,) = [span for span in world.sink.spans if "llmcost.status" in span.attributes]
    assert span.attributes["gen_ai.provider.name"] == "anthropic"
    assert "gen_ai.usage.cost" in span.attributes, span.attributes.get("llmcost.reasons")

"""Which span a call has, where tracers make none, or hand on the one that stands around."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, NoOpTracer, Span, SpanContext, TraceFlags, Tracer, use_span

from otel_llmcost import semconv
from otel_llmcost.metrics import Counters
from otel_llmcost.prices import load_book
from otel_llmcost.settle import Settler
from otel_llmcost.watch import openai as ai
from otel_llmcost.watch import stainless
from otel_llmcost.watch.engine import Engine

from .conftest import World
from .replies import InProcess, by_path

ASK: Any = [{"role": "user", "content": "Where?"}]
CHAT_COST = 210_000_000_000
"""1,000 tokens at $0.15 and 100 at $0.60 a million, in femto-dollars."""


class HandsOn(Tracer):
    """As Logfire's tracers while it records a call by itself: no span, but the ids of the one that stands around."""

    def __init__(self, around: Span) -> None:
        self.around = around

    def start_span(self, *args: Any, **more: Any) -> Span:
        return NonRecordingSpan(self.around.get_span_context())

    @contextmanager
    def start_as_current_span(self, *args: Any, **more: Any) -> Iterator[Span]:  # type: ignore[override]
        with use_span(self.start_span()) as span:
            yield span


def test_calls_under_one_span_that_makes_no_others_are_several_calls() -> None:
    settler = Settler(load_book(), Counters((), "off", False), None)
    engine = Engine(settler, NoOpTracer(), hosts={}, capture_content=False, include_usage=False)
    engine.active.add("openai")
    told: list[tuple[str, int | None]] = []
    settler.listeners.append(lambda call, priced: told.append((call.key, priced.amount)))
    patch = stainless.watch(ai.SDK, engine, openai._base_client)
    http = httpx2.Client(transport=InProcess(by_path))
    client = openai.OpenAI(api_key="none", max_retries=0, http_client=http)
    request = NonRecordingSpan(SpanContext(7, 9, True, TraceFlags(TraceFlags.SAMPLED)))
    try:
        with use_span(request):
            for _ in range(3):
                client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    finally:
        patch.undo()
    assert [amount for _, amount in told] == [CHAT_COST] * 3
    assert len({key for key, _ in told}) == 3


def test_a_span_that_is_handed_on_is_not_taken_for_the_sdks_own(world: World) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    others = provider.get_tracer("logfire.anthropic").start_span("Message with 'claude'")
    world.settler.lineage.born(others.get_span_context().span_id, 0, "logfire.anthropic")
    http = httpx2.Client(transport=InProcess(by_path))
    claude = anthropic.Anthropic(api_key="none", max_retries=0, http_client=http)
    claude._lazy_tracer = HandsOn(others)
    for _ in range(2):
        claude.messages.create(model="claude-sonnet-4-5", max_tokens=100, messages=ASK)
    others.end()
    ours = [span for span in world.spans.ended if span.instrumentation_scope is not None]
    assert [(span.name, (span.attributes or {}).get(semconv.COST)) for span in ours] == [
        ("chat claude-sonnet-4-5", 0.0045)
    ] * 2
    assert len({call.key for call, _ in world.calls}) == 2
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_child_forked_in_the_middle_of_the_first_call_prepares_its_own(world: World) -> None:
    engine, prepared = world.engine, []

    def prepare() -> None:
        prepared.append("begun")
        if len(prepared) == 1:
            engine.forget_all()  # as in a child, forked by another thread meanwhile
            assert engine.watches(ai.SDK, object())

    engine.before_first_call = prepare
    assert engine.watches(ai.SDK, object())
    assert prepared == ["begun", "begun"]
    assert engine.before_first_call is None

"""Spans of others that pass us: what is left of them when they have ended."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_llmcost import semconv
from otel_llmcost.call import Call, Priced
from otel_llmcost.metrics import Counters
from otel_llmcost.prices import load_book
from otel_llmcost.processor import CostSpanProcessor
from otel_llmcost.settle import Settler
from otel_llmcost.watch.engine import Engine

CHAT = {
    "openinference.span.kind": "LLM",
    "llm.provider": "openai",
    "llm.model_name": "gpt-5",
    "llm.token_count.prompt": 100,
    "llm.token_count.completion": 10,
}


SHOP = "shop.app"
LANGCHAIN = "openinference.instrumentation.langchain"
MESSAGE = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 10,
}
COST = 0.000225  # 100 tokens at $1.25 and 10 at $10 a million


class Pipeline:
    """A provider with our processor before an exporter, and what was settled."""

    def __init__(self) -> None:
        self.finished = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.settler = Settler(load_book(), Counters((), "off", False), None)
        self.engine = Engine(
            self.settler,
            self.provider.get_tracer(semconv.SCOPE),
            hosts={},
            capture_content=False,
            include_usage=False,
        )
        self.told: list[tuple[Call, Priced]] = []
        self.settler.listeners.append(lambda call, priced: self.told.append((call, priced)))
        self.provider.add_span_processor(CostSpanProcessor(self.settler, self.engine))
        self.provider.add_span_processor(SimpleSpanProcessor(self.finished))

    def nested(self, *spans: tuple[str, Mapping[str, object]]) -> list[object]:
        """The costs on spans that stand in each other, outermost first; None where one carries none."""
        scope, attributes = spans[0]
        with self.provider.get_tracer(scope).start_as_current_span("s", attributes=dict(attributes)):  # type: ignore[arg-type]
            if spans[1:]:
                self.nested(*spans[1:])
        ended = reversed(self.finished.get_finished_spans())
        return [(span.attributes or {}).get(semconv.COST) for span in ended]


AGENT = {
    "gen_ai.operation.name": "invoke_agent",
    **{k: v for k, v in MESSAGE.items() if "operation" not in k},
}
NESTED = {
    "a call alone": ([(SHOP, MESSAGE)], [COST]),
    "a neighbour's call alone": ([(LANGCHAIN, CHAT)], [COST]),
    "an agent is no call": ([(SHOP, AGENT)], [None]),
    "an agent around a call": ([(SHOP, AGENT), (SHOP, MESSAGE)], [None, COST]),
    "a call around the same call": ([(LANGCHAIN, CHAT), (SHOP, MESSAGE)], [None, COST]),
    "two frameworks around a call": (
        [(SHOP, MESSAGE), (LANGCHAIN, CHAT), (SHOP, MESSAGE)],
        [None, None, COST],
    ),
    "a call around what is none": ([(SHOP, MESSAGE), (SHOP, {"db.system": "redis"})], [COST, None]),
}


@pytest.mark.parametrize("case", NESTED)
def test_the_innermost_span_that_knows_the_usage_carries_the_cost(case: str) -> None:
    spans, costs = NESTED[case]
    pipeline = Pipeline()
    assert pipeline.nested(*spans) == costs
    assert [priced.amount for _, priced in pipeline.told] == [225_000_000_000 for cost in costs if cost]


def test_a_response_that_was_counted_is_not_counted_again_by_a_later_span() -> None:
    pipeline = Pipeline()
    seen = {**MESSAGE, "gen_ai.response.id": "chatcmpl-1"}
    assert pipeline.nested((SHOP, seen)) == [COST]
    assert pipeline.nested((SHOP, seen)) == [None, COST]
    assert len(pipeline.told) == 1


def test_a_failure_of_ours_leaves_the_span_and_forgets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline()

    def broken(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(pipeline.settler.remembered, "find", broken)
    assert pipeline.nested((SHOP, MESSAGE)) == [None]
    (span,) = pipeline.finished.get_finished_spans()
    assert span.context is not None
    assert list(pipeline.settler.lineage.around(span.context.span_id)) == []


def test_a_priced_span_of_others_is_freed_when_it_is_dropped() -> None:
    pipeline = Pipeline()
    pipeline.finished.shutdown()  # an exporter that keeps nothing
    span = pipeline.provider.get_tracer(LANGCHAIN).start_span("chat", attributes=CHAT)
    gone = weakref.ref(span)
    gc.disable()
    try:
        span.end()
        assert len(pipeline.told) == 1
        del span
        assert gone() is None
    finally:
        gc.enable()

"""Spans of others that pass us: what is left of them when they have ended."""

from __future__ import annotations

import gc
import weakref

from opentelemetry.sdk.trace import TracerProvider

from otel_llmcost import semconv
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


def test_a_priced_span_of_others_is_freed_when_it_is_dropped() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    settler = Settler(load_book(), Counters((), "off", False), None)
    engine = Engine(
        settler, provider.get_tracer(semconv.SCOPE), hosts={}, capture_content=False, include_usage=False
    )
    provider.add_span_processor(CostSpanProcessor(settler, engine))
    told = []
    settler.listeners.append(lambda call, priced: told.append(priced.amount))
    span = provider.get_tracer("openinference.instrumentation.langchain").start_span("chat", attributes=CHAT)
    gone = weakref.ref(span)
    gc.disable()
    try:
        span.end()
        assert len(told) == 1
        del span
        assert gone() is None
    finally:
        gc.enable()

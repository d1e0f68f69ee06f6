"""The engine around the real SDKs in this process, with a desk of its own: nothing of the process's runtime is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anthropic._base_client
import openai._base_client
import pytest
from opentelemetry.sdk.trace import TracerProvider

import otel_llmcost
from otel_llmcost import semconv
from otel_llmcost.call import Call, Priced
from otel_llmcost.metrics import Counters
from otel_llmcost.prices import load_book
from otel_llmcost.settle import Settler
from otel_llmcost.watch import anthropic as claude
from otel_llmcost.watch import guard, stainless
from otel_llmcost.watch import openai as ai
from otel_llmcost.watch.engine import Engine

from ..matrix.conformance.telling import Spans

WATCHED = ((ai.SDK, openai._base_client), (claude.SDK, anthropic._base_client))


@dataclass
class World:
    """What the engine told."""

    engine: Engine
    settler: Settler
    spans: Spans
    calls: list[tuple[Call, Priced]] = field(default_factory=list)
    patches: list[Any] = field(default_factory=list)

    def watch(self) -> None:
        self.patches += [stainless.watch(sdk, self.engine, module) for sdk, module in WATCHED]

    def unwatch(self) -> None:
        while self.patches:
            self.patches.pop().undo()

    @property
    def last(self) -> tuple[Call, Priced]:
        return self.calls[-1]


@pytest.fixture
def world() -> Iterator[World]:
    otel_llmcost.uninstrument()  # another test of this process may have watched the SDKs
    spans = Spans()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(spans)
    settler = Settler(load_book(), Counters((), True, False), None)
    engine = Engine(
        settler, provider.get_tracer(semconv.SCOPE), hosts={}, capture_content=False, include_usage=False
    )
    engine.active.update(("openai", "anthropic"))
    made = World(engine, settler, spans)
    settler.listeners.append(lambda call, priced: made.calls.append((call, priced)))
    contained = guard.contained()
    made.watch()
    yield made
    made.unwatch()
    assert guard.contained() == contained, "a failure of ours had to be contained"
    assert spans.open == []
    assert spans.ended_twice == []

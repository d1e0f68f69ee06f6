"""What a program loads of us when it is instrumented, and what waits until it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WAITS = {
    "a price book": {"prices.book", "prices.shards", "updates.store"},
    "spans of others": {"spans.reading", "spans.foreign", "spans.dialects"},
    "bodies of providers": {"usage.openai", "usage.anthropic", "watch.openai", "watch.anthropic"},
    "settings that few have": {"toml_source", "attribution.rules", "attribution.baggage", "budgets"},
    "what people's code asks for": {
        "attribution.track",
        "attribution.rollup",
        "sessions",
        "tracker",
        "clients",
    },
    "reading the ledger": {"ledger.scopes", "ledger.store", "reports"},
}
"""What for -> modules that it takes."""
LOADED = """
import sys
def loaded():
    return {name.removeprefix("otel_llmcost.") for name in sys.modules if name.startswith("otel_llmcost.")}
"""
FOREIGN_SPAN = """
import otel_llmcost
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
otel_llmcost.instrument()
provider, spans = TracerProvider(), InMemorySpanExporter()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
with trace.get_tracer("shop").start_as_current_span("chat gpt-4o-mini") as span:
    span.set_attributes({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
    })
print(spans.get_finished_spans()[0].attributes["gen_ai.usage.cost"])
"""


def run(program: str, ledger: Path) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LLMCOST"))
    }
    return subprocess.run(
        [sys.executable, "-c", LOADED + program],
        env={**environment, "OTEL_LLMCOST_LEDGER": str(ledger)},
        cwd=ledger,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_a_program_that_makes_no_call_loads_nothing_for_calls(tmp_path: Path) -> None:
    loaded = set(run("import otel_llmcost; otel_llmcost.instrument(); print(*loaded())", tmp_path).split())
    assert "watch.engine" in loaded
    early = {why: modules & loaded for why, modules in WAITS.items() if modules & loaded}
    assert not early


def test_what_the_first_call_needs_is_ready_when_its_sdk_was_imported(tmp_path: Path) -> None:
    program = """
import otel_llmcost
otel_llmcost.instrument()
import openai
from otel_llmcost.runtime import runtime
print(*loaded(), "opened" if runtime().upkeep.book is not None else "")
"""
    assert {"opened", "prices.book", "usage.openai"} <= set(run(program, tmp_path).split())


def test_the_first_span_of_somebody_else_opens_the_prices(tmp_path: Path) -> None:
    # 1,000 tokens at 0.15 USD and 100 at 0.60 USD a million
    assert run(FOREIGN_SPAN, tmp_path).split() == ["0.00021"]

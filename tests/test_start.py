"""What a program loads of us when it is instrumented, and what waits until it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

WAITS = {
    "a price book": {"prices.book", "prices.shards", "updates.store"},
    "spans of others": {"spans.reading", "spans.foreign", "spans.dialects"},
    "a supported SDK": {
        "watch.stainless",
        "watch.openai",
        "watch.anthropic",
        "usage.openai",
        "usage.anthropic",
    },
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
FOREIGN_SPANS = """
import os, threading
import otel_llmcost
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
otel_llmcost.instrument()
provider, finished = TracerProvider(), InMemorySpanExporter()
provider.add_span_processor(SimpleSpanProcessor(finished))
together = threading.Barrier(8)
def call(number):
    with provider.get_tracer("shop").start_as_current_span("chat gpt-4o-mini") as span:
        span.set_attributes({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 1000 * number, "gen_ai.usage.output_tokens": 100 * number,
        })
        together.wait(30)
def calls():
    threads = [threading.Thread(target=call, args=(number,)) for number in range(1, 9)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(*sorted(span.attributes["gen_ai.usage.cost"] for span in finished.get_finished_spans()), flush=True)
"""
IN_A_CHILD = """
if os.fork():
    os.wait()
else:
    calls()
"""
# 1,000 tokens at 0.15 USD and 100 at 0.60 USD a million, once to eight times
COSTS = [f"{0.00021 * number:.5f}" for number in range(1, 9)]


def run(program: str, ledger: Path, stream: str = "stdout") -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LLMCOST"))
    }
    ended = subprocess.run(
        [sys.executable, "-c", LOADED + program],
        env={**environment, "OTEL_LLMCOST_LEDGER": str(ledger)},
        cwd=ledger,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told: str = getattr(ended, stream)
    return told


def test_a_program_that_makes_no_call_loads_nothing_for_calls(tmp_path: Path) -> None:
    loaded = set(run("import otel_llmcost; otel_llmcost.instrument(); print(*loaded())", tmp_path).split())
    assert "watch.engine" in loaded
    assert all(find_spec(f"otel_llmcost.{name}") for modules in WAITS.values() for name in modules)
    early = {why: modules & loaded for why, modules in WAITS.items() if modules & loaded}
    assert not early


def test_a_program_where_we_are_switched_off_loads_nothing_that_watches(tmp_path: Path) -> None:
    (tmp_path / "otel-llmcost.toml").write_text("disabled = true\n")
    program = """
from otel_llmcost import entry
from opentelemetry.instrumentation.dependencies import get_dependency_conflicts
entry.pre_instrument()
for kind in (entry.OpenAIInstrumentor, entry.AnthropicInstrumentor):
    kind().instrument()
import openai, anthropic
for kind in (entry.OpenAIInstrumentor, entry.AnthropicInstrumentor):
    kind().uninstrument()
print(*loaded())
"""
    off = {
        "config",
        "entry",
        "errors",
        "process",
        "setting_names",
        "setting_reader",
        "toml_source",
        "version",
    }
    assert set(run(program, tmp_path).split()) <= {
        *off,
        "toml_places",
        "watch",
        "watch.guard",
        "watch.supported",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["otel-llmcost.toml"]


def test_what_the_first_call_needs_is_ready_when_its_sdk_was_imported(tmp_path: Path) -> None:
    program = """
import otel_llmcost
otel_llmcost.instrument()
import openai
from otel_llmcost.runtime import runtime
print(*loaded(), "opened" if runtime().upkeep.book is not None else "")
"""
    assert {"opened", "prices.book", "usage.openai"} <= set(run(program, tmp_path).split())


@pytest.mark.parametrize("where", ["calls()", IN_A_CHILD], ids=["in the program", "in a forked child"])
def test_the_first_spans_of_others_open_the_prices_even_at_once(tmp_path: Path, where: str) -> None:
    told = run(FOREIGN_SPANS + where, tmp_path).split()
    assert [f"{float(cost):.5f}" for cost in told] == COSTS


def test_mistakes_in_own_prices_are_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "otel-llmcost.toml").write_text('[[prices.row]]\nprovider = "openai"\nmodel = "gpt-5"\n')
    told = run("import otel_llmcost; otel_llmcost.instrument()", tmp_path, stream="stderr")
    assert "the row has no price" in told


ROOMS = {
    "pricing": "m.price({'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', "
    "'gen_ai.request.model': 'own-model', 'gen_ai.usage.input_tokens': 1000, 'gen_ai.usage.output_tokens': 0}).amount",
    "costs": "m.calculate_cost('openai', 'own-model', 1000, 0)",
    "tracker": "m.CostTracker().record('openai', 'own-model', 1000).priced.amount",
}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_whichever_module_comes_first_the_settings_are_in_force(tmp_path: Path, room: str) -> None:
    rows = '[[prices.row]]\nprovider = "openai"\nmodel = "own-model"\nrates = { input = "1000000" }\n'
    (tmp_path / "otel-llmcost.toml").write_text(rows)
    code = f"import otel_llmcost.{room} as m\nprint(m.__name__, {ROOMS[room]})"
    amount = "1000.000000000000000" if room == "costs" else str(1000 * 10**15)
    assert run(code, tmp_path).split()[1] == amount
    if room == "tracker":
        report = subprocess.run(
            [Path(sys.executable).with_name("otel-llmcost"), "calls", "--json", "--ledger", tmp_path],
            capture_output=True,
            text=True,
            check=True,
        )
        assert '"own-model"' in report.stdout

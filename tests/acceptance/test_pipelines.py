"""Whoever made the pipeline, and whether a span records or not: the money is the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .conftest import World
from .ledger_sum import ledger_calls, ledger_total

CALLS = """
import anthropic, openai
ai, claude = openai.OpenAI(), anthropic.Anthropic()
ask = [{"role": "user", "content": "Why is the sky blue?"}]
def calls():
    ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
    claude.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=ask)
"""
CHAT = (Decimal(1200) * Decimal("0.15") + Decimal(300) * Decimal("0.60")) / 10**6
MESSAGE = (Decimal(400) * 3 + Decimal(250) * 15) / 10**6
BOTH = CHAT + MESSAGE
NO_ENVIRONMENT = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "",
    "OTEL_TRACES_EXPORTER": "none",
    "OTEL_METRICS_EXPORTER": "none",
}

OWN_PROVIDER = """
import os
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
url = os.environ["SINK"]
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(url + "/v1/traces")))
trace.set_tracer_provider(provider)
reader = PeriodicExportingMetricReader(OTLPMetricExporter(url + "/v1/metrics"))
metrics.set_meter_provider(MeterProvider([reader]))
"""


def assert_both_counted_once(world: World, spans: int = 2) -> None:
    assert len(world.sink.priced) == spans
    assert sum(Decimal(str(span.attributes["gen_ai.usage.cost"])) for span in world.sink.priced) == (
        BOTH if spans else 0
    )
    assert ledger_total(world.ledger) == BOTH
    assert Decimal(str(world.sink.total("llm.cost"))) == BOTH
    assert world.sink.total("llm.calls") == 2


def test_the_users_own_provider_set_in_code_under_opentelemetry_instrument(world: World) -> None:
    world.run(OWN_PROVIDER + CALLS + "calls()\n", SINK=world.sink.url)
    assert_both_counted_once(world)


@pytest.mark.parametrize("when", ["before", "after"])
def test_from_code_before_or_after_the_provider_is_made(world: World, when: str) -> None:
    arm = "import otel_llmcost; otel_llmcost.instrument()\n"
    program = arm + OWN_PROVIDER if when == "before" else OWN_PROVIDER + CALLS + arm
    program += (CALLS if when == "before" else "") + "calls()\n"
    world.run(program, wrapper=(), SINK=world.sink.url, **NO_ENVIRONMENT)
    assert_both_counted_once(world)


def test_from_code_with_an_endpoint_named_and_nobody_who_makes_a_pipeline(world: World) -> None:
    world.run("import otel_llmcost; otel_llmcost.instrument()\n" + CALLS + "calls()\n", wrapper=())
    assert_both_counted_once(world)


@pytest.mark.parametrize(
    "named",
    [{}, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"}],
    ids=["endpoint", "exporters"],
)
def test_making_a_pipeline_leaves_the_environment_as_it_was(world: World, named: dict[str, str]) -> None:
    """Else a child process would take for the user's wish what we chose for this one."""
    start = "import os, otel_llmcost\notel_llmcost.instrument()\nbefore = dict(os.environ)\n"
    end = "calls()\nassert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())\n"
    world.run(start + CALLS + end, wrapper=(), OTEL_EXPORTER_OTLP_PROTOCOL="", **named)
    assert_both_counted_once(world)


def test_a_configuration_file(world: World) -> None:
    (world.folder / "otel.yaml").write_text(
        f"""
file_format: "1.1"
tracer_provider:
  processors:
    - simple:
        exporter:
          otlp_http: {{endpoint: "{world.sink.url}/v1/traces"}}
meter_provider:
  readers:
    - periodic:
        exporter:
          otlp_http: {{endpoint: "{world.sink.url}/v1/metrics"}}
""",
        encoding="utf-8",
    )
    world.run(CALLS + "calls()\n", OTEL_CONFIG_FILE=str(world.folder / "otel.yaml"))
    assert_both_counted_once(world)


def test_spans_of_a_second_provider_are_priced_too(world: World) -> None:
    program = (
        OWN_PROVIDER
        + CALLS
        + """
second = TracerProvider()
second.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(url + "/v1/traces")))
claude = anthropic.Anthropic(open_telemetry={"tracer_provider": second})
calls()
"""
    )
    world.run(program, SINK=world.sink.url)
    assert_both_counted_once(world)
    scopes = {span.scope for span in world.sink.priced}
    assert scopes == {"otel_llmcost", "com.anthropic.sdk.python"}


def test_head_sampling_never_changes_the_money(world: World) -> None:
    program = CALLS + "for _ in range(30): calls()\n"
    world.run(program, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.01")
    assert len(world.sink.priced) < 20
    assert ledger_total(world.ledger) == 30 * BOTH
    assert abs(Decimal(world.sink.total("llm.cost")) - 30 * BOTH) < Decimal("1e-15")
    assert world.sink.total("llm.calls") == 60


def test_with_the_sdk_disabled_the_ledger_counts(world: World) -> None:
    world.run(CALLS + "calls()\n", OTEL_SDK_DISABLED="true")
    assert world.sink.spans == []
    assert ledger_total(world.ledger) == BOTH


def test_suppressed_instrumentation_counts_without_a_span(world: World) -> None:
    program = (
        CALLS
        + """
from opentelemetry.instrumentation.utils import suppress_instrumentation
claude = anthropic.Anthropic(open_telemetry=False)
with suppress_instrumentation():
    calls()
"""
    )
    world.run(program)
    assert world.sink.priced == []
    assert ledger_total(world.ledger) == BOTH
    # without any span nothing made the pipeline's traces, but the counters have it
    assert Decimal(str(world.sink.total("llm.cost"))) == BOTH


def test_attribute_limits_that_content_uses_up(world: World) -> None:
    world.run(
        CALLS + "calls()\n",
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="4",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_ONLY",
    )
    assert ledger_total(world.ledger) == BOTH
    assert Decimal(str(world.sink.total("llm.cost"))) == BOTH


def test_content_is_captured_only_when_asked_for(world: World) -> None:
    world.run(CALLS + "calls()\n")
    assert not [span for span in world.sink.spans if "sky" in str(span.attributes)]
    world.run(CALLS + "calls()\n", OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_ONLY")
    captured = [
        span for span in world.sink.spans if "sky blue" in str(span.attributes.get("gen_ai.input.messages"))
    ]
    assert captured
    assert all("gen_ai.output.messages" in span.attributes for span in captured)


def test_one_client_alone(world: World) -> None:
    program = (
        OWN_PROVIDER
        + CALLS
        + """
import otel_llmcost
otel_llmcost.instrument(ai)
calls()
ai.with_options(timeout=20).chat.completions.create(model="gpt-4o-mini", messages=ask)
openai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=ask)
"""
    )
    world.run(program, wrapper=(), SINK=world.sink.url, **NO_ENVIRONMENT)
    assert [span.scope for span in world.sink.priced if span.scope == "otel_llmcost"] == ["otel_llmcost"] * 2
    openai_calls = [call for call in ledger_calls(world.ledger) if call.provider == "openai"]
    assert len(openai_calls) == 2


def test_uninstrument_and_instrument_again(world: World) -> None:
    program = (
        OWN_PROVIDER
        + CALLS
        + """
import otel_llmcost
before = openai._base_client.SyncAPIClient.request
otel_llmcost.instrument()
calls()
otel_llmcost.uninstrument()
assert openai._base_client.SyncAPIClient.request is before
ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
otel_llmcost.instrument()
calls()
"""
    )
    world.run(program, wrapper=(), SINK=world.sink.url, **NO_ENVIRONMENT)
    assert len([span for span in world.sink.priced if span.scope == "otel_llmcost"]) == 2
    assert ledger_total(world.ledger) == 2 * BOTH
    assert Decimal(str(world.sink.total("llm.cost"))) == 2 * BOTH

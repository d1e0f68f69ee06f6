"""Real SDKs, instrumented without a change, into the real collector, Prometheus and Jaeger: all sums agree."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from ..acceptance.conftest import World
from ..acceptance.ledger_sum import ledger_calls, ledger_total
from ..loopback import free_port
from .otlp_wire import Span, cumulative_cost, send_metrics, send_spans
from .real_parts import Collector, Jaeger, Parts, Prometheus, until

PROGRAM = """
    import anthropic
    import openai

    ai, claude = openai.OpenAI(), anthropic.Anthropic()
    ask = [{"role": "user", "content": "Why is the sky blue?"}]
    for _ in range(3):
        ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
        ai.responses.create(model="gpt-4.1", input="hello")
        claude.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=ask)
    for chunk in ai.chat.completions.create(
        model="gpt-5", messages=ask, stream=True, stream_options={"include_usage": True}
    ):
        pass
    ai.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
"""
CALLS = 11
MONEY = "sum(llm_cost_USD_total)"
NANO = 1e-9


def direct(parts: Parts, jaeger: Jaeger, prometheus: Prometheus) -> Collector:
    """agent.yaml straight into both backends."""
    return parts.collector(
        "agent.yaml",
        name="agent",
        LLMCOST_TRACES_ENDPOINT=jaeger.http,
        LLMCOST_METRICS_ENDPOINT=prometheus.otlp,
    )


def all_costs(jaeger: Jaeger, service: str, calls: int) -> list[float]:
    """`gen_ai.usage.cost` of every priced span that Jaeger has, once all are there."""

    def enough() -> list[float]:
        spans = {str(span["spanId"]): span for span in jaeger.spans(service)}
        costs = [span["attributes"].get("gen_ai.usage.cost") for span in spans.values()]  # type: ignore[attr-defined]
        found = [float(cost) for cost in costs if cost is not None]
        return found if len(found) >= calls else []

    return until(f"{calls} priced spans in Jaeger", enough)


def test_prometheus_jaeger_and_the_ledger_agree(parts: Parts, apps: World) -> None:
    jaeger, prometheus = parts.jaeger(), parts.prometheus()
    agent = direct(parts, jaeger, prometheus)
    apps.run(PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=agent.http, OTEL_SERVICE_NAME="shop")

    total = ledger_total(apps.ledger)
    assert len(ledger_calls(apps.ledger)) == CALLS
    costs = all_costs(jaeger, "shop", CALLS)
    assert len(costs) == CALLS
    assert abs(sum(map(Decimal, costs)) - total) < Decimal("1e-15")
    until("the counter", lambda: prometheus.value("sum(llm_calls_total)") == CALLS)
    counted = prometheus.value(MONEY)
    assert counted is not None
    assert abs(counted - float(total)) < 1e-15


def test_labels_units_and_exemplars(parts: Parts, apps: World) -> None:
    jaeger, prometheus = parts.jaeger(), parts.prometheus()
    agent = direct(parts, jaeger, prometheus)
    apps.run(
        PROGRAM,
        OTEL_EXPORTER_OTLP_ENDPOINT=agent.http,
        OTEL_SERVICE_NAME="shop",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
    )
    until("the counter", lambda: prometheus.value("sum(llm_calls_total)") == CALLS)
    for row in prometheus.query("llm_cost_USD_total"):
        labels = row["metric"]
        assert isinstance(labels, dict)
        assert labels["service_name"] == "shop"
        assert labels["job"] == "shop"
        assert labels["instance"]
        assert labels["deployment_environment_name"] == "test"
        assert labels["gen_ai_provider_name"] in {"openai", "anthropic"}
        assert labels["llmcost_component"] in {"input", "output", "cache_read", "cache_write"}
        assert labels["llmcost_status"] == "exact"
    metadata = {row["metric"]["__name__"] for row in prometheus.query('{service_name="shop"}')}  # type: ignore[index]
    assert {"llm_cost_USD_total", "llm_calls_total", "llm_tokens_total"} <= metadata
    assert "gen_ai_client_operation_duration_seconds_bucket" in metadata

    exemplars = until("exemplars", lambda: prometheus.exemplars("llm_cost_USD_total"))
    for exemplar in exemplars[:5]:
        labels = exemplar["labels"]
        assert isinstance(labels, dict)
        trace_id, span_id = str(labels["trace_id"]), str(labels["span_id"])
        spans = until("the exemplar's trace in Jaeger", lambda: jaeger.trace(trace_id))
        (own,) = [span for span in spans if span["spanId"] == span_id]
        attributes = own["attributes"]
        assert isinstance(attributes, dict)
        assert attributes["gen_ai.usage.cost"] > 0
        assert attributes["llmcost.status"] == "exact"
        assert attributes["llmcost.price.version"]


def test_through_agent_and_gateway(parts: Parts, apps: World) -> None:
    """The shipped chain: agent.yaml → gateway.yaml → Prometheus and Jaeger; sampling does not change the money."""
    jaeger, prometheus = parts.jaeger(), parts.prometheus()
    gateway = parts.collector(
        "gateway.yaml",
        name="gateway",
        LLMCOST_JAEGER_ENDPOINT=jaeger.grpc,
        LLMCOST_PROMETHEUS_ENDPOINT=prometheus.otlp,
        LLMCOST_DECISION_WAIT="1s",
        LLMCOST_KEEP_PERCENT="0",
        LLMCOST_DEAR_USD="0.0049",
    )
    agent = parts.collector(
        "agent.yaml",
        name="agent",
        LLMCOST_TRACES_ENDPOINT=f"{gateway.http}/v1/traces",
        LLMCOST_METRICS_ENDPOINT=f"{gateway.http}/v1/metrics",
    )
    apps.run(PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=agent.http, OTEL_SERVICE_NAME="shop")
    total = ledger_total(apps.ledger)
    dear = sorted(float(row.amount or 0) / 1e15 for row in ledger_calls(apps.ledger))
    dear = [cost for cost in dear if cost >= 0.0049]
    assert 0 < len(dear) < CALLS
    assert sorted(all_costs(jaeger, "shop", len(dear))) == pytest.approx(dear, abs=1e-15)
    until("the counter", lambda: prometheus.value("sum(llm_calls_total)") == CALLS)
    assert abs((prometheus.value(MONEY) or 0.0) - float(total)) < 1e-15


def test_errors_and_unpriced_calls_survive_sampling(parts: Parts) -> None:
    jaeger = parts.jaeger()
    gateway = parts.collector(
        "gateway.yaml",
        LLMCOST_JAEGER_ENDPOINT=jaeger.grpc,
        LLMCOST_DECISION_WAIT="1s",
        LLMCOST_KEEP_PERCENT="0",
        LLMCOST_DEAR_USD="1",
    )
    kept = [
        Span({"error.type": "timeout"}, service="s"),
        Span({}, service="s", error=True),
        Span({"gen_ai.usage.cost": 1.5}, service="s"),
        Span({"llmcost.rollup.cost": 1.0}, service="s"),
        Span({"llmcost.status": "unpriced"}, service="s"),
    ]
    dropped = [Span({"gen_ai.usage.cost": 0.5, "llmcost.status": "exact"}, service="s") for _ in range(20)]
    send_spans(gateway.http, [*kept, *dropped])
    until("five traces", lambda: len(jaeger.spans("s")) >= 5)
    assert {span["traceId"] for span in jaeger.spans("s")} == {span.trace_id for span in kept}


@pytest.mark.parametrize("way", ["gateway-scrape.yaml", "gateway-remote-write.yaml"])
def test_other_ways_to_prometheus(parts: Parts, apps: World, way: str) -> None:
    scrape = f"127.0.0.1:{free_port()}"
    prometheus = parts.prometheus(scrape=scrape if "scrape" in way else "")
    gateway = parts.collector(
        "gateway.yaml",
        way,
        name="gateway",
        LLMCOST_SCRAPE=scrape,
        LLMCOST_REMOTE_WRITE_ENDPOINT=f"{prometheus.api}/api/v1/write",
    )
    apps.run(PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=gateway.http, OTEL_SERVICE_NAME="shop")
    until("the counter", lambda: prometheus.value("sum(llm_calls_total)") == CALLS)
    assert abs((prometheus.value(MONEY) or 0.0) - float(ledger_total(apps.ledger))) < 1e-15
    assert prometheus.query('llm_cost_USD_total{service_name="shop",job="shop"}')


def test_differences_become_running_totals(parts: Parts) -> None:
    """Delta temporality: added up by the gateway; Prometheus alone would drop it with a word in its log only."""
    prometheus = parts.prometheus()
    gateway = parts.collector("gateway.yaml", LLMCOST_PROMETHEUS_ENDPOINT=prometheus.otlp)
    now = time.time_ns()
    for number, usd in enumerate((0.25, 0.5, 0.125)):
        start, at = now + number * 10**9, now + (number + 1) * 10**9
        send_metrics(
            gateway.http,
            cumulative_cost("d", usd, {"llmcost.component": "input"}, delta=True, start_ns=start, at_ns=at),
        )
    until("the sum", lambda: prometheus.value("sum(llm_cost_USD_total)", time.time() + 5) == 0.875)


def test_a_program_that_sends_differences(parts: Parts, apps: World) -> None:
    """Delta temporality and no trace kept: the gateway adds up, to the last digit; Prometheus alone says no."""
    prometheus = parts.prometheus()
    gateway = parts.collector(
        "gateway.yaml",
        LLMCOST_PROMETHEUS_ENDPOINT=prometheus.otlp,
        LLMCOST_KEEP_PERCENT="0",
        LLMCOST_DEAR_USD="1000",
    )
    common = {
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_EXPORTER_OTLP_ENDPOINT": gateway.http,
    }
    for _ in range(2):
        apps.run(PROGRAM, OTEL_SERVICE_NAME="differences", **common)
    until("the counter", lambda: prometheus.value("sum(llm_calls_total)") == 2 * CALLS)
    counted = prometheus.value(MONEY) or 0.0
    assert abs(counted - float(ledger_total(apps.ledger))) < 1e-15

    straight = {**common, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": prometheus.otlp}
    apps.start(PROGRAM, OTEL_SERVICE_NAME="straight", **straight)
    until("a word of Prometheus", lambda: "temporality" in prometheus.log.read_text())
    assert prometheus.value('sum(llm_calls_total{service_name="straight"})') is None
    assert len(ledger_calls(apps.ledger)) == 3 * CALLS


def test_nothing_is_lost_when_the_plug_is_pulled(parts: Parts) -> None:
    """Jaeger and Prometheus away, the agent killed with a full queue and started again: all arrives, once."""
    jaeger, prometheus = parts.jaeger(), parts.prometheus()
    agent = direct(parts, jaeger, prometheus)
    send_spans(agent.http, [Span({"gen_ai.usage.cost": 1.0}, service="s") for _ in range(100)])
    until("the first hundred", lambda: len(jaeger.spans("s")) == 100)
    prometheus.stop()
    jaeger.stop()
    for _ in range(5):
        send_spans(agent.http, [Span({"gen_ai.usage.cost": 1.0}, service="s") for _ in range(100)])
    began = time.time_ns() - 10 * 10**9
    for number, usd in enumerate((1.0, 2.0, 5.0), 1):
        # Prometheus keeps one value a millisecond, and the first that comes: these would be faster than that
        at_ns = began + number * 10**9
        told = cumulative_cost("s", usd, {"llmcost.component": "input"}, at_ns=at_ns, start_ns=began)
        send_metrics(agent.http, told)
    agent.kill()
    jaeger.start()  # its memory store starts empty: what was queued is all that it can have
    prometheus.start()
    agent.start()
    until("the queue", lambda: len(jaeger.spans("s")) >= 500, 60)
    until("the counter", lambda: prometheus.value(MONEY) == 5.0, 60)
    assert len(jaeger.spans("s")) == 500
    assert len({span["spanId"] for span in jaeger.spans("s")}) == 500


def test_a_program_outlives_its_collector(parts: Parts, apps: World) -> None:
    """The agent is killed and started again in mid-traffic: the money is whole, in Prometheus and in the ledger."""
    jaeger, prometheus = parts.jaeger(), parts.prometheus()
    agent = direct(parts, jaeger, prometheus)
    go_on = apps.folder / "go-on"
    program = f"""
        import pathlib, time
        import openai
        from opentelemetry import metrics, trace

        ai = openai.OpenAI()
        ask = [{{"role": "user", "content": "Why is the sky blue?"}}]
        for _ in range(10):
            ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
        metrics.get_meter_provider().force_flush()
        trace.get_tracer_provider().force_flush()
        pathlib.Path({str(go_on)!r} + ".half").touch()
        while not pathlib.Path({str(go_on)!r}).exists():
            time.sleep(0.05)
        for _ in range(10):
            ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
    """
    import threading

    runner = threading.Thread(
        target=apps.run,
        args=(program,),
        kwargs={"OTEL_EXPORTER_OTLP_ENDPOINT": agent.http, "OTEL_SERVICE_NAME": "shop"},
    )
    runner.start()
    until("half of the calls", (apps.folder / "go-on.half").exists)
    agent.kill()
    agent.start()
    go_on.touch()
    runner.join(60)
    until("the counter", lambda: prometheus.value("sum(llm_calls_total)") == 20)
    assert abs((prometheus.value(MONEY) or 0.0) - float(ledger_total(apps.ledger))) < 1e-15
    assert len(all_costs(jaeger, "shop", 20)) == 20

"""The dashboards: up to date, within the linter's rules, every query answered by a real Prometheus, money exact."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

from ..acceptance.conftest import World
from ..acceptance.ledger_sum import ledger_total
from ..acceptance.sink import Sink
from ..loopback import free_port
from .real_parts import ROOT, Parts, Prometheus, until

GRAFANA = ROOT / "grafana"
BOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
NAMES = [board.stem for board in BOARDS]


def load(board: Path) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(board.read_text())
    return loaded


def targets(board: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for panel in load(board)["panels"]:  # type: ignore[attr-defined]
        for target in panel["targets"]:
            yield panel["title"], target


def test_there_are_five() -> None:
    assert NAMES == ["attribution", "budgets", "models", "operations", "overview"]


def test_they_are_what_their_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(GRAFANA / "build.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_rules_of_the_linter(board: Path) -> None:
    """The published rules of Grafana's dashboard-linter, as far as they concern dashboards like these."""
    model = load(board)
    variables = {v["name"]: v for v in model["templating"]["list"]}  # type: ignore[index]
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert {"service", "environment", "provider", "model"} <= set(variables)
    for variable in variables.values():
        assert variable["label"]
        if variable["type"] == "query":
            assert variable["datasource"]["uid"] == "$datasource"
            assert variable["includeAll"]
            assert variable["allValue"] == ".*"
            assert variable["multi"]
    panels = model["panels"]
    assert isinstance(panels, list)
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    assert model["uid"]
    assert model["editable"] is False
    for panel in panels:
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "$datasource"}
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "$datasource"
            assert target["legendFormat"]
            for function in ("rate", "irate", "increase"):
                for window in re.findall(rf"\b{function}\([^\[]*\[([^\]]*)\]", target["expr"]):
                    assert window == "$__rate_interval"


PROGRAM = """
    import anthropic
    import openai
    import otel_llmcost

    ai, claude = openai.OpenAI(max_retries=0), anthropic.Anthropic(max_retries=0)
    ask = [{"role": "user", "content": "Why is the sky blue?"}]
    with otel_llmcost.track_source("answers"), otel_llmcost.tag(team="search", feature="faq"):
        for _ in range(3):
            ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
            ai.chat.completions.create(model="gpt-5", messages=ask, service_tier="flex")
        claude.messages.create(
            model="claude-sonnet-4-5", max_tokens=1000,
            messages=[{"role": "user", "content": [
                {"type": "text", "text": "long text", "cache_control": {"type": "ephemeral"}}]}],
        )
    ai.chat.completions.create(model="nobody-knows-this", messages=ask)
    try:
        ai.chat.completions.create(model="gpt-4o-mini", messages=ask, extra_headers={"x-demo-status": "429"})
    except openai.RateLimitError:
        pass
    patient = openai.OpenAI(max_retries=2)
    patient.chat.completions.create(
        model="gpt-4o-mini", messages=ask, extra_headers={"x-demo-status": "429", "x-demo-fail": "2"}
    )
"""
SETTINGS = """
[budgets.team]
amount = "100"
window = "day"
action = "observe"
"""


def filled(expression: str, window: str = "1h") -> str:
    """A query as Grafana would send it with every variable at All."""
    for name, value in (
        ("$__rate_interval", "4m"),
        ("$__range", window),
        ("$__interval", window),
        ("$service", ".*"),
        ("$environment", ".*"),
        ("$provider", ".*"),
        ("$model", ".*"),
    ):
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, World]]:
    """A Prometheus with real SDK traffic: a program of two seconds, the same again (a restart), forked workers."""
    folder = tmp_path_factory.mktemp("dashboards")
    parts = Parts(folder)
    apps = folder / "apps"
    apps.mkdir()
    (apps / "otel-llmcost.toml").write_text(SETTINGS)
    try:
        own = str(free_port())
        prometheus = parts.prometheus(collectors=f"127.0.0.1:{own}")
        agent = parts.collector(
            "agent.yaml",
            LLMCOST_METRICS_ENDPOINT=prometheus.otlp,
            LLMCOST_OWN_METRICS="normal",
            LLMCOST_OWN_METRICS_PORT=own,
        )
        with DemoProvider() as openai, DemoProvider() as anthropic, Sink() as sink:
            world = World(openai, anthropic, sink, apps)
            common = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": agent.http,
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
                "OTEL_LLMCOST_METRIC_TAGS": "source,team,feature",
                "OTEL_LLMCOST_CONFIG": str(apps / "otel-llmcost.toml"),
                "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
            }
            for _ in range(2):
                done = world.start(
                    PROGRAM, OTEL_SERVICE_NAME="shop", OTEL_METRIC_EXPORT_INTERVAL="500", **common
                )
                assert done.returncode == 0, done.stderr
            done = world.start(
                PREFORK, OTEL_SERVICE_NAME="prefork", OTEL_METRIC_EXPORT_INTERVAL="500", **common
            )
            assert done.returncode == 0, done.stderr
            done = world.start(
                NOBODY_TAKES_ITS_SPANS,
                OTEL_SERVICE_NAME="lonely",
                OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:9/v1/traces",
                OTEL_EXPORTER_OTLP_TRACES_TIMEOUT="1",
                **common,
            )
            assert done.returncode == 0, done.stderr
            wanted = float(ledger_total(world.ledger))
            until(
                "all money in Prometheus",
                lambda: abs((prometheus.value("sum(llm_cost_USD_total)") or 0) - wanted) < 1e-9,
            )
            # Prometheus fetches what the collector says of itself, each at its own pace
            until(
                "the collector's own metrics in Prometheus",
                lambda: prometheus.value("sum(otelcol_exporter_queue_size)") is not None,
            )
            yield prometheus, world
    finally:
        parts.stop()


PREFORK = """
    import os, sys
    import openai

    ai = openai.OpenAI(max_retries=0)
    ask = [{"role": "user", "content": "Why is the sky blue?"}]
    ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
    children = []
    for number in range(3):
        child = os.fork()
        if not child:
            own = openai.OpenAI(max_retries=0)
            for _ in range(number + 1):
                own.chat.completions.create(model="gpt-4o-mini", messages=ask)
            from opentelemetry import metrics
            metrics.get_meter_provider().force_flush()
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
"""
NOBODY_TAKES_ITS_SPANS = """
    import openai
    from opentelemetry import metrics, trace

    openai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
    trace.get_tracer_provider().force_flush()
    metrics.get_meter_provider().force_flush()
"""


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_every_query_is_answered(traffic: tuple[Prometheus, World], board: Path) -> None:
    prometheus, _ = traffic
    for title, target in targets(board):
        rows = prometheus.query(filled(str(target["expr"])))
        # NaN is what Grafana shows as an empty panel.
        assert [row for row in rows if row["value"][1] != "NaN"], (title, target["expr"])  # type: ignore[index]
        for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", str(target["legendFormat"])):
            assert any(row["metric"].get(label) for row in rows), (title, label, rows[:2])  # type: ignore[attr-defined]
        if target.get("range"):
            now = time.time()
            assert prometheus.query_range(filled(str(target["expr"]), "1m"), now - 600, now, 60), title


def test_figures_of_operations(traffic: tuple[Prometheus, World]) -> None:
    """What the traffic is known to have: 28 calls, two of them failed, two answered at the third attempt."""
    prometheus, _ = traffic
    found = {
        title: prometheus.value(filled(str(target["expr"])))
        for title, target in targets(GRAFANA / "dashboards" / "operations.json")
        if not target.get("range")
    }
    assert found["Failed calls"] == 2
    assert found["Error rate"] == pytest.approx(2 / 28)
    assert found["Retries"] == 4
    assert found["Unpriced calls"] == 2
    assert found["Not in the ledger"] == 0
    assert found["Without a ledger"] == 0
    assert found["Spans lost"] == 1
    assert found["Waiting in collectors"] is not None


@pytest.mark.parametrize("window", ["5m", "1h", "24h", "30d"])
def test_money_equals_the_ledger(traffic: tuple[Prometheus, World], window: str) -> None:
    """Two short programs and three forked workers, none of which lived for one scrape: to the last digit."""
    prometheus, world = traffic
    total = float(ledger_total(world.ledger))
    for board in BOARDS:
        for title, target in targets(board):
            expression = str(target["expr"])
            is_sum = (
                expression.startswith("sum")
                and "llm_cost_USD_total" in expression
                and " / " not in expression
            )
            if is_sum and "1h]" not in expression and "24h]" not in expression and "30d]" not in expression:
                rows = prometheus.query(filled(expression, window))
                spent = sum(float(row["value"][1]) for row in rows)  # type: ignore[index]
                assert spent == pytest.approx(total, rel=1e-9), (board.stem, title)


def test_money_of_intervals_adds_up(traffic: tuple[Prometheus, World]) -> None:
    """The bars of a panel, laid end to end, are the whole spend."""
    prometheus, world = traffic
    expression = next(
        str(target["expr"])
        for title, target in targets(GRAFANA / "dashboards" / "overview.json")
        if title == "Spend by model"
    )
    now = time.time()
    series = prometheus.query_range(filled(expression, "1m"), now - 1800, now, 60)
    spent = sum(float(value) for one in series for _, value in one["values"])  # type: ignore[attr-defined]
    assert spent == pytest.approx(float(ledger_total(world.ledger)), rel=1e-9)

"""Collectors that are away for minutes while programs go on calling (`make endurance`).

One program sends to an agent whose gateway is stopped, and the agent itself is killed in the middle of that: its
queue on disk brings everything. Another one sends to an agent that is stopped: the spans of that time are lost but
for the last ones, the counters arrive whole, and so does the ledger.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

from ..acceptance.conftest import World
from ..acceptance.ledger_sum import ledger_calls, ledger_total
from ..acceptance.sink import Sink
from .real_parts import Jaeger, Parts, Prometheus, until

AWAY_S = float(os.environ.get("AWAY_SECONDS", "180"))
PROGRAM = """
    import pathlib, time
    import openai

    ai = openai.OpenAI()
    ask = [{"role": "user", "content": "Why is the sky blue?"}]
    calls = 0
    while not pathlib.Path("enough").exists():
        ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
        calls += 1
        pathlib.Path("new").write_text(str(calls))
        pathlib.Path("new").replace("calls")  # never seen empty
        time.sleep(0.2)
"""


@dataclass
class Caller:
    """A program that calls five times a second until it is told that it is enough."""

    name: str
    world: World
    endpoint: str
    thread: threading.Thread = field(init=False)

    def start(self) -> Caller:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_SERVICE_NAME": self.name,
            "OTEL_METRIC_EXPORT_INTERVAL": "5000",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "5",
        }
        self.thread = threading.Thread(target=self._run, kwargs=settings)
        self.thread.start()
        until(f"the first calls of {self.name}", lambda: self.calls >= 5)
        return self

    def _run(self, **settings: str) -> None:
        self.done = self.world.start(PROGRAM, timeout=AWAY_S + 180, **settings)

    @property
    def calls(self) -> int:
        told = self.world.folder / "calls"
        text = told.read_text() if told.exists() else ""
        return int(text or 0)

    def end(self) -> None:
        (self.world.folder / "enough").touch()
        self.thread.join(60)
        assert not self.thread.is_alive()
        assert self.done.returncode == 0, self.done.stderr
        assert "otel-llmcost:" not in self.done.stderr


@contextlib.contextmanager
def callers(folder: Path, **endpoints: str) -> Iterator[list[Caller]]:
    with DemoProvider() as openai, DemoProvider() as anthropic, Sink() as sink:
        made = []
        for name, endpoint in endpoints.items():
            own = folder / name
            own.mkdir()
            made.append(Caller(name, World(openai, anthropic, sink, own), endpoint))
        try:
            yield [one.start() for one in made]
        finally:
            for one in made:
                (one.world.folder / "enough").touch()


def spans(jaeger: Jaeger, service: str) -> list[str]:
    return [str(span["spanId"]) for span in jaeger.spans(service)]


def assert_money_is_whole(prometheus: Prometheus, caller: Caller) -> None:
    """Counters and ledger say the same, to the last digit, once."""
    of = f'{{service_name="{caller.name}"}}'
    wanted = float(ledger_total(caller.world.ledger))
    assert len(ledger_calls(caller.world.ledger)) == caller.calls
    until(
        f"all calls of {caller.name} in Prometheus",
        lambda: prometheus.value(f"sum(llm_calls_total{of})") == caller.calls,
        90,
    )
    assert prometheus.value(f"sum(llm_cost_USD_total{of})") == pytest.approx(wanted, abs=1e-12)
    cost = f"llm_cost_USD_total{of}"
    panel = f"sum(last_over_time({cost}[1h]) - ({cost} offset 1h or 0 * last_over_time({cost}[1h])))"
    assert prometheus.value(panel) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.endurance
def test_collectors_that_are_away_for_minutes(parts: Parts, tmp_path: Path) -> None:
    jaeger, prometheus = parts.jaeger(), parts.prometheus()
    gateway = parts.collector(
        "gateway.yaml",
        name="gateway",
        LLMCOST_JAEGER_ENDPOINT=jaeger.grpc,
        LLMCOST_PROMETHEUS_ENDPOINT=prometheus.otlp,
        LLMCOST_DECISION_WAIT="1s",
        LLMCOST_KEEP_PERCENT="100",
    )
    queued = parts.collector(
        "agent.yaml",
        name="queued",
        LLMCOST_TRACES_ENDPOINT=f"{gateway.http}/v1/traces",
        LLMCOST_METRICS_ENDPOINT=f"{gateway.http}/v1/metrics",
    )
    absent = parts.collector(
        "agent.yaml",
        name="absent",
        LLMCOST_TRACES_ENDPOINT=jaeger.http,
        LLMCOST_METRICS_ENDPOINT=prometheus.otlp,
    )
    with callers(tmp_path, behind=queued.http, alone=absent.http) as (behind, alone):
        gateway.stop()
        absent.stop()
        before = alone.calls
        time.sleep(AWAY_S / 2)
        queued.kill()
        queued.start()
        time.sleep(AWAY_S / 2)
        missed = alone.calls - before
        absent.start()
        gateway.start()
        time.sleep(5)
        behind.end()
        alone.end()

    assert_money_is_whole(prometheus, behind)
    assert_money_is_whole(prometheus, alone)
    until("all spans behind the queue", lambda: len(set(spans(jaeger, "behind"))) == behind.calls, 90)
    arrived = set(spans(jaeger, "alone"))
    doubled = len(spans(jaeger, "behind")) - behind.calls
    print(
        f"away {AWAY_S:g} s: behind the queue {behind.calls} calls, 0 spans lost, {doubled} told twice; "
        f"without one {alone.calls} calls, {missed} of them meanwhile, {alone.calls - len(arrived)} spans lost"
    )
    assert alone.calls - missed - 60 <= len(arrived) <= alone.calls

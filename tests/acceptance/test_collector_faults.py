"""A collector that refuses, hangs or answers garbage: the program's calls are as they were, its money is kept."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

from .conftest import World
from .faulty_collector import FAULTS, REFUSES, FaultyCollector
from .ledger_sum import ledger_calls, ledger_total
from .sink import Sink
from .test_pipelines import BOTH

ROUNDS = 12
PROGRAM = f"""
import anthropic, json, openai, time

ai, claude = openai.OpenAI(), anthropic.Anthropic()
ask = [{{"role": "user", "content": "Why is the sky blue?"}}]
answers, slowest = [], 0.0

def timed(call):
    global slowest
    began = time.perf_counter()
    answers.append(call())
    slowest = max(slowest, time.perf_counter() - began)

def chat():
    return ai.chat.completions.create(model="gpt-4o-mini", messages=ask).choices[0].message.content

def message():
    with claude.messages.stream(model="claude-sonnet-4-5", max_tokens=1000, messages=ask) as stream:
        return "".join(stream.text_stream)

chat(), message()  # the first calls make the pipeline
answers.clear()
for _ in range({ROUNDS}):
    timed(chat)
    timed(message)
    time.sleep(0.05)  # the exporters' turn
print(json.dumps({{"answers": answers, "slowest": slowest, "done": time.time()}}))
"""
CALLS = 2 * (ROUNDS + 1)
EXPORT_TIMEOUT_S = 1
QUICK = {
    # exports fail in the middle of the traffic, again and again
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_METRIC_EXPORT_INTERVAL": "200",
    "OTEL_EXPORTER_OTLP_TIMEOUT": str(EXPORT_TIMEOUT_S),
}


@dataclass
class Ended:
    said: dict[str, Any]
    errors: str
    leaving_s: float


def run(world: World, endpoint: str, **more: str) -> Ended:
    done = world.start(PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **QUICK, **more)
    ended = time.time()
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return Ended(said, done.stderr, ended - said["done"])


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the program is answered without us."""
    with DemoProvider() as openai, DemoProvider() as anthropic, Sink() as sink:
        world = World(openai, anthropic, sink, tmp_path_factory.mktemp("untouched"))
        answers: list[str] = run(world, "", OTEL_LLMCOST_DISABLED="true").said["answers"]
        assert len(answers) == 2 * ROUNDS
        return answers


@pytest.mark.parametrize(
    ("fault", "protocol"),
    [*((fault, "http/protobuf") for fault in FAULTS), ("hangs", "grpc"), ("answers what is no HTTP", "grpc")],
)
def test_a_collector_that(fault: str, protocol: str, world: World, untouched: list[str]) -> None:
    with FaultyCollector(fault) as collector:
        seen = run(world, collector.url, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        assert (collector.connections > 0) == (fault != REFUSES)

    assert seen.said["answers"] == untouched
    # an export in vain takes its whole time-out; no call waited for one
    assert seen.said["slowest"] < 0.9 * EXPORT_TIMEOUT_S
    assert "otel-llmcost:" not in seen.errors
    assert "Failed to detach context" not in seen.errors

    assert len(ledger_calls(world.ledger)) == CALLS
    assert ledger_total(world.ledger) == (ROUNDS + 1) * BOTH

    # the SDK gives each signal one time-out at the end, we have two seconds; the rest is for a busy machine
    assert seen.leaving_s < 2 * EXPORT_TIMEOUT_S + 6


def test_running_totals_arrive_whole_when_the_collector_comes_back(world: World) -> None:
    """Metrics that could not be sent are in the next ones; spans that could not are gone, their money is not."""
    program = (
        PROGRAM
        + """
import pathlib
pathlib.Path("half").touch()
while not pathlib.Path("back").exists():
    time.sleep(0.02)
chat()
"""
    )
    with FaultyCollector("answers 500") as broken:
        address = broken.url
        more = {**QUICK, "OTEL_EXPORTER_OTLP_ENDPOINT": address}
        runner = threading.Thread(target=world.start, args=(program,), kwargs=more)
        runner.start()
        deadline = time.monotonic() + 60
        while not (world.folder / "half").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    with Sink(port=int(address.rpartition(":")[2])) as sink:
        (world.folder / "back").touch()
        runner.join(60)
        assert not runner.is_alive()
        chat = (Decimal(1200) * Decimal("0.15") + Decimal(300) * Decimal("0.60")) / 10**6
        total = ledger_total(world.ledger)
        assert total == (ROUNDS + 1) * BOTH + chat
        assert abs(sink.total("llm.cost") - total) < Decimal("1e-15")
        assert sink.total("llm.calls") == CALLS + 1
        assert 1 <= len(sink.priced) < CALLS

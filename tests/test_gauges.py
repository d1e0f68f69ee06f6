"""What is told beside the calls: budgets, age of the prices, what the ledger kept and dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_llmcost.call import EXACT, Call, Priced
from otel_llmcost.config import Config
from otel_llmcost.gauges import Gauges
from otel_llmcost.ledger import LedgerSettings, Recorder
from otel_llmcost.upkeep import Upkeep


@dataclass
class FixedGate:
    """Budgets with figures of the test's own."""

    refused: dict[str, int] = field(default_factory=dict)

    def amounts(self) -> list[tuple[str, int, int]]:
        return [("team", 100 * 10**15, 25 * 10**14)]


@dataclass
class Process:
    upkeep: Upkeep
    gate: FixedGate | None = None
    recorder: Recorder | None = None


class Told:
    def __init__(self, **parts: Any) -> None:
        self.process = Process(Upkeep(Config(), lambda _: None), **parts)
        self.reader = InMemoryMetricReader()
        self.gauges = Gauges(self.process)
        self.gauges.register(MeterProvider([self.reader]).get_meter("test"))

    def __call__(self, name: str) -> dict[tuple[str, ...], float]:
        """Values of the label -> value of the point."""
        data = self.reader.get_metrics_data()
        return {
            tuple(map(str, point.attributes.values())): point.value
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }


def recorder(directory: Path, cap_bytes: int = 1 << 20) -> Recorder:
    return Recorder(LedgerSettings(directory, cap_bytes=cap_bytes), directory)


def keep(recorder: Recorder, calls: int = 1) -> None:
    now = 1_700_000_000_000_000_000
    for number in range(calls):
        call = Call(key=f"k{number}", provider="openai", start_ns=now, end_ns=now + 1)
        recorder.record(call, Priced(EXACT, 1, {"input": 1}))


def test_budgets_and_what_they_refused() -> None:
    told = Told(gate=FixedGate({"team": 3}))
    assert told("llmcost.budget.limit") == {("team",): 100.0}
    assert told("llmcost.budget.spent") == {("team",): 2.5}
    assert told("llmcost.budget.refused") == {("team",): 3}


def test_a_forked_child_does_not_tell_what_its_parent_refused() -> None:
    told = Told(gate=FixedGate({"team": 3}))
    told.gauges.forked()
    assert told("llmcost.budget.refused") == {("team",): 0}
    told.process.gate = FixedGate({"team": 5})
    assert told("llmcost.budget.refused") == {("team",): 2}


def test_the_age_of_the_prices_in_force_now() -> None:
    told = Told()
    assert told("llmcost.price.age") == {}  # nothing asked for a price yet
    told.process.upkeep.opened()
    (age,) = told("llmcost.price.age").values()
    assert 0 <= age < 365 * 86_400


def test_without_a_ledger_nothing_is_said_of_its_calls() -> None:
    told = Told()
    assert told("llmcost.ledger.enabled") == {(): 0}
    assert told("llmcost.ledger.calls") == {}
    assert told("llmcost.ledger.journal.size") == {}


def test_calls_that_the_ledger_kept_and_their_journal(tmp_path: Path) -> None:
    kept = recorder(tmp_path)
    told = Told(recorder=kept)
    assert told("llmcost.ledger.enabled") == {(): 1}
    assert told("llmcost.ledger.calls") == {("kept",): 0, ("dropped",): 0}
    assert told("llmcost.ledger.journal.size") == {(): 0}
    keep(kept, 3)
    assert told("llmcost.ledger.calls") == {("kept",): 3, ("dropped",): 0}
    (size,) = told("llmcost.ledger.journal.size").values()
    assert size == sum(file.stat().st_size for file in (tmp_path / "journal").iterdir()) > 0


def test_calls_that_found_no_place(tmp_path: Path) -> None:
    full = recorder(tmp_path, cap_bytes=100)
    told = Told(recorder=full)
    keep(full, 2)
    assert told("llmcost.ledger.calls") == {("kept",): 0, ("dropped",): 2}


def test_instruments_are_made_once(tmp_path: Path) -> None:
    told = Told(gate=FixedGate())
    made = list(told.gauges.instruments)
    told.gauges.register(MeterProvider([InMemoryMetricReader()]).get_meter("again"))
    assert told.gauges.instruments == made

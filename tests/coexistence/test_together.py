"""Beside each other instrumentation, in either order: one cost for a call, counted once, their spans unharmed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .beside import ALL, CHAT, EXPECTED, REFUSED, SDKS, Beside
from .programs import Programs, Run

pytestmark = pytest.mark.matrix


@pytest.fixture(params=ALL, ids=str, scope="module")
def beside(request: pytest.FixtureRequest, programs: Programs) -> Beside:
    """Who stands beside us; without us it does emit its spans, else nothing that follows would say anything."""
    made: Beside = request.param
    emits_its_spans(programs, made)
    return made


def alone(programs: Programs, beside: Beside) -> Run:
    return programs.run(beside.calls, beside.others, "absent", beside.environment)


def emits_its_spans(programs: Programs, beside: Beside) -> None:
    run = alone(programs, beside)
    spans = [span for span in run.theirs if span.scope.startswith(beside.scope)]
    # LangChain's callbacks know nothing of embeddings
    calls = len(EXPECTED[beside.calls]) - (beside.calls == "langchain")
    assert len(spans) >= 2 * calls
    assert not run.sink.priced
    assert not run.ledger


def test_without_us_they_emit_their_spans(programs: Programs, beside: Beside) -> None:
    emits_its_spans(programs, beside)


@pytest.mark.parametrize("order", ["first", "last"])
def test_each_call_is_priced_on_one_span_and_counted_once(
    programs: Programs, beside: Beside, order: str
) -> None:
    run = programs.run(beside.calls, beside.others, order, beside.environment)
    expected = EXPECTED[beside.calls]
    costs = run.costs()
    if beside.others == ("litellm",):
        costs = {
            name: found for name, found in costs.items() if found
        }  # it writes some spans into other traces
    assert costs == {name: [expected[name]] for name in costs}
    total = 2 * sum(expected.values())
    assert len(run.sink.priced) == len(run.ledger) == 2 * len(expected)
    assert sum(Decimal(row.amount or 0) for row in run.ledger) == total * 10**15
    assert abs(Decimal(run.sink.total("llm.cost")) - total) < Decimal("1e-15")
    assert run.sink.total("llm.calls") == 2 * len(expected)


@pytest.mark.parametrize("order", ["first", "last"])
def test_their_spans_say_what_they_said_without_us(programs: Programs, beside: Beside, order: str) -> None:
    run = programs.run(beside.calls, beside.others, order, beside.environment)
    # the anthropic SDK's own spans are completed by us, on purpose
    assert run.said(beside.scope) == alone(programs, beside).said(beside.scope)


@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("metric", ["gen_ai.client.operation.duration", "gen_ai.client.token.usage"])
def test_histograms_are_recorded_once(programs: Programs, beside: Beside, order: str, metric: str) -> None:
    run = programs.run(beside.calls, beside.others, order, beside.environment)
    expected = EXPECTED[beside.calls]
    watched = [name for name in expected if (beside.calls, name) != ("litellm", "message")]
    if metric.endswith("duration"):
        assert run.recorded(metric) == 2 * len(watched)
        return
    answered = [name for name in watched if expected[name] != REFUSED]
    assert run.recorded(metric) == 2 * sum(1 if name == "embedding" else 2 for name in answered)


@pytest.mark.parametrize("beside", SDKS, ids=str)
def test_their_spans_alone_are_priced_as_exactly_as_they_tell(programs: Programs, beside: Beside) -> None:
    emits_its_spans(programs, beside)
    run = programs.run(beside.calls, beside.others, "unwatched", beside.environment)
    expected = EXPECTED[beside.calls]
    answered = [cost for cost in expected.values() if cost != REFUSED]
    assert not [span for span in run.sink.spans if span.scope == "otel_llmcost"]
    assert {name: [expected[name]] if expected[name] else [] for name in expected} == run.costs()
    assert len(run.sink.priced) == 2 * len(answered)
    assert sum(Decimal(row.amount or 0) for row in run.ledger) == 2 * sum(answered) * 10**15
    for span in run.sink.priced:
        assert span.attributes["llmcost.status"] in ("exact", "estimated")
    assert all(row.end_ns >= row.start_ns > 0 for row in run.ledger)


def test_spans_that_a_program_makes_by_hand_are_priced(programs: Programs) -> None:
    for us in ("first", "unwatched"):
        run = programs.run("manual", (), us, "instrumentations")
        assert run.costs() == {"manual": [CHAT]}
        assert len(run.sink.priced) == len(run.ledger) == 2

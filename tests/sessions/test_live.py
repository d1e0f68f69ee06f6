from __future__ import annotations

import asyncio
import io
import logging
from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.attribution import carry, current, rollups
from otel_llmcost.call import EXACT, NO_TAGS, UNPRICED, Call, Priced
from otel_llmcost.errors import PriceError
from otel_llmcost.services import Services
from otel_llmcost.sessions import SessionLog, session

MS = 10**6


RATES = {("openai", "gpt-5"): (10**10, 8 * 10**10), ("local", "llama"): (0, 0)}


class RateCard:
    """A book of two models: input and output at femto-dollars a token."""

    def price(self, call: Call) -> Priced:
        rate = RATES.get((call.provider, call.response_model))
        if rate is None:
            return Priced(UNPRICED, None, {}, ("no-price: unknown",))
        amount = call.usage.get("input", 0) * rate[0] + call.usage.get("output", 0) * rate[1]
        return Priced(EXACT, int(amount), {})


PARTS = Services(RateCard())


def settle(
    model: str = "llama", prompt: int = 100, output: int = 10, took_ms: int = 50, error: str = ""
) -> None:
    """A call as the engine settles it."""
    call = Call(
        provider="local" if model == "llama" else "openai",
        response_model=model,
        start_ns=1_000 * MS,
        end_ns=(1_000 + took_ms) * MS,
        usage={"input": prompt, "output": output},
        error_type=error,
        tags=current(),
    )
    for scope in rollups():
        scope.add(call, PARTS.book.price(call))


def test_totals_are_live_and_exact() -> None:
    with session("s1", parts=PARTS) as live:
        assert (live.calls, live.usd, live.mean_latency_s, live.latency_s(0.95)) == (0, None, None, None)
        settle("gpt-5", 1_000, 100, 100)
        assert (live.calls, live.usd) == (1, Decimal("0.018"))
        settle("gpt-5", 1, 1, 300)
        settle("unheard-of", 5, 5, 200)
        assert live.usd == Decimal("0.01809")
        assert (live.input_tokens, live.output_tokens, live.tokens) == (1_006, 106, 1_112)
        assert (live.unpriced_calls, live.is_lower_bound) == (1, True)
        assert ">= $0.018090" in live.summary()
        assert live.metrics()["cost_is_lower_bound"] is True
        assert live.mean_latency_s == pytest.approx(0.2)
        assert live.output_tokens_per_s == pytest.approx(106 / 0.6)
        assert live.status == "running"
        assert 0 <= live.seconds < 5
    assert live.status == "completed"
    assert current() is NO_TAGS


def test_percentiles_are_nearest_ranks_of_the_calls_that_succeeded() -> None:
    with session(parts=PARTS) as live:
        for took_ms in range(100, 0, -1):
            settle(took_ms=took_ms)
        settle(took_ms=9_000, error="timeout")
    assert [live.latency_s(share) for share in (0, 0.5, 0.95, 0.99, 1)] == [0.001, 0.05, 0.095, 0.099, 0.1]
    assert live.mean_latency_s == pytest.approx(0.0505)
    assert live.rollup.errors == 1


def test_calls_know_their_session_and_stage() -> None:
    with session("s1", parts=PARTS) as live:
        settle()
        with live.stage("plan"):
            assert (current().session, current().stage) == ("s1", "plan")
            settle("gpt-5", 100, 0)
        with live.stage("act"):
            settle("gpt-5", 300, 0)
            settle("gpt-5", 0, 100)
    totals = {name: (each.rollup.calls, each.usd) for name, each in live.stages.items()}
    assert totals == {
        "": (1, Decimal("0E-15")),
        "plan": (1, Decimal("0.001")),
        "act": (2, Decimal("0.011")),
    }
    assert live.record.stages.keys() == {"plan", "act"}


def test_sessions_nest_and_both_count() -> None:
    with session("outer", parts=PARTS) as outer:
        settle()
        with session("inner", parts=PARTS) as inner:
            settle()
            assert current().session == "inner"
        assert current().session == "outer"
    assert (outer.calls, inner.calls) == (2, 1)


def test_tasks_and_carried_threads_count_into_their_session() -> None:
    async def main() -> tuple[int, int]:
        async def one(name: str, calls: int) -> int:
            async with session(name, parts=PARTS) as live:
                await asyncio.gather(*(asyncio.to_thread(settle) for _ in range(calls)))
                await asyncio.get_running_loop().run_in_executor(None, carry(settle))
                await asyncio.get_running_loop().run_in_executor(None, settle)  # without `carry`: nobody's
            return live.calls

        return await asyncio.gather(one("a", 3), one("b", 5))  # type: ignore[return-value]

    assert asyncio.run(main()) == [4, 6]


def test_an_error_makes_a_failed_session_and_passes() -> None:
    with pytest.raises(KeyError), session(parts=PARTS) as live:
        raise KeyError("x")
    assert live.status == "failed"


def test_finishing_by_hand_counts_once(tmp_path: Path) -> None:
    live = session("build-7", task="build", parts=PARTS).start()
    live.finish("failed")
    live.finish("completed")
    assert live.status == "failed"
    with pytest.raises(ValueError, match="allowed: running, completed, failed"):
        live.finish("done")
    assert current() is NO_TAGS


def test_phases_are_tagged_stages_and_kept(tmp_path: Path) -> None:
    log = SessionLog(tmp_path)
    parts = Services(RateCard(), keep_session=log.keep)
    with session(
        "b1", {"commit": "abc"}, task="build", mode="fast", directory=tmp_path, parts=parts
    ) as build:
        with build.phase(1):
            assert current().own["phase"] == "1"
            settle()
        with build.phase(2, "review"):
            settle()
        assert [record.status for record in log.records()] == ["running"]
    (record,) = log.records()
    assert (record.id, record.task, record.mode, record.phase) == ("b1", "build", "fast", 2)
    assert (record.status, record.directory, record.metadata) == (
        "completed",
        str(tmp_path),
        {"commit": "abc"},
    )
    assert record.stages.keys() == {"phase 1", "review"}
    assert record.started_ns <= record.ended_ns


def test_the_comparison_is_priced_call_by_call() -> None:
    with session(against="gpt-5", parts=PARTS) as live:
        settle("llama", 1_000, 100)
        settle("gpt-5", 500, 0)
    assert live.savings is not None
    assert (live.savings.paid, live.savings.would_cost) == (5 * 10**12, 18 * 10**12 + 5 * 10**12)
    assert live.savings.saved_usd == Decimal("0.018")
    with pytest.raises(PriceError, match="no price for model 'gpt-99'"):
        session(against="gpt-99", parts=PARTS).start()


def test_one_line_at_the_end_where_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    with session("s1", task="build", against="gpt-5", summary=stream, parts=PARTS) as live:
        with live.stage("plan"):
            settle("llama", 1_000, 100)
        settle("unheard-of", 5, 5)
    line = stream.getvalue()
    assert line.startswith(
        "session s1 (build) completed, 0.0 s, 2 calls, 1,005 in + 105 out tokens, >= $0.000000, "
    )
    assert "1 unpriced, saved $0.018000 against openai/gpt-5 [plan: 0.0 s, 1,100 tokens, $0.000000]" in line
    assert line.count("\n") == 1
    with caplog.at_level(logging.INFO), session("s2", summary=True, parts=PARTS):
        pass
    assert [record.getMessage() for record in caplog.records] == [
        "session s2 completed, 0.0 s, 0 calls, 0 in + 0 out tokens, cost unknown"
    ]


def test_a_closed_stream_fails_nobody() -> None:
    stream = io.StringIO()
    stream.close()
    with session(summary=stream, parts=PARTS) as live:
        settle()
    assert live.status == "completed"


def test_metrics_are_plain_values() -> None:
    with session("s1", {"a": 1}, parts=PARTS) as live, live.stage("plan"):
        settle("gpt-5", 1_000, 100, 100)
    metrics = live.metrics()
    assert metrics["cost_usd"] == "0.018"
    assert (metrics["calls"], metrics["p95_latency_s"], metrics["against"]) == (1, 0.1, None)
    assert metrics["metadata"] == {"a": "1"}
    (plan,) = metrics["stages"]  # type: ignore[misc]
    assert (plan["stage"], plan["cost_usd"], plan["calls"]) == ("plan", "0.018", 1)  # type: ignore[index]


def test_sessions_without_an_id_get_their_own() -> None:
    assert session(parts=PARTS).id != session(parts=PARTS).id


def test_a_call_that_is_settled_in_the_middle_of_another_waits_for_nothing() -> None:
    """As the garbage collector settles an abandoned stream while a call is compared with another model."""
    between: list[str] = []

    class Interrupted:
        def price(self, call: Call) -> Priced:
            if not between and call.provider == "openai" and call.usage.get("input") == 1_000:
                between.append("settled")
                settle("gpt-5", 5, 5)
            return PARTS.book.price(call)

    with session("s1", against="gpt-5", parts=Services(Interrupted())) as live:
        settle("llama", 1_000, 100)
    assert between == ["settled"]
    assert (live.calls, live.input_tokens) == (2, 1_005)

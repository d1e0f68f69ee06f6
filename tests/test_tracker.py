"""Amounts by hand: gpt-5 $1.25 / $10, Claude Sonnet 4.5 $3 / read $0.30 / $15 per million tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from opentelemetry import baggage, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_llmcost import costs
from otel_llmcost.attribution import track_source
from otel_llmcost.call import Call
from otel_llmcost.errors import UsageError
from otel_llmcost.ledger import LedgerSettings, open_recorder
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.metrics import Counters
from otel_llmcost.money import femto
from otel_llmcost.prices import Book, load_book
from otel_llmcost.services import Services
from otel_llmcost.sessions import session
from otel_llmcost.settle import Settler
from otel_llmcost.tracker import CostTracker
from otel_llmcost.usage import register_usage_reader
from otel_llmcost.usage.bodies import registry
from otel_llmcost.watch import guard

AT = datetime(2026, 11, 20, tzinfo=UTC)
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1000, "cache_read_input_tokens": 8000, "output_tokens": 100},
}


@dataclass
class House:
    """The real parts around a tracker: prices, settling, counters, ledger, spans."""

    parts: Services
    settler: Settler
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    ledger: Path

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def counted(self, metric: str) -> Decimal:
        """The sum of a counter over all labels, each value as the decimal number that it prints."""
        data = self.reader.get_metrics_data()
        points = [
            point
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for each in scope.metrics
            if each.name == metric
            for point in each.data.data_points
        ]
        values = [Decimal(str(point.value)) for point in points if isinstance(point, NumberDataPoint)]
        return sum(values, Decimal(0))

    def rows(self) -> list[LedgerRow]:
        recorder = self.settler.recorder
        recorder.close(5)  # type: ignore[union-attr]
        with Ledger(self.ledger) as ledger:
            return list(ledger.rows())


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book()


@pytest.fixture
def house(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", lambda *a, **k: provider.get_tracer(*a, **k))
    meters = MeterProvider([reader])
    counters = Counters(("source",), "off", False)
    counters.register(meters.get_meter("otel_llmcost"))
    settler = Settler(book, counters, open_recorder(LedgerSettings(tmp_path)))
    yield House(Services(book, settler), settler, exporter, reader, tmp_path)
    meters.shutdown()


def test_a_call_by_hand_becomes_span_counter_and_ledger_row(house: House) -> None:
    tracker = CostTracker(house.parts)
    with track_source("cron"):
        tracked = tracker.record("openai", "gpt-5", 1_000, 100, latency_s=1.5, context={"team": "search"})
    assert (tracked.usd, tracked.priced.status, tracked.counted) == (Decimal("0.00225"), "exact", True)
    (span,) = house.spans()
    attributes = dict(span.attributes or {})
    assert (span.name, span.kind) == ("chat gpt-5", trace.SpanKind.CLIENT)
    assert attributes["gen_ai.usage.cost"] == 0.00225
    assert attributes["gen_ai.usage.input_tokens"] == 1_000
    assert (attributes["llmcost.source"], attributes["llmcost.team"]) == ("cron", "search")
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == 1_500_000_000
    assert house.counted("llm.cost") == Decimal("0.00225")
    assert house.counted("llm.calls") == 1
    (row,) = house.rows()
    assert (row.amount, row.tags.source, row.tags.team) == (femto("0.00225"), "cron", "search")
    assert span.context is not None
    assert row.key == f"otel:{span.context.trace_id:032x}:{span.context.span_id:016x}"


@pytest.mark.parametrize("response", [CHAT, ChatCompletion.model_validate(CHAT)], ids=["json", "object"])
def test_a_response_is_read_and_priced(house: House, response: object) -> None:
    tracker = CostTracker(house.parts)
    tracked = tracker.update(provider="openai", model="gpt-5", api="chat.completions", response=response)
    assert tracked.usd == Decimal("0.00225")
    assert (tracked.call.response_id, tracked.call.finish_reasons) == ("chatcmpl-1", ("stop",))
    assert house.counted("llm.cost") == Decimal("0.00225")


def test_totals_by_provider_and_model(house: House) -> None:
    tracker = CostTracker(house.parts)
    tracker.update(provider="openai", response=CHAT)
    tracker.update(provider="anthropic", response=MESSAGE)
    tracker.record("openai", "gpt-5", 1_000, 100)
    tracker.record("openai", "gpt-99", 7, 7)
    # .003 + 8,000 x $0.30/M + .0015
    found = {key: (total.calls, total.usd, total.unpriced_calls) for key, total in tracker.summary().items()}
    assert found == {
        ("openai", "gpt-5"): (2, Decimal("0.0045"), 0),
        ("anthropic", "claude-sonnet-4-5"): (1, Decimal("0.0069"), 0),
        ("openai", "gpt-99"): (1, None, 1),
    }
    assert tracker.usd == Decimal("0.0114")
    assert tracker.summary()["anthropic", "claude-sonnet-4-5"].input_tokens == 9_000
    assert [each.model for each in tracker] == ["gpt-5", "claude-sonnet-4-5", "gpt-5", "gpt-99"]
    tracker.reset()
    assert (tracker.summary(), tracker.calls, tracker.usd) == ({}, [], None)
    assert house.counted("llm.calls") == 4


def test_a_given_cost_goes_before_the_book(house: House) -> None:
    tracker = CostTracker(house.parts)
    tracked = tracker.record("acme", "own-model", 1_000, 100, cost="0.0042")
    assert (tracked.usd, tracked.priced.status) == (Decimal("0.0042"), "reported")
    assert tracker.record("acme", "own-model", cost=0.1).usd == Decimal("0.1")
    assert tracker.record("acme", "own-model", 5).usd is None


@pytest.mark.parametrize("cost", ["much", "NaN", "Infinity", -1, Decimal("-0.1")])
def test_a_cost_that_is_no_amount_is_refused(house: House, cost: object) -> None:
    with pytest.raises(UsageError, match="is no amount in USD; allowed: 0 or more"):
        CostTracker(house.parts).record("acme", "own", cost=cost)  # type: ignore[arg-type]
    assert house.spans() == ()


def test_a_resolver_may_answer_or_leave_it_to_the_book(house: House) -> None:
    def resolve(call: Call) -> Decimal | None:
        return Decimal("0.5") if call.request_model == "special" else None

    tracker = CostTracker(house.parts)
    special = tracker.update(provider="openai", model="special", response=CHAT, price_resolver=resolve)
    plain = tracker.update(
        provider="openai", model="gpt-5", response={**CHAT, "id": "2"}, price_resolver=resolve
    )
    assert (special.usd, plain.usd) == (Decimal("0.5"), Decimal("0.00225"))


def test_what_the_request_is_priced_by(house: House) -> None:
    spoken = CostTracker(house.parts).update(
        provider="openai", model="tts-1", api="audio.speech", response=b"RIFF", request={"input": "x" * 1_000}
    )
    # 1,000 characters at $15 per million
    assert (spoken.usd, spoken.call.operation) == (Decimal("0.015"), "speech")


def test_a_shape_that_nobody_knows_is_read_by_the_user_s_own_reader(house: House) -> None:
    def read(body: object) -> dict[str, int]:
        assert isinstance(body, dict)
        return {"input": body["tokens"]["in"], "output": body["tokens"]["out"]}

    register_usage_reader("acme", read)
    try:
        tracked = CostTracker(house.parts).update(
            provider="acme",
            model="own",
            response={"tokens": {"in": 7, "out": 3}},
            price_resolver=lambda call: Decimal("0.001") * int(call.usage["input"]),
        )
    finally:
        registry.pop("acme")
    assert (tracked.usd, tracked.call.usage) == (Decimal("0.007"), {"input": 7, "output": 3})


@pytest.mark.parametrize("response", [None, {}, "text", {"usage": {"prompt_tokens": -5}}, object()])
def test_what_nobody_can_read_is_unpriced_with_a_reason(house: House, response: object) -> None:
    tracked = CostTracker(house.parts).update(provider="openai", model="gpt-5", response=response)
    assert tracked.usd is None
    assert tracked.priced.reasons
    assert house.counted("llm.calls") == 1


def test_a_response_that_a_watched_call_had_is_not_counted_again(house: House) -> None:
    house.settler._answers.insert("chatcmpl-1")
    tracked = CostTracker(house.parts).update(provider="openai", response=CHAT)
    assert (tracked.usd, tracked.counted) == (Decimal("0.00225"), False)
    assert house.spans() == ()
    assert house.counted("llm.calls") == 0


def test_errors_and_operations_by_hand(house: House) -> None:
    tracker = CostTracker(house.parts)
    tracker.record("openai", "text-embedding-3-small", 1_000, operation="embeddings")
    tracker.record("openai", "gpt-5", error_type="openai.RateLimitError")
    embeddings, failed = house.spans()
    assert embeddings.name == "embeddings text-embedding-3-small"
    assert dict(failed.attributes or {})["error.type"] == "openai.RateLimitError"
    assert "gen_ai.usage.cost" not in (failed.attributes or {})
    assert failed.status.status_code is trace.StatusCode.ERROR


def test_a_call_of_the_past_has_the_price_of_its_day(house: House) -> None:
    tracked = CostTracker(house.parts).record("openai", "gpt-5", 1_000, latency_s=2, at=AT)
    assert tracked.call.start_ns == 1_795_132_800 * 10**9
    assert tracked.call.end_ns - tracked.call.start_ns == 2 * 10**9


def test_a_session_around_counts_it_once(house: House) -> None:
    with session(parts=house.parts) as live:
        CostTracker(house.parts).record("openai", "gpt-5", 1_000, 100)
    assert (live.calls, live.usd) == (1, Decimal("0.00225"))


def test_a_context_is_the_parent(house: House) -> None:
    provider = TracerProvider()
    parent = provider.get_tracer("t").start_span("request")
    context = trace.set_span_in_context(parent, baggage.set_baggage("team", "x"))
    CostTracker(house.parts).record("openai", "gpt-5", 1, context=context)
    (span,) = house.spans()
    assert span.parent is not None
    assert span.parent.span_id == parent.get_span_context().span_id


def test_without_a_tracer_provider_every_call_still_has_a_key_of_its_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "get_tracer", lambda *a, **k: trace.NoOpTracer())
    tracker = CostTracker(house.parts)
    around = TracerProvider().get_tracer("t").start_span("request")
    with trace.use_span(around):
        tracker.record("openai", "gpt-5", 1_000)
        tracker.record("openai", "gpt-5", 1_000)
    assert len({row.key for row in house.rows()}) == 2


def test_without_anything_started_it_still_prices(book: Book) -> None:
    tracker = CostTracker(Services(book))
    with session(parts=Services(book)) as live:
        assert tracker.record("openai", "gpt-5", 1_000, 100).usd == Decimal("0.00225")
    assert live.usd == Decimal("0.00225")


def test_only_the_newest_calls_are_kept_and_all_are_in_the_totals(book: Book) -> None:
    tracker = CostTracker(Services(book), kept=3)
    for tokens in range(1, 6):
        tracker.record("openai", "gpt-5", tokens)
    assert [each.call.usage["input"] for each in tracker.calls] == [3, 4, 5]
    assert tracker.total.input_tokens == 15


@pytest.mark.parametrize("name", ["gemini", "Google", "gcp.gemini"])
def test_a_reader_is_found_by_any_spelling_of_its_provider(house: House, name: str) -> None:
    costs.register_usage_reader(name, lambda body: {"input": body["in"], "output": 20})
    try:
        tracker = CostTracker(house.parts)
        tracked = [
            tracker.update(provider=spelling, model="gemini-2.5-flash", response={"in": 100})
            for spelling in ("gemini", "gcp.gemini")
        ]
    finally:
        registry.clear()
    # gemini-2.5-flash: $0.30 and $2.50 a million
    assert [one.usd for one in tracked] == [Decimal("0.00008"), Decimal("0.00008")]


def test_a_reader_or_resolver_that_fails_costs_the_program_nothing(house: House) -> None:
    costs.register_usage_reader("odd", lambda body: body["nothing"])
    try:
        tracked = CostTracker(house.parts).update(provider="odd", model="m", response={})
    finally:
        registry.clear()
    assert tracked.usd is None
    assert "the registered reader failed" in tracked.priced.reasons[0]
    failing = CostTracker(house.parts).update(
        provider="openai", response=CHAT, price_resolver=lambda call: Decimal(1) / 0
    )
    assert failing.usd == Decimal("0.00225")


def test_a_call_that_the_program_calls_free_is_free(house: House) -> None:
    tracked = CostTracker(house.parts).record("openai", "gpt-5", 1000, 100, cost=0)
    assert (tracked.usd, tracked.priced.status) == (0, "reported")


@pytest.mark.parametrize("answer", ["abc", Decimal("NaN"), -1, float("inf"), object()])
def test_a_resolver_that_answers_no_amount_leaves_it_to_the_book(
    house: House, answer: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "_seen", guard._Seen())  # each kind of failure is logged once in a process
    tracked = CostTracker(house.parts).update(
        provider="openai",
        response=CHAT,
        price_resolver=lambda call: answer,  # type: ignore[arg-type, return-value]
    )
    assert (tracked.usd, tracked.priced.status) == (Decimal("0.00225"), "exact")
    assert "price_resolver failed (UsageError: cost " in caplog.text


@pytest.mark.parametrize("answer", [5, {"inptu": 5}, {"input": "many"}, {"input": -1}, {5: 5}, None])
def test_a_reader_that_answers_no_usage_costs_the_program_nothing(house: House, answer: object) -> None:
    costs.register_usage_reader("odd", lambda body: answer)  # type: ignore[arg-type, return-value]
    try:
        tracked = CostTracker(house.parts).update(provider="odd", model="m", response={})
    finally:
        registry.clear()
    assert tracked.usd is None
    assert tracked.priced.reasons


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"at": "yesterday"}, "at is 'yesterday'; allowed: a datetime, such as datetime.now(UTC)"),
        ({"context": 5}, 'context is 5; allowed: a mapping, such as {"team": "search"}'),
        ({"input_tokens": "1000"}, "input_tokens is '1000'; allowed: a whole number, such as 1000"),
        ({"latency_s": "soon"}, "latency_s is 'soon'; allowed: seconds, such as 2.1"),
        ({"cost": "abc"}, "cost 'abc' is no amount in USD; allowed: 0 or more, as Decimal, int or text"),
        ({"operation": None}, "operation is None; allowed: text, such as 'chat'"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_counted(
    house: House, arguments: dict[str, Any], message: str
) -> None:
    tracker = CostTracker(house.parts)
    with pytest.raises(UsageError, match=re.escape(message)):
        tracker.record("openai", "gpt-5", **arguments)
    assert (tracker.calls, house.spans()) == ([], ())


@pytest.mark.parametrize("name", ["provider", "model", "api", "request", "context", "latency_s"])
def test_a_wrong_argument_beside_a_response_is_named(house: House, name: str) -> None:
    tracker = CostTracker(house.parts)
    given: dict[str, Any] = {
        "provider": "openai",
        "response": CHAT,
        name: {5} if name != "latency_s" else "x",
    }
    with pytest.raises(UsageError, match=f"^{name} is "):
        tracker.update(**given)
    assert (tracker.calls, house.spans()) == ([], ())


def test_a_call_of_which_a_part_is_known_has_no_cost_that_looks_exact(house: House) -> None:
    tracked = CostTracker(house.parts).record("openai", "gpt-5", 1000, 100, usage={"image": 1}, at=AT)
    assert (tracked.usd, tracked.priced.status) == (None, "partial")
    assert tracked.priced.amount == femto(Decimal("0.00225"))
    whole = CostTracker(house.parts).record("openai", "gpt-5", 1000.0, 100.0, at=AT)  # type: ignore[arg-type]
    assert (whole.usd, whole.priced.status) == (Decimal("0.00225"), "exact")


def test_a_call_of_long_ago_that_the_ledger_will_not_keep_is_told_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.parts.retention_days = 90
    tracker = CostTracker(house.parts)
    tracker.record("openai", "gpt-5", 1000, at=datetime.now(UTC) - timedelta(days=89))
    assert caplog.messages == []
    for at in (datetime(1, 1, 1, tzinfo=UTC), datetime.now(UTC) - timedelta(days=240)):
        tracker.record("openai", "gpt-5", 1000, at=at)
    [line] = caplog.messages
    assert "the ledger keeps calls for 90 days" in line
    assert "OTEL_LLMCOST_RETENTION_DAYS=0" in line

"""The counters: exact sums, bounded labels, one row a label set, nothing of a parent in a forked child."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from otel_llmcost.accumulators import ERRORS_KEPT, MODELS_KEPT, PROVIDERS_KEPT, TIERS_KEPT
from otel_llmcost.call import EXACT, UNPRICED, Call, Priced, Tags
from otel_llmcost.metrics import Counters
from otel_llmcost.neighbours import BOTH


class Meters:
    def __init__(self, *tags: str, histograms: str = "auto", new_names: bool = False) -> None:
        self.reader = InMemoryMetricReader()
        self.counters = Counters(tags or ("source",), histograms, new_names)
        self.counters.register(MeterProvider([self.reader]).get_meter("test"))

    def points(self, name: str = "") -> list[Any]:
        """The points of a metric, or of all of them; empties what waits, and the exemplars."""
        found = self.by_name()
        return found.get(name, []) if name else [point for points in found.values() for point in points]

    def by_name(self) -> dict[str, list[Any]]:
        """One collection: metric -> its points."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def call(model: str = "gpt-5", **more: Any) -> Call:
    now = 1_700_000_000_000_000_000
    return Call(
        key="k",
        provider="openai",
        request_model=model,
        response_model=model,
        start_ns=now,
        end_ns=now + 2_000_000_000,
        usage={"input": 10, "output": 3},
        **more,
    )


def priced(amount: int, status: str = EXACT, savings: int = 0) -> Priced:
    return Priced(status, amount, {"input": amount} if amount else {}, savings=savings)


def test_ten_thousand_dimes_do_not_drift() -> None:
    meters = Meters()
    for _ in range(10_000):
        meters.counters.add(call(), priced(100_000_000_000_001), None, False)
    (point,) = meters.points("llm.cost")
    assert point.value == 1000.00000000001


def test_points_of_one_label_set_are_one() -> None:
    meters = Meters()
    meters.counters.add(call(), priced(5), None, False)
    meters.counters.add(call(error_type="APIError"), priced(7), None, False)
    (point,) = meters.points("llm.cost")
    assert point.value == 12e-15
    assert sorted(point.attributes.get("error.type", "") for point in meters.points("llm.calls")) == [
        "",
        "APIError",
    ]


def test_an_unpriced_call_counts_and_costs_nothing() -> None:
    meters = Meters()
    meters.counters.add(call(), Priced(UNPRICED, None, {}, ("no-price: x",)), None, False)
    assert meters.points("llm.cost") == []
    (point,) = meters.points("llm.calls")
    assert (point.value, point.attributes["llmcost.status"]) == (1, "unpriced")


def test_savings_may_be_negative() -> None:
    meters = Meters()
    meters.counters.add(call(), priced(1, savings=-3 * 10**15), None, False)
    (point,) = meters.points("llm.cache.savings")
    assert point.value == -3.0


def test_models_and_tag_values_are_bounded() -> None:
    meters = Meters("source", "own")
    for number in range(MODELS_KEPT + 50):
        tags = Tags(source=f"s{number}", own={"own": f"o{number}"})
        meters.counters.add(call(f"m{number}", tags=tags), priced(1), None, False)
    points = meters.points("llm.calls")
    assert len(points) == MODELS_KEPT + 1
    assert {"other"} < {point.attributes["gen_ai.request.model"] for point in points}
    assert "other" in {point.attributes["llmcost.tag.own"] for point in points}


@pytest.mark.parametrize(
    ("field", "label", "most"),
    [("provider", "gen_ai.provider.name", PROVIDERS_KEPT), ("tier", "llmcost.service_tier", TIERS_KEPT)],
)
def test_words_that_others_made_up_are_bounded(field: str, label: str, most: int) -> None:
    meters = Meters()
    for number in range(most + 50):
        meters.counters.add(dataclasses.replace(call(), **{field: f"w{number}"}), priced(1), None, False)
    points = meters.points("llm.calls")
    assert len(points) == most + 1
    assert sum(point.value for point in points if point.attributes[label] == "other") == 50


@pytest.mark.parametrize("tag", ["user", "conversation", "session"])
def test_people_and_conversations_never_become_labels(tag: str) -> None:
    meters = Meters(tag)
    tags = Tags(user="u", conversation="c", session="s")
    meters.counters.add(call(tags=tags), priced(1), None, False)
    (point,) = meters.points("llm.calls")
    assert set(point.attributes.values()) == {"chat", "openai", "gpt-5", "exact"}


def test_a_forked_child_starts_at_zero() -> None:
    meters = Meters()
    meters.counters.add(call(), priced(5), None, BOTH)
    meters.counters.forked()
    assert meters.points("llm.cost") == []
    assert meters.points("gen_ai.client.operation.duration") == []


def test_exemplars_point_at_the_calls_own_span() -> None:
    import time

    meters = Meters()
    span = SpanContext(1234, 5678, False, TraceFlags(TraceFlags.SAMPLED))
    fresh = call()
    fresh.end_ns = time.time_ns()
    fresh.start_ns = fresh.end_ns - 10**9
    meters.counters.add(fresh, priced(5), span, BOTH)
    found = meters.by_name()
    for name in ("llm.cost", "llm.calls", "llm.tokens", "gen_ai.client.operation.duration"):
        exemplars = [exemplar for point in found[name] for exemplar in point.exemplars]
        assert {(each.trace_id, each.span_id) for each in exemplars} == {(1234, 5678)}, name


def test_a_bucket_shows_its_newest_call() -> None:
    meters = Meters()
    for number, seconds in enumerate([0.33, 0.4, 5.0, 0.5], 1):
        one = call()
        one.end_ns = one.start_ns + round(seconds * 1e9)
        span = SpanContext(7, number, False, TraceFlags(TraceFlags.SAMPLED))
        meters.counters.add(one, priced(1), span, BOTH)
    (point,) = meters.points("gen_ai.client.operation.duration")
    assert point.count == 4
    assert {each.span_id: each.value for each in point.exemplars} == {3: 5.0, 4: 0.5}


def test_a_call_without_a_span_does_not_borrow_the_collectors() -> None:
    meters = Meters()
    meters.counters.add(call(), priced(5), None, BOTH)
    around = NonRecordingSpan(SpanContext(7, 9, False, TraceFlags(TraceFlags.SAMPLED)))
    with use_span(around):
        points = meters.points()
    assert len(points) >= 5
    assert [exemplar for point in points for exemplar in point.exemplars] == []


def test_one_value_that_the_sdk_refuses_leaves_the_others() -> None:
    meters = Meters()
    odd = call()
    odd.usage = {"input": "many"}  # type: ignore[dict-item]
    for one in (call(), odd, call()):
        meters.counters.add(one, priced(1), None, BOTH)
    assert [point.value for point in meters.points("llm.calls")] == [3]
    (point,) = _again(meters, "gen_ai.client.operation.duration")
    assert point.count == 2


def test_histograms_in_both_generations() -> None:
    old, new, off = Meters(), Meters(new_names=True), Meters(histograms="off")
    for meters in (old, new, off):
        meters.counters.add(call(), priced(1), None, BOTH)
    (duration,) = old.points("gen_ai.client.operation.duration")
    assert (duration.sum, duration.count) == (2.0, 1)
    sizes = {
        point.attributes["gen_ai.token.type"]: point.sum for point in _again(old, "gen_ai.client.token.usage")
    }
    assert sizes == {"input": 10, "output": 3}
    (fresh,) = new.points("gen_ai.client.inference.duration")
    assert fresh.sum == 2.0
    assert off.points("gen_ai.client.operation.duration") == []


def _again(meters: Meters, name: str) -> list[Any]:
    meters.counters.add(call(), priced(1), None, False)
    return meters.points(name)


def test_when_nobody_collects_the_queue_stays_bounded_and_loses_nothing() -> None:
    meters = Meters()
    for _ in range(6000):
        meters.counters.add(call(), priced(1), None, BOTH)
    (point,) = meters.points("gen_ai.client.operation.duration")
    assert point.count == 6000


def test_retries_are_attempts_beyond_the_first() -> None:
    meters = Meters()
    for attempts in (1, 3, 2):
        meters.counters.add(call(attempts=attempts), priced(1), None, False)
    meters.counters.add(call("gpt-4.1", attempts=1), priced(1), None, False)
    meters.counters.add(call(attempts=3, error_type="RateLimitError"), priced(0), None, False)
    found = {
        (point.attributes["gen_ai.response.model"], point.attributes.get("error.type")): point.value
        for point in meters.points("llmcost.retries")
    }
    assert found == {("gpt-5", None): 3, ("gpt-5", "RateLimitError"): 2}


def test_a_call_that_is_settled_while_others_are_counted_waits_for_nothing() -> None:
    meters = Meters()
    settled: list[Call] = []

    class Model(str):
        """Where the garbage collector may settle an abandoned stream: in the middle of a sum."""

        def __hash__(self) -> int:
            if len(settled) < 500:
                settled.append(call())
                meters.counters.add(settled[-1], priced(1), None, 0)
            return super().__hash__()

    for _ in range(1100):  # nobody collects: beyond a queue of 1024 each call counts two of it
        meters.counters.add(call(Model("gpt-5")), priced(1), None, 0)
    assert settled
    assert sum(point.value for point in meters.points("llm.calls")) == 1100 + len(settled)


def test_what_providers_call_their_errors_is_bounded() -> None:
    meters = Meters()
    for number in range(ERRORS_KEPT + 50):
        meters.counters.add(call(error_type=f"req_{number}"), priced(0), None, BOTH)
    points = meters.points()
    told = [point.attributes["error.type"] for point in points if "error.type" in point.attributes]
    assert len(set(told)) == ERRORS_KEPT + 1
    assert max(map(told.count, told)) == 2  # of `llm.calls` and of the durations
    [rest] = [p for p in points if p.attributes.get("error.type") == "other" and hasattr(p, "value")]
    assert rest.value == 50

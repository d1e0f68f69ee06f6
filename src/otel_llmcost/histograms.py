"""The conventions' histograms of durations and tokens, recorded in batches when metrics are collected.

A record is the dearest thing that the SDK does for a call, and an exemplar is a sixth of it. A bucket keeps its newest
exemplar alone, so only the newest call of each bucket of a batch brings its span along.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context, set_value
from opentelemetry.metrics import Meter
from opentelemetry.trace import NonRecordingSpan, SpanContext

from . import semconv
from .call import Call
from .neighbours import DURATION, TOKENS
from .usage.meters import OUTPUT_METERS, PROMPT_METERS, total
from .watch.guard import guarded

DURATION_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BOUNDS = tuple(float(4**power) for power in range(14))

NO_SPAN = set_value("otel_llmcost_no_span", True, Context())
"""A context without a span. Not an empty one: the SDK takes that for "the current one", which is the collector's."""

Attributes = dict[str, Any]


class Finished(NamedTuple):
    """A counted call. `attributes` are its labels, `span` is its own where that is sampled."""

    call: Call
    attributes: Attributes
    span: SpanContext | None
    histograms: int
    """Which of them are ours to record (flags of `neighbours`)."""


class Value(NamedTuple):
    """One value of one instrument, and the bucket that it falls into."""

    instrument: Any
    amount: float
    attributes: Attributes
    bucket: tuple[object, ...]
    span: SpanContext | None


class Histograms:
    """The instruments of a process, under the names that are in use or, with `new_names`, the ones to come."""

    def __init__(self, meter: Meter, new_names: bool) -> None:
        self._new_names = new_names
        made = meter.create_histogram
        self._duration = made(
            semconv.M_NEW_DURATION if new_names else semconv.M_DURATION,
            unit="s",
            description="Duration of LLM calls",
            explicit_bucket_boundaries_advisory=DURATION_BOUNDS,
        )
        names = (semconv.M_NEW_INPUT, semconv.M_NEW_OUTPUT) if new_names else (semconv.M_TOKEN_USAGE,)
        sizes = [
            made(
                name,
                unit="{token}",
                description="Tokens of LLM calls",
                explicit_bucket_boundaries_advisory=TOKEN_BOUNDS,
            )
            for name in names
        ]
        self._sent, self._received = sizes[0], sizes[-1]
        self.instruments = [self._duration, *sizes]

    def record(self, batch: Iterable[Finished]) -> None:
        """Record the calls of a batch, the oldest first."""
        values: list[Value] = []
        for finished in batch:
            values.extend(guarded(self._values, finished) or ())
        newest = {value.bucket: number for number, value in enumerate(values)}
        for number, value in enumerate(values):
            context = NO_SPAN
            if value.span is not None and newest[value.bucket] == number:
                context = context_of(value.span)
            guarded(value.instrument.record, value.amount, value.attributes, context)

    def _values(self, finished: Finished) -> list[Value]:
        return [*self._durations(finished), *self._sizes(finished)]

    def _durations(self, finished: Finished) -> Iterator[Value]:
        if finished.histograms & DURATION:
            call, attributes = finished.call, finished.attributes
            if call.error_type:
                attributes = {**attributes, semconv.ERROR_TYPE: call.error_type}
            seconds = max((call.end_ns - call.start_ns) / 1e9, 0.0)
            yield _value(self._duration, seconds, attributes, DURATION_BOUNDS, finished.span)

    def _sizes(self, finished: Finished) -> Iterator[Value]:
        if not finished.histograms & TOKENS:
            return
        usage, attributes = finished.call.usage, finished.attributes
        for instrument, kind, meters in (
            (self._sent, "input", PROMPT_METERS),
            (self._received, "output", OUTPUT_METERS),
        ):
            size = total(usage, meters)
            if self._new_names:
                yield _value(instrument, size, attributes, TOKEN_BOUNDS, finished.span)
            elif size:
                said = {**attributes, semconv.L_TOKEN_TYPE: kind}
                yield _value(instrument, size, said, TOKEN_BOUNDS, finished.span)


def _value(
    instrument: Any,
    amount: float,
    attributes: Attributes,
    bounds: tuple[float, ...],
    span: SpanContext | None,
) -> Value:
    bucket = (id(instrument), bisect_left(bounds, amount), *attributes.values())
    return Value(instrument, amount, attributes, bucket, span)


def context_of(span: SpanContext) -> Context:
    """A context in which a value is measured: its exemplar points at this span."""
    return trace.set_span_in_context(NonRecordingSpan(span), Context())

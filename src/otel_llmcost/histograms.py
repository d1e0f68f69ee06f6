"""The conventions' histograms of durations and tokens, recorded in batches when metrics are collected.

A record is the dearest thing that the SDK does for a call, and an exemplar is a sixth of it. A bucket keeps its newest
exemplar alone, so only the newest call of each bucket of a batch brings its span along.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context, set_value
from opentelemetry.metrics import Meter
from opentelemetry.trace import NonRecordingSpan, SpanContext

from . import semconv
from .call import Call
from .meters import OUTPUT_METERS, PROMPT_METERS, total
from .neighbours import DURATION, TOKENS
from .watch.guard import guarded

DURATION_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BOUNDS = tuple(float(4**power) for power in range(14))

NO_SPAN = set_value("otel_llmcost_no_span", True, Context())
"""A context without a span. Not an empty one: the SDK takes that for "the current one", which is the collector's."""

Attributes = dict[str, Any]


class Finished(NamedTuple):
    """A counted call. `labels` are those that it counts under, `span` is its own where that is sampled."""

    call: Call
    labels: LabelSet
    error: str
    span: SpanContext | None
    histograms: int
    """Which of them are ours to record (flags of `neighbours`)."""


class LabelSet:
    """The attributes of calls with the same labels, made once for all of a batch."""

    __slots__ = ("attributes", "key", "received", "sent")

    def __init__(self, key: tuple[str, ...], attributes: Attributes) -> None:
        self.key, self.attributes = key, attributes
        self.sent = {**attributes, semconv.L_TOKEN_TYPE: "input"}
        self.received = {**attributes, semconv.L_TOKEN_TYPE: "output"}


Value = tuple[Any, float, Attributes, tuple[object, ...], SpanContext | None]
"""One value: its instrument, amount, attributes, the bucket that it falls into, and the call's span."""


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
            guarded(self._add, finished, values)
        newest = {value[3]: number for number, value in enumerate(values)}
        for number, (instrument, amount, attributes, bucket, span) in enumerate(values):
            context = NO_SPAN
            if span is not None and newest[bucket] == number:
                context = context_of(span)
            guarded(instrument.record, amount, attributes, context)

    def _add(self, finished: Finished, values: list[Value]) -> None:
        call, labels, error, span, histograms = finished
        if histograms & DURATION:
            attributes = labels.attributes
            if error:
                attributes = {**attributes, semconv.ERROR_TYPE: error}
            seconds = max((call.end_ns - call.start_ns) / 1e9, 0.0)
            bucket = ("duration", labels.key, error, bisect_left(DURATION_BOUNDS, seconds))
            values.append((self._duration, seconds, attributes, bucket, span))
        if histograms & TOKENS:
            sent, received = total(call.usage, PROMPT_METERS), total(call.usage, OUTPUT_METERS)
            bare = self._new_names  # then the instrument's name says which, and nothing is a value, too
            if sent or bare:
                bucket = ("input", labels.key, "", bisect_left(TOKEN_BOUNDS, sent))
                values.append((self._sent, sent, labels.attributes if bare else labels.sent, bucket, span))
            if received or bare:
                bucket = ("output", labels.key, "", bisect_left(TOKEN_BOUNDS, received))
                said = labels.attributes if bare else labels.received
                values.append((self._received, received, said, bucket, span))


def context_of(span: SpanContext) -> Context:
    """A context in which a value is measured: its exemplar points at this span."""
    return trace.set_span_in_context(NonRecordingSpan(span), Context())

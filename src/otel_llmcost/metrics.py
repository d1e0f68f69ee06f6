"""The counters: observable counters over integer sums, exact to the last digit and zeroed in a forked child.

A synchronous counter would sum doubles (a drift of 4e-12 in a million adds) and a child of a fork would report its
parent's money again. Calls are queued on the caller's thread, and summed and recorded when metrics are collected.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import NonRecordingSpan, SpanContext

from . import semconv
from .accumulators import Accumulators, Attributes, Cell, Labels, merged
from .call import Call, Priced
from .money import as_float
from .neighbours import DURATION, TOKENS
from .usage.meters import OUTPUT_METERS, PROMPT_METERS, total
from .watch.guard import guarded

_QUEUE = 1024
_EXEMPLAR_FRESH_S = 120.0
DURATION_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BOUNDS = tuple(float(4**power) for power in range(14))


class Counters:
    """The instruments of a process that tell its calls."""

    def __init__(self, metric_tags: tuple[str, ...], histograms: str, new_names: bool) -> None:
        self._sums = Accumulators(metric_tags)
        self._histograms = histograms
        self._new_names = new_names
        self._queue: deque[tuple[Call, Priced, SpanContext | None, int]] = deque()
        self.instruments: list[Any] = []
        self._duration: Any = None
        self._sizes: tuple[Any, ...] = ()

    # -- the hot path

    def add(self, call: Call, priced: Priced, span: SpanContext | None, histograms: int) -> None:
        """Count a settled call, once; `histograms` says which of them (`neighbours.DURATION`, `TOKENS`) are ours."""
        self._queue.append((call, priced, span, histograms))
        if len(self._queue) > _QUEUE:  # nobody collects: keep up, without a pause for a whole queue
            self._count_one()
            self._count_one()

    # -- instruments

    def register(self, meter: Meter) -> None:
        """Make the instruments; once for a process: a second observable of a name would lose its callback."""
        if self.instruments:
            return
        self.instruments = [
            meter.create_observable_counter(
                semconv.M_COST, [self._observe_cost], unit="USD", description="Exact cost of LLM calls"
            ),
            meter.create_observable_counter(
                semconv.M_CALLS, [self._observe_calls], unit="{call}", description="LLM calls"
            ),
            meter.create_observable_counter(
                semconv.M_TOKENS,
                [self._observe_tokens],
                unit="{token}",
                description="Tokens by billable meter",
            ),
            meter.create_observable_up_down_counter(
                semconv.M_SAVINGS,
                [self._observe_savings],
                unit="USD",
                description="What cache reads saved, less what cache writes cost more",
            ),
            meter.create_observable_counter(
                semconv.M_RETRIES,
                [self._observe_retries],
                unit="{retry}",
                description="Attempts beyond a call's first",
            ),
        ]
        if self._histograms != "off":
            self._register_histograms(meter)

    def _register_histograms(self, meter: Meter) -> None:
        duration, sizes = semconv.M_DURATION, [semconv.M_TOKEN_USAGE]
        if self._new_names:
            duration, sizes = semconv.M_NEW_DURATION, [semconv.M_NEW_INPUT, semconv.M_NEW_OUTPUT]
        self._duration = meter.create_histogram(
            duration,
            unit="s",
            description="Duration of LLM calls",
            explicit_bucket_boundaries_advisory=DURATION_BOUNDS,
        )
        self._sizes = tuple(
            meter.create_histogram(
                name,
                unit="{token}",
                description="Tokens of LLM calls",
                explicit_bucket_boundaries_advisory=TOKEN_BOUNDS,
            )
            for name in sizes
        )

    def forked(self) -> None:
        """In a child: the sums so far are the parent's, which goes on reporting them."""
        self._sums.forked()
        self._queue.clear()

    # -- collection

    def _observe_cost(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, component, status, amount, cell)
            for (labels, status, _), cell in self._sums.snapshot()
            for component, amount in cell.components.items()
        )
        for labels, component, status, amount, cell in merged(rows):
            attributes = {
                **self._sums.attributes(labels),
                semconv.L_COMPONENT: component,
                semconv.STATUS: status,
            }
            yield Observation(as_float(amount), attributes, _exemplar(cell))

    def _observe_calls(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        for (labels, status, error), cell in self._sums.snapshot():
            attributes = {**self._sums.attributes(labels), semconv.STATUS: status}
            if error:
                attributes[semconv.ERROR_TYPE] = error
            yield Observation(cell.calls, attributes, _exemplar(cell))

    def _observe_tokens(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, meter, "", quantity, cell)
            for (labels, _, _), cell in self._sums.snapshot()
            for meter, quantity in cell.tokens.items()
        )
        for labels, meter, _, quantity, cell in merged(rows):
            yield Observation(
                quantity, {**self._sums.attributes(labels), semconv.L_METER: meter}, _exemplar(cell)
            )

    def _observe_savings(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, "", "", cell.savings, cell)
            for (labels, _, _), cell in self._sums.snapshot()
            if cell.savings
        )
        for labels, _, _, amount, cell in merged(rows):
            yield Observation(as_float(amount), self._sums.attributes(labels), _exemplar(cell))

    def _observe_retries(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, error, "", cell.retries, cell)
            for (labels, _, error), cell in self._sums.snapshot()
            if cell.retries
        )
        for labels, error, _, retries, cell in merged(rows):
            attributes = (
                {**self._sums.attributes(labels), semconv.ERROR_TYPE: error}
                if error
                else self._sums.attributes(labels)
            )
            yield Observation(retries, attributes, _exemplar(cell))

    def count_queued(self) -> None:
        """Count what is queued; whichever instrument is read first does it for all."""
        for _ in range(len(self._queue)):
            if not self._count_one():
                return

    def _count_one(self) -> bool:
        try:
            queued = self._queue.popleft()
        except IndexError:
            return False
        guarded(self._count, *queued)
        return True

    def _count(self, call: Call, priced: Priced, span: SpanContext | None, histograms: int) -> None:
        sampled = span if span is not None and span.trace_flags.sampled else None
        labels = self._sums.add(call, priced, sampled)
        if histograms and self._duration is not None:
            self._record(call, labels, sampled, histograms)

    def _record(self, call: Call, labels: Labels, span: SpanContext | None, histograms: int) -> None:
        attributes = self._sums.attributes(labels)
        attributes.pop(semconv.SERVICE_TIER, None)
        context = _context(span) if span is not None else Context()
        if histograms & DURATION:
            error = call.error_type
            said = {**attributes, semconv.ERROR_TYPE: error} if error else attributes
            self._duration.record(max((call.end_ns - call.start_ns) / 1e9, 0.0), said, context)
        if histograms & TOKENS:
            sent, received = total(call.usage, PROMPT_METERS), total(call.usage, OUTPUT_METERS)
            self._record_sizes(attributes, sent, received, context)

    def _record_sizes(self, attributes: Attributes, sent: int, received: int, context: Context) -> None:
        if self._new_names:
            for histogram, size in zip(self._sizes, (sent, received), strict=True):
                histogram.record(size, attributes, context)
            return
        for kind, size in (("input", sent), ("output", received)):
            if size:
                self._sizes[0].record(size, {**attributes, semconv.L_TOKEN_TYPE: kind}, context)


def _context(span: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(span), Context())


def _exemplar(cell: Cell) -> Context:
    # an exemplar of an old call would be offered again at every collection
    if cell.exemplar is None or time.time() - cell.exemplar_s > _EXEMPLAR_FRESH_S:
        return Context()
    return _context(cell.exemplar)

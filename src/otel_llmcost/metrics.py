"""The counters: observable counters over integer sums, exact to the last digit and zeroed in a forked child.

A synchronous counter would sum doubles (a drift of 4e-12 in a million adds) and a child of a fork would report its
parent's money again. Calls are queued on the caller's thread, and summed and recorded when metrics are collected.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import SpanContext

from . import semconv
from .accumulators import Accumulators, Cell, CellKey, Labels, merged
from .call import Call, Priced
from .histograms import NO_SPAN, Finished, Histograms, LabelSet, context_of
from .money import as_float
from .watch.guard import guarded

_QUEUE = 1024
_EXEMPLAR_FRESH_S = 120.0


class Counters:
    """The instruments of a process that tell its calls."""

    def __init__(self, metric_tags: tuple[str, ...], histograms: str, new_names: bool) -> None:
        self._sums = Accumulators(metric_tags)
        self._wanted, self._new_names = histograms, new_names
        self._histograms: Histograms | None = None
        self._queue: deque[tuple[Call, Priced, SpanContext | None, int]] = deque()
        self._counting = threading.Lock()
        """Held by who counts or reads the sums."""
        self.instruments: list[Any] = []

    # -- the hot path

    def add(self, call: Call, priced: Priced, span: SpanContext | None, histograms: int) -> None:
        """Count a settled call, once; `histograms` says which of them (`neighbours.DURATION`, `TOKENS`) are ours."""
        self._queue.append((call, priced, span, histograms))
        # Nobody collects: keep up, without a pause for a whole queue. Never waiting: the garbage collector may settle an
        # abandoned stream while this very thread counts.
        if len(self._queue) > _QUEUE and self._counting.acquire(blocking=False):
            try:
                self._count(2)
            finally:
                self._counting.release()

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
        if self._wanted != "off":
            self._histograms = Histograms(meter, self._new_names)
            self.instruments += self._histograms.instruments

    def forked(self) -> None:
        """In a child: the sums so far are the parent's, which goes on reporting them."""
        self._counting = threading.Lock()
        self._sums.forked()
        self._queue.clear()

    # -- collection

    def _observe_cost(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, component, status, amount, cell)
            for (labels, status, _), cell in self._snapshot()
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
        for (labels, status, error), cell in self._snapshot():
            attributes = {**self._sums.attributes(labels), semconv.STATUS: status}
            if error:
                attributes[semconv.ERROR_TYPE] = error
            yield Observation(cell.calls, attributes, _exemplar(cell))

    def _observe_tokens(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, meter, "", quantity, cell)
            for (labels, _, _), cell in self._snapshot()
            for meter, quantity in cell.tokens.items()
        )
        for labels, meter, _, quantity, cell in merged(rows):
            yield Observation(
                quantity, {**self._sums.attributes(labels), semconv.L_METER: meter}, _exemplar(cell)
            )

    def _observe_savings(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, "", "", cell.savings, cell) for (labels, _, _), cell in self._snapshot() if cell.savings
        )
        for labels, _, _, amount, cell in merged(rows):
            yield Observation(as_float(amount), self._sums.attributes(labels), _exemplar(cell))

    def _observe_retries(self, options: CallbackOptions) -> Iterable[Observation]:
        self.count_queued()
        rows = (
            (labels, error, "", cell.retries, cell)
            for (labels, _, error), cell in self._snapshot()
            if cell.retries
        )
        for labels, error, _, retries, cell in merged(rows):
            attributes = (
                {**self._sums.attributes(labels), semconv.ERROR_TYPE: error}
                if error
                else self._sums.attributes(labels)
            )
            yield Observation(retries, attributes, _exemplar(cell))

    def _snapshot(self) -> list[tuple[CellKey, Cell]]:
        with self._counting:
            return self._sums.snapshot()

    def count_queued(self) -> None:
        """Count what is queued; whichever instrument is read first does it for all."""
        with self._counting:
            self._count(len(self._queue))

    def _count(self, most: int) -> None:
        batch: list[Finished] = []
        known: dict[Labels, LabelSet] = {}
        for _ in range(most):
            try:
                call, priced, span, histograms = self._queue.popleft()
            except IndexError:  # somebody else counts, too
                break
            sampled = span if span is not None and span.trace_flags.sampled else None
            labels = guarded(self._sums.add, call, priced, sampled)
            if labels is None or not histograms:
                continue
            told = known.get(labels)
            if told is None:
                told = known[labels] = self._label_set(labels)
            batch.append(Finished(call, told, self._sums.error_of(call), sampled, histograms))
        if batch and self._histograms is not None:
            self._histograms.record(batch)

    def _label_set(self, labels: Labels) -> LabelSet:
        attributes = self._sums.attributes(labels)
        attributes.pop(semconv.SERVICE_TIER, None)
        return LabelSet(labels, attributes)


def _exemplar(cell: Cell) -> Context:
    # an exemplar of an old call would be offered again at every collection
    if cell.exemplar is None or time.time() - cell.exemplar_s > _EXEMPLAR_FRESH_S:
        return NO_SPAN
    return context_of(cell.exemplar)

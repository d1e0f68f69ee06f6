"""`CostSpanProcessor`: where money meets spans that others emit, before any exporter sees them.

A span of a known LLM scope is completed in its own `end()`, whatever order processors were added in. A span that
turns out to be a GenAI span only at its end is completed in `on_end`, where we stand before the exporters.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from . import attribution, semconv, spans
from .call import Call, SpanFacts, Tags
from .lineage import Counted
from .neighbours import Neighbour, neighbour
from .settle import Settler
from .watch.engine import Engine
from .watch.guard import guarded
from .watch.observation import current

_MARKS = (semconv.OPERATION, "openinference.span.kind", "gen_ai.system", "ai.operationId", "llm.request.type")
_SCOPES_KEPT = 1000


class CostSpanProcessor(SpanProcessor):
    """Prices GenAI spans of others, and hands an SDK's own span to the call that is watched inside it."""

    def __init__(self, settler: Settler, engine: Engine) -> None:
        self._settler, self._engine = settler, engine
        self._neighbours: dict[str, Neighbour | None] = {}
        self._seen: dict[str, int] = {}
        self.active = True
        """Whether spans of others are priced: not after everything was uninstrumented."""

    @property
    def seen(self) -> Mapping[str, int]:
        """Scopes of other instrumentations whose spans passed, and how many were priced (for `doctor`)."""
        return self._seen

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember where the span stands; arrange for its cost where it may have one."""
        guarded(self._started, span)

    def on_end(self, span: ReadableSpan) -> None:
        """The last chance for a span that was not known to be a GenAI span when it started."""
        guarded(self._ended, span)

    def shutdown(self) -> None:
        """Nothing to give up: money is kept apart from the spans."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here."""
        return True

    def _started(self, span: Span) -> None:
        scope = span.instrumentation_scope
        name = scope.name if scope is not None else ""
        parent = span.parent.span_id if span.parent is not None else 0
        self._settler.lineage.born(span.context.span_id, parent, name)
        if name == semconv.SCOPE or not self.active:
            return
        known = self._neighbour(name)
        observation = current.get()
        if observation is not None and observation.wait_for_native and observation.sdk.emits(name):
            self._settler.lineage.watch(span.context.span_id)
            observation.adopt(span)
        elif known is not None:
            self._complete_at_end(span)

    def _neighbour(self, scope: str) -> Neighbour | None:
        if scope in self._neighbours:
            return self._neighbours[scope]
        found = neighbour(scope)
        if len(self._neighbours) < _SCOPES_KEPT:
            self._neighbours[scope] = found
        return found

    def _complete_at_end(self, span: Span) -> None:
        end = span.end

        def end_completed(end_time: int | None = None) -> None:
            priced = guarded(self._price, span, end_time)
            if priced:
                guarded(span.set_attributes, priced)
            end(end_time)
            vars(span).pop("end", None)  # or the span would keep itself for the garbage collector

        span.end = end_completed  # type: ignore[method-assign]

    def _ended(self, span: ReadableSpan) -> None:
        context = span.context
        scope = span.instrumentation_scope
        name = scope.name if scope is not None else ""
        if self.active and name != semconv.SCOPE and self._neighbour(name) is None:
            attributes = span.attributes
            if attributes and any(mark in attributes for mark in _MARKS):
                priced = guarded(self._price, span, None)
                if priced:
                    _replace_attributes(span, {**attributes, **priced})
        if context is not None:
            self._settler.lineage.gone(context.span_id)

    def _price(self, span: ReadableSpan, end_time: int | None) -> dict[str, Any] | None:
        """The cost attributes of a span that nobody watched, None where it carries none."""
        context, attributes = span.context, span.attributes
        if context is None or not attributes or semconv.STATUS in attributes:
            return None
        scope = span.instrumentation_scope
        name = scope.name if scope is not None else ""
        known = self._neighbour(name)
        call = spans.read_call(_facts(span, name, end_time), self._engine.clients.host_map)
        if call is None and known is not None and known.sdk:
            # it tells nothing of the call that it may stand around
            call = Call(start_ns=span.start_time or 0, end_ns=time.time_ns())
            counted = self._settler.remembered.find(context.span_id, name, call)
            return self._lent(counted, span) if counted is not None else None
        if call is None or self._settler.lineage.is_covered(context.span_id):
            return None
        counted = self._settler.remembered.find(context.span_id, name, call)
        if counted is not None:
            return self._lent(counted, span)
        if known is not None and known.sdk and known.sdk in self._engine.active:
            return None
        parent = span.parent.span_id if span.parent is not None else 0
        if known is not None and known.sdk and self._settler.ends_unseen(parent, known.sdk):
            return None
        if call.response_id and self._settler.answered(call.response_id):
            return None
        # a neighbour may not make its span current, so its trace may be another; a program's own span is in its own
        trace_id = context.trace_id if known is None else None
        if self._engine.has_in_flight(call.start_ns, call.request_model, trace_id):
            return None
        self._cover_around(span)
        asked_tags = _with_tags_of_program(call)
        priced = self._settler.settle_call(call, span, attribution.rollups(), asked_tags)
        if priced is None:
            return None
        self._seen[name] = self._seen.get(name, 0) + 1
        tags = {key: tag for key, tag in spans.tag_attributes(call.tags).items() if key not in attributes}
        return {**tags, **self._settler.cost_attributes(priced)}

    def _lent(self, counted: Counted, span: ReadableSpan) -> dict[str, Any] | None:
        """The cost of a call that was counted already, if no span says it yet (spans inside this one were suppressed)."""
        self._cover_around(span)
        if counted.carried:
            return None
        counted.carried = True
        return self._settler.cost_attributes(counted.priced)

    def _cover_around(self, span: ReadableSpan) -> None:
        self._settler.lineage.cover(span.parent.span_id if span.parent is not None else 0)


def _with_tags_of_program(call: Call) -> Tags:
    """Fills what the span left open in a call's tags; answers those that budgets may look at."""
    around = attribution.for_request(call.provider, call.host, call.request_model, {})
    asked = attribution.fill(call.tags, around)
    call.tags = attribution.with_inbound(asked)
    return asked


def _facts(span: ReadableSpan, scope: str, end_time: int | None) -> SpanFacts:
    context = span.context
    version = span.instrumentation_scope.version if span.instrumentation_scope is not None else ""
    return SpanFacts(
        name=span.name,
        kind=span.kind.name,
        scope=scope,
        scope_version=version or "",
        start_ns=span.start_time or 0,
        end_ns=end_time or span.end_time or time.time_ns(),
        trace_id=context.trace_id if context is not None else 0,
        span_id=context.span_id if context is not None else 0,
        parent_span_id=span.parent.span_id if span.parent is not None else 0,
        resource=span.resource.attributes,
        attributes=span.attributes or {},
    )


def _replace_attributes(span: ReadableSpan, attributes: dict[str, Any]) -> None:
    # the SDK freezes attributes before on_end (opentelemetry-python#5614) and shares one span with all processors
    from opentelemetry.attributes import BoundedAttributes

    span._attributes = BoundedAttributes(attributes=attributes, immutable=True)

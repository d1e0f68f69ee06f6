"""The span of a watched call: the one that the SDK emits by itself, or ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer

from .. import attribution, spans
from ..call import NO_TAGS
from . import content
from .guard import guarded
from .suppression import spans_are_suppressed

if TYPE_CHECKING:
    from .observation import Observation


class Around(Protocol):
    """Who knows which spans stand around a call."""

    def started(self, span: Span | None, around: Span, sdk: str = "", suppressed: bool = False) -> int:
        """A watched call began inside `around`; says which histograms others record (flags of `neighbours`)."""

    def scope_of(self, span_id: int) -> str:
        """The scope of a living span that was seen to start, "" for another."""


class CallSpans:
    """Begins the spans of watched calls."""

    def __init__(self, desk: Around, tracer: Tracer, *, keep_text: bool, baggage_goes_out: bool) -> None:
        self._desk, self._tracer = desk, tracer
        self._keep_text, self._baggage_goes_out = keep_text, baggage_goes_out

    def begin(self, observation: Observation, emits_own: bool = False) -> None:
        """Start the call's span, unless spans are suppressed here or the SDK emits one of its own."""
        observation.parent = context = otel_context.get_current()
        around = trace.get_current_span(context)
        suppressed = spans_are_suppressed(context)
        if suppressed:
            observation.suppressed, observation.around = True, around.get_span_context().span_id
        if self._baggage_goes_out and not observation.client.is_own_service:
            observation.parent, observation.outside = attribution.to_provider(context), context
        if emits_own:
            observation.wait_for_native = True
        elif not suppressed:
            observation.span = guarded(self.start, observation)
        histograms = guarded(self._desk.started, observation.span, around, observation.sdk.name, suppressed)
        if histograms:
            observation.recorded_elsewhere = histograms

    def start(self, observation: Observation) -> Span | None:
        """A span of ours, as of the call's start; None where the tracer makes none."""
        route, client, model = observation.route, observation.client, observation.model
        attributes = {**client.start_attributes(route.api, route.operation, model), **observation.request}
        if observation.tags is not NO_TAGS:
            attributes.update(spans.tag_attributes(observation.tags))
        if self._keep_text:
            attributes.update(guarded(content.of_request, observation.body) or {})
        span = self._tracer.start_span(
            f"{route.operation} {model}" if model else route.operation,
            context=observation.parent,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=observation.start_ns,
        )
        return span if span.is_recording() or not _is_around(span, observation.parent) else None

    def adopt(self, observation: Observation) -> None:
        """At the first response: the SDK's own span is current, or it made none and ours starts now, backdated."""
        found = trace.get_current_span()
        outer = trace.get_current_span(observation.parent)
        scope = getattr(getattr(found, "instrumentation_scope", None), "name", "")
        # a tracer that is told to be silent hands the span around on, maybe in another wrapping
        ids = found.get_span_context()
        inside = ids.span_id != outer.get_span_context().span_id
        if inside and not found.is_recording() and self._desk.scope_of(ids.span_id):
            return  # somebody else's, between the call and the SDK: ours would be silenced here, and starts at the end
        native = inside and (not found.is_recording() or observation.sdk.emits(scope))
        if native and ids.is_valid:
            observation.adopt(found)
            return
        observation.wait_for_native = False
        if not observation.suppressed:
            observation.span = self.start(observation)
            self._desk.started(observation.span, outer)


def _is_around(span: Span, parent: Context | None) -> bool:
    """Whether a tracer that makes no spans handed on the one around: its ids are those of many calls."""
    around = (trace.get_current_span(parent), trace.get_current_span())
    return span.get_span_context().span_id in [each.get_span_context().span_id for each in around]


def emits_own_span(client: Any, options: Any) -> bool:
    """Whether the SDK is going to make a span for this request by itself."""
    return bool(getattr(options, "span_name", None)) and getattr(client, "_tracer", None) is not None

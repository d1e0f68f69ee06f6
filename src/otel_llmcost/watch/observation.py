"""One watched call, from the request to the moment its cost is known. It finishes exactly once.

It ends when the reply was read, when its stream was read, closed, failed or dropped, or when the program ends.
Nothing is held attached to the context between two steps of the user's program.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import trace
from opentelemetry.trace import Span

from .. import semconv
from ..call import INCOMPLETE_NOTE, NO_TAGS, NOT_BILLED_NOTE, note, refused_by
from ..usage.quantities import encodable
from . import in_context
from .body import watch_body, watch_memory_body
from .collectors import Collector
from .exchange import EXTENSION, Exchange, is_event_stream
from .guard import guarded
from .in_context import InContext
from .injection import hide_usage
from .sending import never_sent

if TYPE_CHECKING:
    from .client import ClientFacts
    from .declaration import Body, Route, Sdk

current: ContextVar[Observation | None] = in_context.current
"""The watched call whose request runs in this context."""


class Concluding(Protocol):
    """The engine, as a call sees it."""

    unwatched: int
    keep_text: bool

    def adopt_current_span(self, observation: Observation) -> None: ...
    def follow(self, observation: Observation) -> None: ...
    def watch_lines(self, observation: Observation, result: Any) -> None: ...
    def conclude(self, observation: Observation) -> None: ...


class Observation(InContext):
    """A watched call in flight. What most calls never set stands on the class: each pays for its own facts only."""

    wait_for_native = False
    suppressed = False
    """Whether somebody asked for no spans in here: the SDK's own is completed if it is there, none is made."""
    around = 0
    """Then: id of the span that stands around the call, and may say its cost."""
    recorded_elsewhere = 0
    """Histograms that another instrumentation records for this call (flags of `neighbours`)."""
    tags = asked_tags = NO_TAGS
    """`asked_tags` are those that admission sees: from inside the program alone, never from baggage."""
    scopes: tuple[Any, ...] = ()
    reservation: Any = None
    path = ""
    """The request's path, for the ids in it."""
    hides_usage = False
    """Whether we asked for the usage of the stream: the chunk that carries it is ours to take out."""
    error: BaseException | None = None
    status_code = 0
    attempts = 1
    lost: tuple[str, ...] = ()
    """Errors of earlier attempts that left and got no answer: the provider may bill them."""
    notes: tuple[str, ...] = ()
    departed = followed = overlooked = False
    """Whether the SDK's function was called, a body reports its end, a response came that could not be looked at."""

    def __init__(
        self,
        engine: Concluding,
        sdk: Sdk,
        route: Route,
        client: ClientFacts,
        body: Mapping[str, Any],
        request: dict[str, Any],
    ) -> None:
        self.engine, self.sdk, self.route, self.client = engine, sdk, route, client
        self.body, self.request = body, request
        model = body.get("model")
        self.model: str = model if isinstance(model, str) else ""
        if not self.model.isascii():
            self.model = guarded(encodable, self.model) or ""
        """The model that is asked for, "" where none is named."""
        self.start_ns = time.time_ns()
        self.exchanges: list[Exchange] = []
        self._unwatched = engine.unwatched
        self._open = [True]

    def note(self, text: str) -> None:
        """Something that its status or a reader needs to know."""
        self.notes = (*self.notes, text)

    # -- the request

    def adopt(self, span: Span) -> None:
        """Take the span that the SDK emits by itself as this call's own: it is completed, not doubled."""
        if self.native or not self._open:
            return
        self.span, self.native = span, True
        if not span.is_recording():
            return
        end, handled = span.end, sys.exception()

        def end_completed(end_time: int | None = None) -> None:
            guarded(self._native_ended, handled)
            end(end_time)
            vars(span).pop(
                "end", None
            )  # or the span would keep the call, and itself, for the garbage collector

        span.end = end_completed  # type: ignore[method-assign]

    def _native_ended(self, handled: BaseException | None) -> None:
        """The SDK ends its own span: before its function returns, so what it raises (`handled` apart) is on the way."""
        raised = sys.exception()
        told = semconv.ERROR_TYPE in (getattr(self.span, "attributes", None) or ())
        if not self.exchanges and not told and raised is not handled and self.error is None:
            self.error = raised
        self.finish()

    # -- the response

    def responded(self, response: Any, stream: bool, raw: bool, retries: int) -> None:
        """A response arrived, its body maybe unread: follow it to its end."""
        kind = self.route.collector if stream or raw else Collector
        collector = kind(self.engine.keep_text, self.client.is_openai)
        tells = not self.route.body_is_binary or is_event_stream(response.headers)
        raw = raw or (self.route.body_is_binary and tells)  # no SDK parses these events
        exchange = Exchange(self, collector, response, stream=stream, unparsed=raw)
        exchange.read = not stream and bool(response.is_closed)
        self.exchanges.append(exchange)
        if retries >= self.attempts:
            self.attempts = retries + 1
        self.status_code = int(response.status_code)
        if self.wait_for_native and not self.native:
            self.engine.adopt_current_span(self)
        if isinstance(response.extensions, dict):
            response.extensions[EXTENSION] = exchange
        if not response.is_closed:
            exchange.raw = [] if exchange.unparsed and tells else None
            watch_body(response, exchange.ended, exchange.raw, exchange.heard)
            self._follow()
        elif stream:
            watch_memory_body(response, exchange.ended)
            self._follow()

    def fold(self, events: Sequence[Any]) -> Body:
        """The body that the kept events of its stream amount to."""
        return self.route.fold(events)

    def _follow(self) -> None:
        self.followed = True
        self.engine.follow(self)

    def retried(self, answer: Any) -> None:
        """The SDK tries again: after an answer that refuses, which costs nothing, or after none."""
        error = sys.exception()
        refused = answer is not None or getattr(error, "response", None) is not None
        if not refused and error is not None and not never_sent(error):
            self.lost = (*self.lost, type(error).__name__)

    def returned(self, result: Any) -> bool:
        """The SDK's function returned: a whole reply is complete, a stream goes on until its body ends.

        True when all of this went well.
        """
        was_current = self.entered is not None
        self.leave()
        if self.route.lines:
            self.engine.watch_lines(self, result)
        if self.hides_usage:
            hide_usage(result)
        if not self.exchanges and self._unwatched != self.engine.unwatched:
            self.overlooked = True
            self.note(
                note(INCOMPLETE_NOTE, "uninstrument() was called while it ran: its answer was not seen")
            )
        if not self.exchanges and not self.overlooked and was_current:
            # answered without a response of its own (a middleware's cache): nothing was bought
            self.note(note(NOT_BILLED_NOTE, "no response came over the wire"))
            self.finish()
            return True
        if not self.exchanges or (self.exchanges[-1].stream and not self.followed):
            # following its response failed: nobody would tell the end
            self.finish()
            return True
        exchange = self.exchanges[-1]
        response = exchange.response()
        unread = response is not None and not response.is_closed
        if not exchange.stream and not (exchange.unparsed and unread):
            self.finish()
        return True

    def failed(self, error: BaseException) -> bool:
        """The SDK's function raised, or a signal handler after it. True when all of this went well."""
        self.leave()
        if not self._open:
            return True
        self.error = error
        status = getattr(error, "status_code", None)
        self.status_code = status if isinstance(status, int) else 0
        self.finish()
        return True

    def refused(self, refusal: BaseException) -> None:
        """A budget refused the call before its request left."""
        self.error = refusal
        self.note(refused_by(getattr(refusal, "budget", "")))
        self.finish()

    def disown(self) -> None:
        """Forget the call without settling it: it belongs to the parent process."""
        self._open.clear()
        self._let_go()

    # -- the end

    def finish(self) -> None:
        """Settle the call and end its span, once, whoever comes first."""
        try:
            self._open.pop()
        except IndexError:
            return
        guarded(self.engine.conclude, self)
        self._let_go()

    def _let_go(self) -> None:
        self.error = None  # its traceback holds the frames of the program, and the response may live on
        for exchange in self.exchanges:
            exchange.owner = None

    @property
    def open(self) -> bool:
        """Whether the call is still in flight."""
        return bool(self._open)

    @property
    def ends_with_native(self) -> bool:
        """Whether the end of the SDK's own span ends this call."""
        return self.native and self.span is not None and self.span.is_recording()

    def trace_id(self) -> int:
        """The trace that the call is in, 0 where it is in none."""
        span = self.span
        if span is None and self.parent is not None:
            span = trace.get_current_span(self.parent)
        return span.get_span_context().trace_id if span is not None else 0

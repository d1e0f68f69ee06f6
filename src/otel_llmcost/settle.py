"""Settling: each call is priced and told once, by its key, whoever comes first with it.

From here a call goes to its span, the counters, the ledger, the accumulators of its scopes and its budget.
A failure of one of them keeps nothing from the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer

from . import dialects, semconv, spans
from .call import RESPONSE_KEYS, UNPRICED, Call, Priced, Tags, note
from .errors import BudgetExceeded
from .lineage import Lineage, Remembered
from .metrics import Counters
from .neighbours import BOTH, neighbour, recorded_out_of_sight
from .watch import content
from .watch.engine import Gate
from .watch.guard import guarded, repeatable
from .watch.later import Created
from .watch.observation import Observation
from .watch.suppression import spans_are_suppressed

_KEYS_KEPT = 20_000
_FAILED = Priced(UNPRICED, None, {}, (note("internal", "pricing failed; the log says why"),))


class Prices(Protocol):
    """The price book, as settling sees it."""

    def price(self, call: Call) -> Priced: ...


class Records(Protocol):
    """The ledger, as settling sees it."""

    def record(self, call: Call, priced: Priced) -> None: ...


class Keys:
    """The newest call keys of this process: who inserts a key counts the call."""

    def __init__(self, kept: int = _KEYS_KEPT) -> None:
        self._half = kept // 2
        # two generations: forgetting the oldest key of one dict would walk over all that were forgotten before
        self._young: set[str] = set()
        self._old: set[str] = set()
        self._lock = threading.RLock()  # the garbage collector may settle an abandoned stream in here

    def insert(self, key: str) -> bool:
        """True for the first one to come with this key."""
        with self._lock:
            if key in self._young or key in self._old:
                return False
            if len(self._young) >= self._half:
                self._old, self._young = self._young, set()
            self._young.add(key)
            return True

    def __contains__(self, key: str) -> bool:
        return key in self._young or key in self._old

    def forked(self) -> None:
        """The lock may be held by a thread that does not exist here."""
        self._lock = threading.RLock()


class Settler:
    """The desk where every finished call goes, watched or read from somebody else's span."""

    def __init__(
        self,
        book: Prices,
        counters: Counters,
        recorder: Records | None,
        gate: Gate | None = None,
        extra_dialects: tuple[str, ...] = (),
        capture_content: bool = False,
    ) -> None:
        self.book, self.counters, self.recorder, self.gate = book, counters, recorder, gate
        self.lineage = Lineage()
        self.remembered = Remembered()
        self._keys = Keys()
        self._answers = Keys()
        self._dialects = dialects.spellings(extra_dialects)
        self._capture_content = capture_content
        self.listeners: list[Callable[[Call, Priced], None]] = []
        """Told of every settled call (`testing.capture`)."""
        self.keep_out_of_ledger = False
        self.claim: Callable[[str], bool] = lambda key: True
        """Whether this process is the first to claim work that several processes can see."""
        self.tracer: Tracer = trace.NoOpTracer()

    # -- what the watching engine asks

    def started(self, span: Span | None, around: Span, sdk: str = "", suppressed: bool = False) -> int:
        """A watched call began: what stands around it carries no cost, unless no span may stand inside.

        Says which histograms somebody else records (`neighbours.DURATION`, `TOKENS`).
        """
        lineage = self.lineage
        outer = around.get_span_context().span_id
        if not suppressed:
            lineage.cover(outer)
        if span is not None:
            lineage.watch(span.get_span_context().span_id)
        found = recorded_out_of_sight(sdk, suppressed)
        if outer:
            for _, scope in lineage.around(outer):
                known = neighbour(scope)
                if known is not None:
                    found |= known.histograms
        return found

    def scope_of(self, span_id: int) -> str:
        """The scope of a living span that was seen to start, "" for another."""
        return next((scope for _, scope in self.lineage.around(span_id)), "")

    def settle(self, call: Call, observation: Observation) -> None:
        """Settle a watched call and say its cost on its span."""
        priced = guarded(self._price, call) or _FAILED
        span = observation.span
        if guarded(self._is_first, call) is False:
            if observation.reservation is not None:
                guarded(observation.reservation.release)
            return
        carried = span is not None and span.is_recording()
        around = observation.around
        if observation.native:
            parent = getattr(span, "parent", None)
            around = parent.span_id if parent is not None else around
            carried = carried and not guarded(self.ends_unseen, around, observation.sdk.name)
        if span is not None and carried:
            guarded(self._write, span, call, priced, observation)
        if observation.reservation is not None:
            guarded(self._settle_budget, observation, priced)
        guarded(self.remembered.add, call, priced, carried, around)
        context = span.get_span_context() if span is not None else None
        self._tell(call, priced, context, observation.scopes, BOTH & ~observation.recorded_elsewhere)

    def settle_later(self, call: Call, created: Created | None) -> None:
        """Settle a background response or a batch's result, on a `settle` span linked to the creating one."""
        if call.key in self._keys or not self.claim(call.key):
            reservation = _taken(created)
            if reservation is not None:
                guarded(reservation.release)  # who counts it spends it
            return
        priced = guarded(self._price, call) or _FAILED
        if not self._keys.insert(call.key):
            return
        links = [Link(created.span)] if created is not None and created.span is not None else []
        model = call.response_model or call.request_model
        span = self.tracer.start_span(
            f"{call.operation} {model}".rstrip(),
            context=Context(),
            kind=SpanKind.INTERNAL,
            links=links,
            start_time=call.start_ns,
            attributes={**spans.project(call), **self.cost_attributes(priced)},
        )
        if call.error_type:
            span.set_status(Status(StatusCode.ERROR, call.error_type))
        span.end(call.end_ns)
        self._settle_budget_later(call, priced, created)
        scopes = created.scopes if created is not None else ()
        self._tell(call, priced, span.get_span_context(), scopes, 0)

    def _settle_budget_later(self, call: Call, priced: Priced, created: Created | None) -> None:
        reservation = _taken(created)
        if reservation is not None:
            guarded(reservation.settle, priced)
        elif self.gate is not None:
            guarded(self.gate.spend, call, priced, created.asked_tags if created is not None else None)

    # -- what others ask

    def settle_call(
        self,
        call: Call,
        span: ReadableSpan | Span | None = None,
        scopes: Iterable[Any] = (),
        asked_tags: Tags | None = None,
    ) -> Priced | None:
        """Settle a call that nobody watched (trackers, imports, others' spans); None if its key was counted before.

        `asked_tags` are its tags from inside the program alone, where it has others, too: budgets look at them.
        """
        priced = guarded(self._price, call) or _FAILED
        if not self._is_first(call):
            return None
        if self.gate is not None:
            _say_crossings(span, guarded(self.gate.spend, call, priced, asked_tags))
        context = span.get_span_context() if span is not None else None
        scope = getattr(span, "instrumentation_scope", None)
        self.remembered.add(call, priced, span is not None, scope=scope.name if scope is not None else "")
        self._tell(call, priced, context, scopes, 0)
        return priced

    def ends_unseen(self, around: int, sdk: str) -> bool:
        """Whether an SDK's own span that ends now is dropped: Logfire does so inside its own span of the same call."""
        if not around or not spans_are_suppressed(get_current()):
            return False
        stands = next(self.lineage.around(around), None)
        known = neighbour(stands[1]) if stands is not None else None
        return known is not None and known.sdk == sdk

    def answered(self, response_id: str) -> bool:
        """Whether a call with this response id was settled in this process."""
        return response_id in self._answers

    def cost_attributes(self, priced: Priced, call: Call | None = None) -> dict[str, Any]:
        """The cost as span attributes, in every spelling that is configured."""
        found: dict[str, Any] = spans.cost_attributes(priced, call)
        for spell in self._dialects:
            found.update(spell(priced))
        return found

    def forked(self) -> None:
        """In a child: the parent's calls and spans are the parent's."""
        self._keys.forked()
        self._answers.forked()
        self.lineage.clear()
        self.remembered.clear()
        self.counters.forked()

    # -- inside

    @repeatable
    def _price(self, call: Call) -> Priced:
        return self.book.price(call)

    def _is_first(self, call: Call) -> bool:
        if not self._keys.insert(call.key):
            return False
        if call.key.startswith(RESPONSE_KEYS) and not self.claim(call.key):
            return False
        if call.response_id:
            self._answers.insert(call.response_id)
        return True

    @repeatable
    def _write(self, span: Span, call: Call, priced: Priced, observation: Observation) -> None:
        attributes: dict[str, Any]
        if observation.native:
            # only what it lacks is written: what the SDK says stays as it says it
            said: Any = getattr(span, "attributes", {})
            attributes = {name: value for name, value in spans.project(call).items() if name not in said}
        else:
            attributes = spans.project_answer(call)
            if call.tags is not observation.tags:
                attributes.update(spans.tag_attributes(call.tags))
        attributes.update(self.cost_attributes(priced, call))
        if isinstance(observation.error, BudgetExceeded):
            attributes[semconv.BUDGET] = observation.error.budget
        if self._capture_content and observation.exchanges and not observation.native:
            collector = observation.exchanges[-1].collector
            attributes.update(guarded(content.of_reply, collector.body, collector.texts) or {})
        if semconv.COST in attributes:
            # the last one stays where a limit on attributes drops the oldest
            attributes[semconv.COST] = attributes.pop(semconv.COST)
        span.set_attributes(attributes)
        if call.error_type and not observation.native:
            # the message of an exception may quote the prompt: only its type leaves the process
            span.set_status(Status(StatusCode.ERROR, call.error_type))

    def _settle_budget(self, observation: Observation, priced: Priced) -> None:
        _say_crossings(observation.span, observation.reservation.settle(priced))

    def _tell(
        self, call: Call, priced: Priced, span: SpanContext | None, scopes: Iterable[Any], histograms: int
    ) -> None:
        if self.recorder is not None and not self.keep_out_of_ledger:
            guarded(self.recorder.record, call, priced)
        guarded(self.counters.add, call, priced, span, histograms)
        for scope in scopes:
            guarded(scope.add, call, priced)
        for listener in self.listeners:
            guarded(listener, call, priced)


def _taken(created: Created | None) -> Any:
    """What was set aside at the creation, once: a batch's first line settles or releases it, the others are spend."""
    if created is None:
        return None
    reservation, created.reservation = created.reservation, None
    return reservation


def _say_crossings(span: ReadableSpan | Span | None, crossings: Iterable[Any] | None) -> None:
    if isinstance(span, Span) and span.is_recording():
        for crossing in crossings or ():
            span.add_event(crossing.EVENT, crossing.attributes())

"""The engine: from the SDK's own functions to a settled call.

What it tells (spans' cost, counters, ledger, budgets) is one object handed in, the `Desk`: imports go down only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.trace import Tracer

from .. import attribution
from ..call import DELEGATED_NOTE, Asked, Call, Priced, Tags, note
from . import outcome
from .call_span import Around, CallSpans, emits_own_span
from .client import ClientFacts, Clients
from .guard import guarded
from .later import Later
from .living import Living
from .observation import Observation
from .request import asked_of, path_of

if TYPE_CHECKING:
    from .declaration import Route, Sdk
    from .later import Created


class Reservation(Protocol):
    """Money set aside for a call at its admission."""

    def settle(self, priced: Priced | None) -> Any: ...
    def release(self) -> None: ...


class Gate(Protocol):
    """Budgets, as the engine sees them."""

    @property
    def waits(self) -> bool:
        """Whether admission may wait (a store shared between processes)."""

    def admit(self, asked: Asked) -> Reservation | None: ...
    async def admit_async(self, asked: Asked) -> Reservation | None: ...
    def spend(self, call: Call, priced: Priced, asked_tags: Tags | None = None) -> Any: ...


class Desk(Around, Protocol):
    """Where finished calls go, and who knows which spans stand around a call."""

    gate: Gate | None

    def settle_later(self, call: Call, created: Created | None) -> None:
        """Settle work that an earlier call created, once across processes, on a span of its own."""

    def settle(self, call: Call, observation: Observation) -> None:
        """Price, tell and keep a call; sets what is left to say on its span."""


class Engine:
    """Begins and concludes watched calls; one for a process."""

    def __init__(
        self, desk: Desk, tracer: Tracer, *, hosts: dict[str, str], capture_content: bool, include_usage: bool
    ) -> None:
        self.desk, self.tracer = desk, tracer
        self.clients = Clients(hosts)
        self.later = Later(desk.settle_later)
        self.keep_text = capture_content
        self.include_usage = include_usage
        carried = attribution.settings()
        self.baggage_comes_in = bool(carried.baggage_in)
        goes_out = bool(carried.baggage_out or carried.baggage_in)
        self.spans = CallSpans(desk, tracer, keep_text=capture_content, baggage_goes_out=goes_out)
        self.active: set[str] = set()
        """Names of the SDKs that are watched as a whole."""
        self.only: Living[Any] = Living()
        """Clients that are watched alone, where their SDK is not."""
        self.unwatched = 0
        """How often hooks were taken off: a call that was under way then may have an answer that nobody saw."""
        self.before_first_call: Callable[[], None] | None = None
        self._first: list[Any] = []
        self._first_is_made = False
        self._in_flight: Living[Observation] = Living()

    # -- beginning

    def begin(self, sdk: Sdk, client: Any, options: Any, kwargs: Mapping[str, Any]) -> Observation | None:
        """An observation of the request, without a span yet; None where it spends nothing or is not to be watched.

        `options` and `kwargs` are those of the SDK's own `request`.
        """
        url = options.url
        route = sdk.routes.get(f"POST {url}") if options.method == "post" else None
        if route is None:
            route = sdk.route(options.method, path_of(url))
            if route is None:
                return None
        if not self.watches(sdk, client):
            return None
        # each part apart: what fails leaves its part out, and the call is counted all the same
        facts = guarded(self.clients.facts, sdk, client, url) or ClientFacts.unknown()
        body, request = guarded(asked_of, options, kwargs) or ({}, {})
        observation = self.observation(sdk, route, client, facts, body, request)
        if route.settles:
            # reading a result costs nothing; what it shows may have to be settled
            observation.path = path_of(url)
        return observation

    def begin_call(self, observation: Observation, client: Any, options: Any) -> None:
        """The call's span, where it has one of ours."""
        if not observation.route.settles:
            emits_own = bool(observation.sdk.native_scope) and guarded(emits_own_span, client, options)
            guarded(self.spans.begin, observation, bool(emits_own))

    def watches(self, sdk: Sdk, client: Any) -> bool:
        """Whether calls of this client are watched; the first one that is assembles what it needs."""
        if sdk.name not in self.active and not self._watched_alone(client):
            return False
        if self.before_first_call is not None:
            self._first_call()
        return True

    def observation(
        self, sdk: Sdk, route: Route, client: Any, facts: ClientFacts, body: Mapping[str, Any], request: Any
    ) -> Observation:
        """A call that starts now, without a span yet."""
        observation = Observation(self, sdk, route, facts, body, request)
        guarded(self._attribute, observation, client)
        if facts.delegated and not route.settles:
            why = "this gateway is instrumented itself and counts the money"
            observation.note(note(DELEGATED_NOTE, why))
        return observation

    def _attribute(self, observation: Observation, client: Any) -> None:
        facts, model = observation.client, observation.model
        tags = attribution.for_request(facts.provider, facts.host, model, observation.body, client)
        observation.tags = observation.asked_tags = tags
        observation.scopes = attribution.rollups()
        if self.baggage_comes_in:
            observation.tags = attribution.with_inbound(tags)

    def _first_call(self) -> None:
        # calls of other threads wait here: a span started before the pipeline is there would go nowhere
        if not self._first:
            # not earlier: gevent replaces locks, and greenlets would wait for an older one for ever; reentrant, because
            # a signal handler may make a call of its own meanwhile
            self._first.append(threading.RLock())
        with self._first[0]:
            if self.before_first_call is not None and not self._first_is_made:
                self._first_is_made = True
                guarded(self.before_first_call)
                self.before_first_call = None

    def _watched_alone(self, client: Any) -> bool:
        # with_options() and copy() make a new client around the same HTTP client
        return any(
            client is one or getattr(client, "_client", None) is getattr(one, "_client", 0)
            for one in self.only
        )

    def asked(self, observation: Observation) -> Asked:
        """The call as admission sees it."""
        client, body = observation.client, observation.body
        return Asked(
            provider=client.provider,
            host=client.host,
            operation=observation.route.operation,
            model=observation.model,
            body=body,
            tags=observation.asked_tags,
            start_ns=observation.start_ns,
        )

    def admit(self, observation: Observation) -> None:
        """Ask the budgets; raises `BudgetExceeded` and ends the call's span where they refuse."""
        gate = self.desk.gate
        if gate is not None and not observation.route.settles:
            observation.reservation = gate.admit(self.asked(observation))

    async def admit_async(self, observation: Observation) -> None:
        """`admit` for async clients, awaited where the budgets' store is shared between processes."""
        gate = self.desk.gate
        if gate is None or observation.route.settles:
            return
        asked = self.asked(observation)
        asked.is_async = True
        observation.reservation = await gate.admit_async(asked) if gate.waits else gate.admit(asked)

    def adopt_current_span(self, observation: Observation) -> None:
        """At the first response: see whether the SDK made a span of its own."""
        self.spans.adopt(observation)

    # -- the end

    def follow(self, observation: Observation) -> None:
        """Remember a call whose body is read by the program, to settle it at exit at the latest."""
        self._in_flight.add(observation)

    def watch_lines(self, observation: Observation, result: Any) -> None:
        """Settle each line of a batch's results as the program reads it."""
        self.later.watch_lines(observation, result)

    def has_in_flight(self, since_ns: int, model: str, trace_id: int | None) -> bool:
        """Whether a call of this model that began since then, in this trace where one is given, is not settled yet."""
        return any(
            observation.start_ns >= since_ns
            and observation.model == model
            and trace_id in (None, observation.trace_id())
            for observation in self._in_flight
        )

    def finish_all(self) -> None:
        """Settle every call still in flight, as at the end of the program."""
        for observation in self._in_flight:
            guarded(observation.finish)

    def forget_all(self) -> None:
        """In a forked child: the parent's calls in flight are the parent's."""
        for observation in self._in_flight:
            observation.disown()
        self._in_flight.clear()
        self.later.forked()
        self._first.clear()  # a thread that is not here may hold it, in the middle of what comes before the first call
        self._first_is_made = False

    def conclude(self, observation: Observation) -> None:
        """Settle a call that ended and end its span."""
        if observation.followed:
            guarded(self._in_flight.discard, observation)
        for exchange in observation.exchanges:
            if exchange.unparsed:
                guarded(exchange.read_unparsed)
        if observation.wait_for_native and observation.span is None and not observation.suppressed:
            observation.span = guarded(self.spans.start, observation)
        if observation.route.settles:
            guarded(self.later.seen, observation)
            return
        call = guarded(outcome.call_of, observation) or guarded(outcome.call_without_reading, observation)
        if call is not None:
            guarded(self.desk.settle, call, observation)
            if call.notes:
                guarded(self.later.created, call, observation)
        elif observation.reservation is not None:
            guarded(observation.reservation.settle, None)
        if observation.span is not None and not observation.native:
            guarded(observation.span.end, call.end_ns if call is not None else None)

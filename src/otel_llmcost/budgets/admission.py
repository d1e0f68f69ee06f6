"""The gate in front of every call: reserve the most that it may cost before its request leaves.

The only thing that leaves here is `BudgetExceeded`, and only for `block` budgets. Amounts are femto-dollars.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING

from ..call import Asked, Call, Priced, Tags
from ..errors import BudgetExceeded
from .ceiling import Ceilings, Unbounded
from .counter import LONGEST_WAIT_S, CounterBusy, CounterStore, CounterUnreachable, Refusal, Sums, patiently
from .cover import NOT_LOOKED, Cover
from .model import CLOSED, MACHINE, REFUSE, Budget
from .past import Past
from .reservation import Part, Reservation, Settlement
from .rule import Rule
from .state import BudgetState, Crossing, state_of, sums_of, unknown_state
from .windows import NS

if TYPE_CHECKING:
    from ..prices import Book

_log = logging.getLogger("otel_llmcost.budgets")
_LEAST_TRIES = 8
_PAUSES_S = (0.0, 0.0002, 0.0005, 0.001, 0.001, 0.002)
_LOOK_AGAIN_S = 0.01
_MOST_MODELS = 4_096
_OUTAGE_SILENCE_S = 60


class Gate:
    """All budgets of a process.

    `counters` has a store for each scope in use. `clock_ns` is wall time. `ceilings` says what a call may cost.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        book: Book,
        counters: Mapping[str, CounterStore],
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.ceilings = Ceilings(book)
        self._clock_ns = clock_ns
        self.rules = tuple(Rule(budget, counters[budget.scope], self._now()) for budget in budgets)
        self._by_model: dict[tuple[str, str], Cover | None] = {}
        self._covers: dict[tuple[Rule, ...], Cover] = {}
        self._settlement = Settlement(clock_ns)
        self._outage_quiet_until = 0
        self.started_ns = clock_ns()
        self.past: Past | None = None
        """What the ledger knows from before; None where no budget asks for it."""

    def use_book(self, book: Book) -> None:
        """Bounds calls by another price book from now on."""
        self.ceilings = Ceilings(book)

    @property
    def waits(self) -> bool:
        """Whether admission may have to wait: a `block` budget is shared by processes, or goes on from the past."""
        unread = self.past is not None and not self.past.ready
        return any(
            rule.blocks and (rule.budget.scope == MACHINE or (unread and rule.goes_on)) for rule in self.rules
        )

    def amounts(self) -> list[tuple[str, int, int]]:
        """(budget, limit, spent) of every budget whose counter can be read, in femto-dollars; for gauges."""
        return [(state.name, state.limit, state.spent) for state in self.snapshot() if state.known]

    @property
    def refused(self) -> dict[str, int]:
        """How many calls each budget refused in this process."""
        return {rule.budget.name: rule.refused for rule in self.rules}

    def admit(self, asked: Asked) -> Reservation | None:
        """Reserves for a call before its request leaves; None where no budget covers it.

        Raises `BudgetExceeded`, nothing else. Waits at most 50 ms, and only for a `block` budget of machine scope;
        in the first calls of a process longer, for what was spent before (`Past`).
        """
        cover = self._cover_of(asked.provider, asked.model, asked.tags)
        if cover is None:
            return None
        reservation = self._prepare(asked, cover)
        past = self.past
        if past is not None and not past.ready and self._needed(past, cover) and not past.wait():
            self._go_without(past, reservation)
        if cover.blocks and not self._hold(reservation):
            for pause in self._holdpatiently(reservation):
                time.sleep(pause)
        return reservation

    async def admit_async(self, asked: Asked) -> Reservation | None:
        """As `admit`; the event loop runs on while it waits."""
        cover = self._cover_of(asked.provider, asked.model, asked.tags)
        if cover is None:
            return None
        reservation = self._prepare(asked, cover)
        past = self.past
        if past is not None and not past.ready and self._needed(past, cover):
            while past.remaining_s() > 0:
                await _sleep(_LOOK_AGAIN_S)
            if not past.ready:
                self._go_without(past, reservation)
        if cover.blocks and not self._hold(reservation):
            for pause in self._holdpatiently(reservation):
                await _sleep(pause)
        return reservation

    def spend(self, call: Call, priced: Priced, asked_tags: Tags | None = None) -> tuple[Crossing, ...]:
        """Counts a priced call that was never admitted; the thresholds that it crossed.

        `asked_tags`: the call's tags without those that other services sent along, which choose no budget.
        """
        tags = call.tags if asked_tags is None else asked_tags
        cover = self._cover_of(call.provider, call.request_model or call.response_model, tags)
        if cover is None:
            return ()
        if self.past is not None:
            self.past.begin()
        now = call.start_ns // NS or self._now()
        return Reservation(self._settlement, cover.parts(tags, now, 0), 0, now).settle(priced)

    def snapshot(self) -> list[BudgetState]:
        """How every budget stands now; for gauges and `budget status`."""
        self._settlement.make_up()
        now = self._now()
        for store in {id(rule.store): rule.store for rule in self.rules}.values():
            patiently(partial(store.expire, now))  # what the dead hold does not count at admission either
        return [self._state(rule, now) for rule in self.rules]

    def read_past(self, take_up: Callable[[], None]) -> None:
        """Begins to count what was spent before, once; `take_up` does so, in a thread. It raises `LedgerError`."""
        if self.past is None:
            self.past = Past(take_up)
            self.past.begin()

    def forked(self) -> None:
        """In a child: its own counters are empty, and go on from the past when they are first used."""
        self.started_ns = self._clock_ns()
        if self.past is not None:
            self.past = self.past.renewed()
        for store in {id(rule.store): rule.store for rule in self.rules}.values():
            forked = getattr(store, "after_fork_in_child", None)
            if forked is not None:
                forked()

    def flush(self, timeout_s: float) -> bool:
        """Settles what still waits for its counter, for the end of a program; whether nothing is left."""
        deadline = time.monotonic() + timeout_s
        while not self._settlement.make_up():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSES_S[-1])
        return True

    def _now(self) -> int:
        return self._clock_ns() // NS

    def _cover_of(self, provider: str, model: str, tags: Tags) -> Cover | None:
        """The budgets that cover a call, None for none."""
        found = self._by_model.get((provider, model), NOT_LOOKED)
        if found is NOT_LOOKED:
            found = self._by_model_found(provider, model)
        if found is None or found.untagged:
            return found
        rules = tuple([rule for rule in found.rules if rule.untagged or rule.budget.covers_tags(tags)])
        return self._cover(rules) if rules else None

    def _by_model_found(self, provider: str, model: str) -> Cover | None:
        rules = tuple(rule for rule in self.rules if rule.budget.covers_model(provider, model))
        if len(self._by_model) >= _MOST_MODELS:
            self._by_model.clear()
        found = self._by_model[provider, model] = self._cover(rules) if rules else None
        return found

    def _cover(self, rules: tuple[Rule, ...]) -> Cover:
        found = self._covers.get(rules)
        if found is None:
            if len(self._covers) >= _MOST_MODELS:
                self._covers.clear()
            found = self._covers[rules] = Cover(rules)
        return found

    def _prepare(self, asked: Asked, cover: Cover) -> Reservation:
        if self._settlement.late:
            self._settlement.make_up()
        now = asked.start_ns // NS or self._now()
        amount = 0
        if cover.blocks:
            try:
                amount = self.ceilings.of(asked)
            except Unbounded as reason:
                refusal = self._unbounded(cover.rules, asked.tags, str(reason), now)
                if refusal is not None:
                    raise refusal from None
        return Reservation(self._settlement, cover.parts(asked.tags, now, amount), amount, now)

    def _hold(self, reservation: Reservation) -> bool:
        """Holds in every store, or raises `BudgetExceeded` with nothing held; False where one is busy."""
        for part in reservation.parts:
            if not part.wanted:
                continue
            try:
                held = part.store.reserve(part.charges, reservation.started)
            except CounterBusy:
                return False
            except CounterUnreachable as reason:
                self._without_counter(reservation, part, str(reason))
                continue
            if isinstance(held, Refusal):
                reservation.release()
                refused, charge = part.rules[held.index], part.charges[held.index]
                raise refused.exceeded(held.sums, charge, reservation.started)
            part.hold, part.wanted = held, False
        return True

    def _needed(self, past: Past, cover: Cover) -> bool:
        """Whether a budget has to know what was spent before, first; begins to read it in any case."""
        past.begin()
        return cover.goes_on

    def _go_without(self, past: Past, reservation: Reservation) -> None:
        """Goes on without the past, as long as no budget says `closed`."""
        for rule in (rule for part in reservation.parts for rule in part.rules):
            if rule.blocks and rule.goes_on and rule.budget.on_unreachable == CLOSED:
                raise rule.unreachable(past.why, reservation.started)

    def _holdpatiently(self, reservation: Reservation) -> Iterator[float]:
        """Yields how long to wait before each further try to hold; gives everything back where it is broken off."""
        deadline = time.monotonic() + LONGEST_WAIT_S
        held = False
        try:
            for tries, pause in enumerate(chain(_PAUSES_S, repeat(_PAUSES_S[-1]))):
                left = deadline - time.monotonic()
                # Where other threads keep the interpreter, 50 ms may pass without a second try.
                if left <= 0 and tries >= _LEAST_TRIES:
                    break
                yield max(0.0, min(pause, left))
                held = self._hold(reservation)
                if held:
                    return
            for part in reservation.parts:
                if part.wanted:
                    self._without_counter(reservation, part, f"busy for {LONGEST_WAIT_S * 1000:.0f} ms")
            held = True
        finally:
            if not held:
                reservation.release()

    def _without_counter(self, reservation: Reservation, part: Part, why: str) -> None:
        """Goes on without a counter, or refuses, as each budget says."""
        now = reservation.started
        part.wanted = False
        for rule in part.rules:
            if rule.blocks and rule.budget.on_unreachable == CLOSED:
                reservation.release()
                raise rule.unreachable(why, now)
        if now >= self._outage_quiet_until:
            self._outage_quiet_until = now + _OUTAGE_SILENCE_S
            names = ", ".join(rule.budget.name for rule in part.rules)
            _log.warning("the counter of budgets %s cannot be reached: %s; calls are let through", names, why)

    def _unbounded(self, rules: Sequence[Rule], tags: Tags, why: str, now: int) -> BudgetExceeded | None:
        for rule in rules:
            if rule.blocks and rule.budget.on_unpriced == REFUSE:
                sums = patiently(partial(rule.store.sums, rule.account(tags), rule.span_at(now)))
                return rule.unbounded(sums if isinstance(sums, Sums) else None, why, now)
        return None

    def _state(self, rule: Rule, now: int) -> BudgetState:
        span = rule.span_at(now)
        sums = sums_of(rule.store, rule.budget, span)
        if isinstance(sums, str):
            return unknown_state(rule.budget, span, sums, refused=rule.refused)
        return state_of(rule.budget, span, sums, now, refused=rule.refused)


async def _sleep(seconds: float) -> None:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:  # another event loop (trio): its own sleep is not ours to import
        time.sleep(min(seconds, 0.001))
    else:
        await asyncio.sleep(seconds)

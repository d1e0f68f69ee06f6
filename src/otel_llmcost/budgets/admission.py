"""The gate in front of every call: reserve the most that it may cost before its request leaves.

The only thing that leaves here is `BudgetExceeded`, and only for `block` budgets. Amounts are femto-dollars.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from ..call import Asked, Call, Priced, Tags
from ..errors import BudgetExceeded
from .ceiling import CeilingBook, Ceilings, Unbounded
from .counter import CounterBusy, CounterStore, CounterUnreachable, Refusal, Sums
from .model import CLOSED, MACHINE, REFUSE, Budget
from .reservation import Part, Reservation, Settlement
from .rule import Rule
from .state import BudgetState, Crossing, state_of, unknown_state
from .windows import NS, Span

_log = logging.getLogger("otel_llmcost.budgets")
_LONGEST_WAIT_S = 0.05
_PAUSES_S = (0.0, 0.0002, 0.0005, 0.001, 0.001, 0.002)
_MOST_MODELS = 4_096
_OUTAGE_SILENCE_S = 60
T = TypeVar("T")
_NO_RULES: tuple[Rule, ...] = ()


class Gate:
    """All budgets of a process.

    `counters` has a store for each scope in use. `clock_ns` is wall time.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        book: CeilingBook,
        counters: Mapping[str, CounterStore],
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._ceilings = Ceilings(book)
        self._clock_ns = clock_ns
        self.rules = tuple(Rule(budget, counters[budget.scope], self._now()) for budget in budgets)
        self._by_model: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._settlement = Settlement(clock_ns)
        self._outage_quiet_until = 0

    def use_book(self, book: CeilingBook) -> None:
        """Bounds calls by another price book from now on."""
        self._ceilings = Ceilings(book)

    @property
    def waits(self) -> bool:
        """Whether admission may have to wait: there is a `block` budget that processes share."""
        return any(rule.blocks and rule.budget.scope == MACHINE for rule in self.rules)

    def amounts(self) -> list[tuple[str, int, int]]:
        """(budget, limit, spent) of every budget whose counter can be read, in femto-dollars; for gauges."""
        return [(state.name, state.limit, state.spent) for state in self.snapshot() if state.known]

    @property
    def refused(self) -> dict[str, int]:
        """How many calls each budget refused in this process."""
        return {rule.budget.name: rule.refused for rule in self.rules}

    def admit(self, asked: Asked) -> Reservation | None:
        """Reserves for a call before its request leaves; None where no budget covers it.

        Raises `BudgetExceeded`, nothing else. Waits at most 50 ms, and only for a `block` budget of machine scope.
        """
        rules = self._rules_of(asked.provider, asked.model, asked.tags)
        if not rules:
            return None
        reservation = self._prepare(asked, rules)
        for pause in self._reserve(reservation):
            time.sleep(pause)
        return reservation

    async def admit_async(self, asked: Asked) -> Reservation | None:
        """As `admit`; the event loop runs on while it waits."""
        rules = self._rules_of(asked.provider, asked.model, asked.tags)
        if not rules:
            return None
        reservation = self._prepare(asked, rules)
        for pause in self._reserve(reservation):
            await _sleep(pause)
        return reservation

    def spend(self, call: Call, priced: Priced) -> tuple[Crossing, ...]:
        """Counts a priced call that was never admitted; the thresholds that it crossed."""
        rules = self._rules_of(call.provider, call.request_model or call.response_model, call.tags)
        if not rules:
            return ()
        now = call.start_ns // NS or self._now()
        return Reservation(self._settlement, self._parts(rules, call.tags, now, 0), 0, now).settle(priced)

    def snapshot(self) -> list[BudgetState]:
        """How every budget stands now; for gauges and `budget status`."""
        self._settlement.make_up()
        now = self._now()
        return [self._state(rule, now) for rule in self.rules]

    def reconcile(self, ledger_totals: Mapping[str, int]) -> dict[str, int]:
        """Lifts machine budgets to what the ledger says was spent in their current window; by how much.

        `ledger_totals`: budget name -> femto-dollars. For times in which the counter could not be reached, or
        was lost. Spend that the counter already has is never taken away: the ledger may lag behind it.
        """
        if not self.flush(_LONGEST_WAIT_S):
            return {}
        now = self._now()
        lifted = {}
        for rule in self.rules:
            budget = rule.budget
            if budget.scope != MACHINE or budget.window.per_conversation or budget.name not in ledger_totals:
                continue
            charge = rule.charge(Tags(), now, 0)
            charge.amount = ledger_totals[budget.name]
            missing = _patiently(partial(rule.store.raise_to, charge, now))
            if isinstance(missing, int) and missing:
                lifted[budget.name] = missing
        return lifted

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

    def _rules_of(self, provider: str, model: str, tags: Tags) -> Sequence[Rule]:
        found = self._by_model.get((provider, model))
        if found is None:
            found = tuple(rule for rule in self.rules if rule.budget.covers_model(provider, model))
            if len(self._by_model) >= _MOST_MODELS:
                self._by_model.clear()
            self._by_model[provider, model] = found
        if not found:
            return _NO_RULES
        return [rule for rule in found if rule.untagged or rule.budget.covers_tags(tags)]

    def _prepare(self, asked: Asked, rules: Sequence[Rule]) -> Reservation:
        if self._settlement.late:
            self._settlement.make_up()
        now = asked.start_ns // NS or self._now()
        amount = 0
        if any(rule.blocks for rule in rules):
            try:
                amount = self._ceilings.of(asked)
            except Unbounded as reason:
                refusal = self._unbounded(rules, asked.tags, str(reason), now)
                if refusal is not None:
                    raise refusal from None
        return Reservation(self._settlement, self._parts(rules, asked.tags, now, amount), amount, now)

    def _parts(self, rules: Sequence[Rule], tags: Tags, now: int, amount: int) -> list[Part]:
        parts: list[Part] = []
        for rule in rules:
            part = next((part for part in parts if part.store is rule.store), None)
            if part is None:
                part = Part(rule.store, [], [])
                parts.append(part)
            part.rules.append(rule)
            part.charges.append(rule.charge(tags, now, amount))
        return parts

    def _reserve(self, reservation: Reservation) -> Iterator[float]:
        """Holds in store after store, all or nothing; yields how long to wait before it tries again."""
        admitted = False
        try:
            for part in reservation.parts:
                if any(rule.blocks for rule in part.rules):
                    yield from self._hold(part, reservation.started)
            admitted = True
        finally:
            # Refused, or cancelled while it waited.
            if not admitted:
                reservation.release()

    def _hold(self, part: Part, now: int) -> Iterator[float]:
        deadline, tries = 0.0, 0
        while True:
            try:
                held = part.store.reserve(part.charges, now)
            except CounterUnreachable as reason:
                return self._without_counter(part, str(reason), now)
            except CounterBusy:
                clock = time.monotonic()
                deadline = deadline or clock + _LONGEST_WAIT_S
                if clock >= deadline:
                    return self._without_counter(part, f"busy for {_LONGEST_WAIT_S * 1000:.0f} ms", now)
                yield min(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)], deadline - clock)
                tries += 1
                continue
            if isinstance(held, Refusal):
                raise part.rules[held.index].exceeded(held.sums, part.charges[held.index].amount, now)
            part.hold = held
            return None

    def _without_counter(self, part: Part, why: str, now: int) -> None:
        for rule in part.rules:
            if rule.blocks and rule.budget.on_unreachable == CLOSED:
                raise rule.unreachable(why, now)
        if now >= self._outage_quiet_until:
            self._outage_quiet_until = now + _OUTAGE_SILENCE_S
            names = ", ".join(rule.budget.name for rule in part.rules)
            _log.warning("the counter of budgets %s cannot be reached: %s; calls are let through", names, why)

    def _unbounded(self, rules: Sequence[Rule], tags: Tags, why: str, now: int) -> BudgetExceeded | None:
        for rule in rules:
            if rule.blocks and rule.budget.on_unpriced == REFUSE:
                sums = self._read(rule, rule.account(tags), rule.span_at(now))
                return rule.unbounded(sums if isinstance(sums, Sums) else None, why, now)
        return None

    def _state(self, rule: Rule, now: int) -> BudgetState:
        span = rule.span_at(now)
        sums = self._read(rule, rule.budget.name, span)
        if isinstance(sums, str):
            return unknown_state(rule.budget, span, sums, refused=rule.refused)
        return state_of(rule.budget, span, sums, now, refused=rule.refused)

    def _read(self, rule: Rule, account: str, span: Span) -> Sums | str:
        """What a counter says, or why it says nothing."""
        if rule.budget.window.per_conversation and "\0" not in account:
            return _patiently(lambda: rule.store.fullest(f"{account}\0"))
        return _patiently(lambda: rule.store.sums(account, span))


def _patiently(ask: Callable[[], T]) -> T | str:
    """The answer of a counter, asked again while it is busy (at most 50 ms); why there is none."""
    deadline = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            return ask()
        except CounterUnreachable as reason:
            return str(reason)
        except CounterBusy:
            if time.monotonic() >= deadline:
                return "busy"
            time.sleep(_PAUSES_S[1])


async def _sleep(seconds: float) -> None:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:  # another event loop (trio): its own sleep is not ours to import
        time.sleep(min(seconds, 0.001))
    else:
        await asyncio.sleep(seconds)

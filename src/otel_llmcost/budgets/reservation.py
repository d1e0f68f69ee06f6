"""What an admitted call holds, and how it is settled."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..call import PENDING, Priced
from .counter import Charge, CounterBusy, CounterStore, CounterUnreachable
from .rule import Rule
from .state import Crossing
from .windows import NS

_PAUSES_S = (0.0001, 0.0003, 0.0005, 0.001)
_MOST_LATE = 10_000


@dataclass(slots=True)
class Part:
    """A reservation's share in one store. `wanted`: something is still to be held; hold 0: nothing is held."""

    store: CounterStore
    rules: Sequence[Rule]
    charges: list[Charge]
    wanted: bool
    hold: int = 0


@dataclass(slots=True)
class _Late:
    """A settlement that found its counter busy or gone."""

    part: Part
    amounts: list[int]


class Settlement:
    """Ends reservations. One that finds its counter busy is kept and made up for at the next occasion."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._late: deque[_Late] = deque(maxlen=_MOST_LATE)
        self._pid = os.getpid()

    @property
    def late(self) -> int:
        """How many settlements still wait for their counter."""
        return len(self._late)

    def settle(self, parts: list[Part], priced: Priced | None) -> tuple[Crossing, ...]:
        """Counts what a call did cost, in every store; the thresholds crossed."""
        found: list[Crossing] = []
        for part in parts:
            pairs = zip(part.rules, part.charges, strict=True)
            found += self._end(part, [rule.owed(charge.amount, priced) for rule, charge in pairs])
        return tuple(found)

    def release(self, parts: list[Part]) -> None:
        """Gives back what a call held, as if it had never been."""
        for part in parts:
            if part.hold:
                self._end(part, [0] * len(part.charges))

    def make_up(self) -> bool:
        """Settles what had to wait; whether nothing waits any more."""
        if self._pid != os.getpid():
            # What a fork inherited is its parent's to make up for.
            self._pid = os.getpid()
            self._late.clear()
        for _late in range(len(self._late)):
            try:
                late = self._late.popleft()
            except IndexError:
                break
            try:
                self._apply(late.part, late.amounts)
            except (CounterBusy, CounterUnreachable):
                self._late.append(late)
                return False
        return True

    def _end(self, part: Part, amounts: list[int]) -> list[Crossing]:
        for pause in _PAUSES_S:
            try:
                return self._apply(part, amounts)
            except CounterUnreachable:
                break
            except CounterBusy:
                time.sleep(pause)
        self._late.append(_Late(part, amounts))
        return []

    def _apply(self, part: Part, amounts: list[int]) -> list[Crossing]:
        now = self._clock_ns() // NS
        moves = part.store.settle(part.hold, part.charges, amounts, now)
        # A hold that a fork inherited moves nothing: its parent settles it.
        pairs = zip(part.rules, moves, strict=False)
        return [crossing for rule, move in pairs for crossing in rule.crossed(move, now)]


class Reservation:
    """What one admitted call holds. Ends by `settle` or `release`, whichever comes first.

    `amount` is the most that the call can cost, in femto-dollars (0 where no `block` budget covers it).
    """

    __slots__ = ("_done", "_settlement", "amount", "parts", "started")

    def __init__(self, settlement: Settlement, parts: list[Part], amount: int, started: int) -> None:
        self._settlement, self.parts, self.amount, self.started = settlement, parts, amount, started
        self._done = False

    @property
    def budgets(self) -> list[str]:
        """The names of the budgets that cover the call."""
        return [rule.budget.name for part in self.parts for rule in part.rules]

    def settle(self, priced: Priced | None) -> tuple[Crossing, ...]:
        """Counts what the call did cost; the thresholds that it crossed.

        None: nobody will ever know, its whole bound counts for `block` budgets. Status `pending` keeps the
        reservation: settle again when the result is there. A second settlement does nothing.
        """
        if self._done or (priced is not None and priced.status == PENDING):
            return ()
        self._done = True
        return self._settlement.settle(self.parts, priced)

    def release(self) -> None:
        """Gives everything back: the call was not billed (never sent, or answered with an HTTP error)."""
        if not self._done:
            self._done = True
            self._settlement.release(self.parts)

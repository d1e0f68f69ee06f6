"""The counter of a budget: what is spent, what is reserved. One small interface for every store.

A store keeps *accounts* (a budget, or one conversation of it), each with one cell per *bucket* (the start of
a calendar window, or a step of a rolling one), and *holds* (open reservations). `reserve` is all or nothing.
Amounts are femto-dollars, times seconds since the epoch. A store never waits long: where it would have to, it
raises `CounterBusy`, and the caller decides how to wait. A store for a fleet (Redis, PostgreSQL) implements
`CounterStore` and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .windows import Span

LONGEST_WAIT_S = 0.05
"""How long anybody waits for a counter that is busy."""
_PAUSE_S = 0.0002
T = TypeVar("T")

LEASE_S = 3600
"""How long a reservation is kept for a call that never ends."""


class CounterBusy(Exception):  # noqa: N818 - a state, inside budgets only
    """Somebody else holds the counter at this moment: try again."""


class CounterUnreachable(Exception):  # noqa: N818 - a state, inside budgets only
    """The counter cannot be used; the message says why."""


@dataclass(slots=True)
class Charge:
    """What one call asks of one account in the window that `span` describes. `limit` None never refuses."""

    account: str
    span: Span
    amount: int
    limit: int | None


@dataclass(slots=True)
class Sums:
    """An account's window as it stands. `first` is when the account was first charged (0: never)."""

    spent: int = 0
    reserved: int = 0
    first: int = 0


@dataclass(slots=True)
class Refusal:
    """Which of the charges found no room, and what stood there."""

    index: int
    sums: Sums


@dataclass(slots=True)
class Move:
    """How a settlement moved the spend of one account's window."""

    before: int
    after: int


class CounterStore(Protocol):
    """Where spend and reservations are kept. Raises `CounterBusy` or `CounterUnreachable`, nothing else."""

    def reserve(self, charges: Sequence[Charge], now: int) -> int | Refusal:
        """Holds every charge, or none: the hold's id, or who refused. Expired holds never refuse anybody."""

    def settle(self, hold: int, charges: Sequence[Charge], amounts: Sequence[int], now: int) -> list[Move]:
        """Ends a hold and adds what was really spent, one amount a charge. Hold 0 only adds.

        A hold that expired meanwhile only adds. One that belongs to another process (inherited by a fork)
        does nothing and moves nothing.
        """

    def expire(self, now: int) -> int:
        """Drops the holds of crashed holders and those past their lease; how many."""

    def sums(self, account: str, span: Span) -> Sums:
        """What is spent and what is reserved in a window of an account."""

    def raise_to(self, charge: Charge, now: int) -> int:
        """Lifts the spend of a window to `charge.amount` where it is less; how much was missing."""

    def fullest(self, prefix: str) -> Sums:
        """The account with the greatest spend among those whose name begins with `prefix`."""


def patiently(ask: Callable[[], T]) -> T | str:
    """The answer of a counter, asked again while it is busy (at most 50 ms); why there is none."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while True:
        try:
            return ask()
        except CounterUnreachable as reason:
            return str(reason)
        except CounterBusy:
            if time.monotonic() >= deadline:
                return "busy"
            time.sleep(_PAUSE_S)

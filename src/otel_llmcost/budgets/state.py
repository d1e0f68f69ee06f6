"""How a budget stands, and when it runs out if spending goes on as it did."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..call import AttributeValue
from ..money import as_float, as_text
from ..semconv import BUDGET
from .counter import CounterStore, Sums, patiently
from .model import Budget
from .windows import ROLLING, Span, iso

_LEAST_ELAPSED_S = 600


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget as it stands at one instant. Amounts are femto-dollars, instants seconds since the epoch.

    Of a per-conversation budget it is the conversation that spent most. `known` is False where the counter
    could not be read (the reason is in `note`); `runs_out_at` is 0 where it does not within the window, where it
    has (`reached`), and where too little of the window has passed to tell.
    """

    name: str
    action: str
    scope: str
    window: str
    limit: int
    spent: int
    reserved: int
    window_start: int
    resets_at: int
    runs_out_at: int
    refused: int = 0
    known: bool = True
    note: str = ""

    @property
    def remaining(self) -> int:
        """What a new call may still cost; never negative."""
        return max(0, self.limit - self.spent - self.reserved)

    @property
    def reached(self) -> bool:
        """Whether the limit is spent; since when is not known."""
        return self.known and self.spent >= self.limit

    def as_json(self) -> dict[str, object]:
        """Amounts as exact decimal text in USD, instants as ISO 8601 text in UTC or None."""
        return {
            "budget": self.name,
            "action": self.action,
            "scope": self.scope,
            "window": self.window,
            "currency": "USD",
            "limit": as_text(self.limit),
            "spent": as_text(self.spent) if self.known else None,
            "reserved": as_text(self.reserved) if self.known else None,
            "remaining": as_text(self.remaining) if self.known else None,
            "window_start": iso(self.window_start) or None,
            "resets_at": iso(self.resets_at) or None,
            "reached": self.reached if self.known else None,
            "runs_out_at": iso(self.runs_out_at) or None,
            "refused": self.refused,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Crossing:
    """A settlement took a budget over a threshold (per cent of its limit). Amounts are femto-dollars."""

    budget: str
    threshold: int
    spent: int
    limit: int

    EVENT = "llmcost.budget.threshold"

    @property
    def share(self) -> float:
        """What is spent, as a share of the limit."""
        return self.spent / self.limit

    def attributes(self) -> dict[str, AttributeValue]:
        """Attributes of the span event `llmcost.budget.threshold`."""
        return {
            BUDGET: self.budget,
            "llmcost.budget.threshold": self.threshold,
            "llmcost.budget.spent": as_float(self.spent),
            "llmcost.budget.limit": as_float(self.limit),
        }


def sums_of(store: CounterStore, budget: Budget, span: Span) -> Sums | str:
    """What a counter says of a budget (of its fullest conversation, where each has its own), or why it is silent."""
    if budget.window.per_conversation:
        return patiently(partial(store.fullest, f"{budget.name}\0"))
    return patiently(partial(store.sums, budget.name, span))


def state_of(budget: Budget, span: Span, sums: Sums, now: int, *, refused: int = 0) -> BudgetState:
    """How a budget stands, given what its counter says."""
    resets_at = 0 if budget.window.kind == ROLLING else span.resets
    return BudgetState(
        name=budget.name,
        action=budget.action,
        scope=budget.scope,
        window=str(budget.window),
        limit=budget.amount,
        spent=sums.spent,
        reserved=sums.reserved,
        window_start=span.since,
        resets_at=resets_at,
        runs_out_at=_runs_out_at(budget, span, sums, now),
        refused=refused,
    )


def unknown_state(budget: Budget, span: Span, why: str, *, refused: int = 0) -> BudgetState:
    """A budget whose counter cannot be read."""
    return BudgetState(
        name=budget.name,
        action=budget.action,
        scope=budget.scope,
        window=str(budget.window),
        limit=budget.amount,
        spent=0,
        reserved=0,
        window_start=span.since,
        resets_at=span.resets,
        runs_out_at=0,
        refused=refused,
        known=False,
        note=why,
    )


def _runs_out_at(budget: Budget, span: Span, sums: Sums, now: int) -> int:
    """The instant at which the limit is reached at the window's mean rate so far; 0 for none in this window."""
    elapsed = now - max(span.since, sums.first)
    if not 0 < sums.spent < budget.amount or elapsed < _least_elapsed(budget, span):
        return 0
    at = now + (budget.amount - sums.spent) * elapsed // sums.spent
    # A rolling window gives back what it took: it runs out only where its own rate exceeds its limit.
    end = now + budget.window.length if budget.window.kind == ROLLING else span.resets
    return 0 if end and at >= end else at


def _least_elapsed(budget: Budget, span: Span) -> int:
    """How many seconds of spending make a rate: from less, a forecast jumps with every call."""
    length = budget.window.length if budget.window.kind == ROLLING else max(span.resets - span.since, 0)
    if not length:
        return _LEAST_ELAPSED_S
    return max(min(max(_LEAST_ELAPSED_S, length // 100), length // 10), 1)

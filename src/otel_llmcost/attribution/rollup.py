"""What the calls inside a scope came to: the accumulator that settling adds each call to."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .. import semconv
from ..call import PARTIAL, PENDING, UNPRICED, Call, Priced, created_by
from ..meters import CACHE_READ_METERS, OUTPUT_METERS, PROMPT_METERS
from ..money import as_float
from .turns import Turns

_PROMPT, _CACHED, _OUTPUT = frozenset(PROMPT_METERS), frozenset(CACHE_READ_METERS), frozenset(OUTPUT_METERS)


@runtime_checkable
class Accumulates(Protocol):
    """Whatever wants to hear of the calls that were started inside its scope."""

    closed: bool
    """True when its scope has ended; scopes opened afterwards no longer carry it along."""

    def add(self, call: Call, priced: Priced) -> None:
        """One settled call. Called once per call, from any thread; must be quick and never raise."""

    def stage_passed(self, name: str, seconds: float) -> None:
        """A `stage` block inside ended after so many seconds of its own (nested stages apart)."""


class Rollup:
    """Calls, tokens and femto-dollars of one scope; `amount` sums what is known (see `is_lower_bound`).

    `settle` calls add the cost and tokens of work that was counted as a call when it was created.
    """

    __slots__ = (
        "_pending",
        "_turns",
        "amount",
        "cache_read_tokens",
        "calls",
        "closed",
        "errors",
        "input_tokens",
        "output_tokens",
        "priced_calls",
        "savings",
        "statuses",
    )

    def __init__(self) -> None:
        self._turns = Turns()
        self.closed = False
        self.calls = 0
        self.priced_calls = 0
        self._pending: set[str] = set()
        self.errors = 0
        self.amount = 0
        self.savings = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cache_read_tokens = 0
        self.statuses: dict[str, int] = {}

    def add(self, call: Call, priced: Priced) -> None:
        """Adds one settled call, from any thread, and in the middle of adding another."""
        self._turns.do(self._add, call, priced)

    def _add(self, call: Call, priced: Priced) -> None:
        prompt = output = cached = 0
        for meter, quantity in call.usage.items():
            if meter in _PROMPT:
                prompt += int(quantity)
                if meter in _CACHED:
                    cached += int(quantity)
            elif meter in _OUTPUT:
                output += int(quantity)
        if call.operation != semconv.SETTLE:
            self.calls += 1
        elif self._pending:
            self._pending.discard(created_by(call))
        if call.error_type:
            self.errors += 1
        if priced.amount is not None:
            self.priced_calls += 1
            self.amount += priced.amount
        elif priced.status == PENDING:
            self._pending.add(call.response_id or call.key)
        self.savings += priced.savings
        self.input_tokens += prompt
        self.output_tokens += output
        self.cache_read_tokens += cached
        self.statuses[priced.status] = self.statuses.get(priced.status, 0) + 1

    @property
    def unpriced_calls(self) -> int:
        """Calls that have no price, or none yet: work that is paid later counts until it is first settled."""
        return self.statuses.get(UNPRICED, 0) + len(self._pending)

    @property
    def is_lower_bound(self) -> bool:
        """Whether the true cost is above `amount`: a call has no price (yet), or only a part of its price is known."""
        return self.unpriced_calls > 0 or self.statuses.get(PARTIAL, 0) > 0

    def stage_passed(self, name: str, seconds: float) -> None:
        """Nothing: a roll-up has no stages."""

    def attributes(self) -> dict[str, int | float]:
        """The `llmcost.rollup.*` attributes; the cost is absent where no call inside was priced."""
        values: dict[str, int | float] = {
            semconv.ROLLUP_CALLS: self.calls,
            semconv.ROLLUP_INPUT_TOKENS: self.input_tokens,
            semconv.ROLLUP_OUTPUT_TOKENS: self.output_tokens,
        }
        if self.priced_calls:
            values[semconv.ROLLUP_COST] = as_float(self.amount)
        return values

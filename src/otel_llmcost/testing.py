"""For users' own tests: assert what code would cost.

with otel_llmcost.testing.capture() as calls:
    answer(question)
assert calls.total == Decimal("0.0024252")
assert calls.count == 1
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from .call import Call, Priced
from .errors import ConfigurationError
from .money import as_decimal
from .process import enabled
from .runtime import instrument, runtime
from .usage.meters import INPUT_METERS, OUTPUT_METERS, PROMPT_METERS, total


@dataclass(slots=True)
class CapturedCall:
    """One settled call: what was bought and what it costs."""

    call: Call
    priced: Priced

    @property
    def model(self) -> str:
        """The model that answered, else the one that was asked."""
        return self.call.response_model or self.call.request_model

    @property
    def cost(self) -> Decimal | None:
        """USD, exact; None where nothing is known."""
        return None if self.priced.amount is None else as_decimal(self.priced.amount)

    @property
    def status(self) -> str:
        """`llmcost.status`."""
        return self.priced.status


@dataclass(slots=True)
class Captured:
    """The calls that were settled inside a `capture()`."""

    calls: list[CapturedCall] = field(default_factory=list)

    def __iter__(self) -> Iterator[CapturedCall]:
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)

    @property
    def count(self) -> int:
        """How many calls."""
        return len(self.calls)

    @property
    def total(self) -> Decimal:
        """USD, exact, of the calls whose cost is known."""
        return as_decimal(sum(call.priced.amount or 0 for call in self.calls))

    @property
    def unpriced(self) -> list[CapturedCall]:
        """The calls that have no cost, with their reasons in `priced.reasons`."""
        return [call for call in self.calls if call.priced.amount is None]

    @property
    def by_model(self) -> Mapping[str, Decimal]:
        """Model -> USD."""
        sums: dict[str, int] = {}
        for call in self.calls:
            sums[call.model] = sums.get(call.model, 0) + (call.priced.amount or 0)
        return {model: as_decimal(amount) for model, amount in sums.items()}

    @property
    def tokens(self) -> Mapping[str, int]:
        """Input (with cached), uncached input and output tokens."""
        usages = [call.call.usage for call in self.calls]
        return {
            "input": sum(total(usage, PROMPT_METERS) for usage in usages),
            "uncached_input": sum(total(usage, INPUT_METERS) for usage in usages),
            "output": sum(total(usage, OUTPUT_METERS) for usage in usages),
        }


@contextmanager
def capture(*, ledger: bool = False) -> Iterator[Captured]:
    """Collect the calls that are settled meanwhile; watches all SDKs if nobody does yet.

    With `ledger=False` (the default) they are kept out of the local ledger: replayed recordings cost nothing.
    Raises `ConfigurationError` where everything is switched off: a test that sees no call would pass for nothing.
    """
    if not enabled():
        raise ConfigurationError(
            "capture() can see no call: everything is switched off; unset OTEL_LLMCOST_DISABLED (`disabled`) for tests"
        )
    made = runtime()
    if not made.engine.active:
        instrument()
    found = Captured()

    def take(call: Call, priced: Priced) -> None:
        found.calls.append(CapturedCall(call, priced))

    settler = made.settler
    kept_out = settler.keep_out_of_ledger
    settler.listeners.append(take)
    settler.keep_out_of_ledger = kept_out or not ledger
    try:
        yield found
    finally:
        settler.listeners.remove(take)
        settler.keep_out_of_ledger = kept_out

"""For users' own tests: assert what code would cost.

with otel_llmcost.testing.capture() as calls:
    answer(question)
assert calls.total == Decimal("0.0024252")
assert calls.count == 1
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from .call import PARTIAL, Call, Priced
from .errors import ConfigurationError, PriceError
from .meters import INPUT_METERS, OUTPUT_METERS, PROMPT_METERS, total
from .money import as_decimal
from .process import enabled
from .runtime import Runtime, runtime
from .watch.supported import SDKS

_NAMED = 5


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
        """USD, exact; None where it is not known, or only a part of it (`priced.amount`, in femto-dollars)."""
        amount = self.priced.amount
        return None if amount is None or self.priced.status == PARTIAL else as_decimal(amount)

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
        """USD, exact. Raises `PriceError` where a call's cost is not wholly known: a bound would hold for nothing."""
        unknown = self.unpriced
        if unknown:
            raise PriceError(_unknown(unknown, self.count))
        return self.known_total

    @property
    def known_total(self) -> Decimal:
        """USD of what is known, a lower bound of the total."""
        return as_decimal(sum(call.priced.amount or 0 for call in self.calls))

    @property
    def unpriced(self) -> list[CapturedCall]:
        """The calls whose cost is not known, or only a part of it, with their reasons in `priced.reasons`."""
        return [call for call in self.calls if call.cost is None]

    @property
    def by_model(self) -> Mapping[str, Decimal | None]:
        """Model -> USD; None for one of which a call's cost is not wholly known."""
        sums: dict[str, Decimal | None] = {}
        for call in self.calls:
            before, cost = sums.get(call.model, Decimal(0)), call.cost
            sums[call.model] = None if before is None or cost is None else before + cost
        return sums

    @property
    def tokens(self) -> Mapping[str, int]:
        """Input (with cached), uncached input and output tokens."""
        usages = [call.call.usage for call in self.calls]
        return {
            "input": sum(total(usage, PROMPT_METERS) for usage in usages),
            "uncached_input": sum(total(usage, INPUT_METERS) for usage in usages),
            "output": sum(total(usage, OUTPUT_METERS) for usage in usages),
        }


def _unknown(calls: list[CapturedCall], of: int) -> str:
    why = {call.model: ", ".join(call.priced.reasons) or call.status for call in calls}
    named = "; ".join(f"{model} ({reasons})" for model, reasons in list(why.items())[:_NAMED])
    more = f"; and {len(why) - _NAMED} models more" if len(why) > _NAMED else ""
    # mostly the reason knows better than we what to do
    told = all("remedy: " in reasons for reasons in why.values())
    remedy = "or take" if told else "remedy: a [[prices.row]] in otel-llmcost.toml, or"
    return (
        f"what {len(calls)} of {of} calls cost is not known: {named}{more}; {remedy} known_total, "
        "which is a lower bound"
    )


class _Captures:
    """The captures that are open in this process: they watch together, and the last one stops what they began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = self._out_of_ledger = 0
        self._watched_before = self._kept_out_before = False

    def begin(self, made: Runtime, ledger: bool) -> None:
        """Watches the SDKs that nobody watches."""
        with self._lock:
            if not self._open:
                self._watched_before = made.processor.active
                self._kept_out_before = made.settler.keep_out_of_ledger
            self._open += 1
            self._out_of_ledger += not ledger
            made.settler.keep_out_of_ledger = self._kept_out_before or self._out_of_ledger > 0
            made.watch([name for name in SDKS if name not in made.engine.active])

    def end(self, made: Runtime, ledger: bool) -> None:
        """Stops what was begun, with the last of them."""
        with self._lock:
            self._open -= 1
            self._out_of_ledger -= not ledger
            made.settler.keep_out_of_ledger = self._kept_out_before or self._out_of_ledger > 0
            if not self._open:
                made.unwatch_unasked(whole=not self._watched_before)


_captures = _Captures()


@contextmanager
def capture(*, ledger: bool = False) -> Iterator[Captured]:
    """Collect the calls that are settled meanwhile; the SDKs that nobody watches are watched until the end.

    With `ledger=False` (the default) they are kept out of the local ledger: replayed recordings cost nothing.
    Raises `ConfigurationError` where everything is switched off (a test that sees no call would pass for nothing), and
    for what `instrument()` raises it.
    """
    if not enabled():
        raise ConfigurationError(
            "capture() can see no call: everything is switched off; unset OTEL_LLMCOST_DISABLED (`disabled`) for tests"
        )
    made = runtime()
    if made.config.fatal:
        raise made.config.fatal[0]
    found = Captured()

    def take(call: Call, priced: Priced) -> None:
        found.calls.append(CapturedCall(call, priced))

    made.settler.listeners.append(take)
    _captures.begin(made, ledger)
    try:
        yield found
    finally:
        _captures.end(made, ledger)
        made.settler.listeners.remove(take)

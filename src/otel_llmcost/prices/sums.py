"""What quantities cost at a plan: amounts per component, and what could not be priced."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ..call import PricedLine, note
from ..meters import TOKEN_METERS, Quantity, Usage
from ..money import divide_half_even
from .plan import Level, Plan
from .terms import Segment, Wanted

_NS_PER_S = 10**9
_WITH_THE_MACHINE = frozenset(TOKEN_METERS)
"""What costs nothing of its own where a model is billed by the time that its machine takes."""


@dataclass(slots=True, eq=False, repr=False)
class Sum:
    """Integer femto-dollars of some usage. `amount` is None while nothing at all is known."""

    amount: int | None = None
    components: dict[str, int] = field(default_factory=dict)
    savings: int = 0
    lines: list[PricedLine] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    missing: bool = False
    """Something has no price: the amount is a lower bound."""
    doubtful: bool = False
    """Something was priced by assumption: the amount is an estimate."""

    def add(self, component: str, part: int, saved: int = 0) -> None:
        """Adds one line's amount."""
        self.amount = (self.amount or 0) + part
        if part:
            self.components[component] = self.components.get(component, 0) + part
        self.savings += saved

    def lack(self, reason: str) -> None:
        """Notes something that has no price."""
        self.missing = True
        self.say(reason)

    def say(self, reason: str) -> None:
        """Adds a reason once."""
        if reason not in self.reasons:
            self.reasons.append(reason)


def add_usage(
    total: Sum,
    usage: Usage,
    segment: Segment,
    wanted: Wanted,
    start_ns: int,
    end_ns: int,
    *,
    summed: bool = False,
) -> None:
    """Adds what `usage` costs in a segment, billed between two instants (nanoseconds since the epoch).

    `summed` says that it is the sum of several requests, whose sizes nobody told.
    """
    for reason in segment.reasons:
        total.say(reason)
    plan = segment.plan
    if plan is None:
        total.missing = True
        _lines_without_price(total, usage, wanted)
        return
    total.missing = total.missing or segment.lower_bound
    at_ns = end_ns if plan.ends and end_ns else start_ns
    level = plan.level(usage, at_ns)
    if summed and level.over:
        level = _smallest(total, plan, wanted, at_ns)
    for meter, quantity in usage.items():
        if plan.gpu_second is None or meter in level.rates or meter not in _WITH_THE_MACHINE:
            _add_meter(total, meter, quantity, level, wanted)
    if plan.row.free:
        total.add("", 0)
    if plan.gpu_second is not None:
        _add_gpu(total, plan, wanted, max(end_ns - start_ns, 0) if end_ns else 0)


def _smallest(total: Sum, plan: Plan, wanted: Wanted, at_ns: int) -> Level:
    # A sum below the threshold proves that no request is beyond it; one above it says nothing of them.
    common, beyond = plan.levels_at(at_ns)[:2]
    text = (
        f"a request of {wanted.name()} with more than {beyond.over} tokens costs more; only the sum of several"
        f" is told, priced as if none had so many"
    )
    total.lack(note("ambiguous", text))
    return common


def _add_meter(total: Sum, meter: str, quantity: Quantity, level: Level, wanted: Wanted) -> None:
    if not is_quantity(quantity):
        total.lack(note("incomplete", f"{meter} is {quantity!r}, which is no quantity"))
        return
    rate = level.rates.get(meter)
    if not quantity:
        total.add("", 0)
        return
    if rate is None:
        total.lack(note("no-rate", _no_rate(meter, wanted)))
        total.lines.append(_line(wanted, meter, quantity, None))
        return
    part = rate.amount(quantity)
    total.add(rate.component, part, rate.saved(quantity))
    total.lines.append(_line(wanted, meter, quantity, part))
    if rate.doubt:
        total.doubtful = True
        total.say(note("ambiguous", rate.doubt))


def _no_rate(meter: str, wanted: Wanted) -> str:
    of_variant = f" of {wanted.variant}" if wanted.variant else ""
    return f"{meter}{of_variant} has no price for {wanted.name()} at tier {wanted.tier}"


def _add_gpu(total: Sum, plan: Plan, wanted: Wanted, duration_ns: int) -> None:
    if plan.gpu_second is None:
        return
    if duration_ns <= 0:
        total.lack(note("incomplete", f"{wanted.name()} is billed by its duration, which is not told"))
        return
    rate = plan.gpu_second
    part = divide_half_even(duration_ns * rate.numerator, _NS_PER_S * rate.denominator)
    total.add("units", part)
    total.lines.append(_line(wanted, "gpu_second", Decimal(duration_ns).scaleb(-9), part))


def _lines_without_price(total: Sum, usage: Usage, wanted: Wanted) -> None:
    total.lines.extend(_line(wanted, meter, quantity, None) for meter, quantity in usage.items() if quantity)


def _line(wanted: Wanted, meter: str, quantity: Quantity, amount: int | None) -> PricedLine:
    return PricedLine(wanted.provider, wanted.model, wanted.tier, meter, quantity, amount)


def is_quantity(value: object) -> bool:
    """Whether a value can be billed: a whole or decimal number that is finite and not negative."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value >= 0
    return isinstance(value, Decimal) and value.is_finite() and value >= 0


def shared_out(amount: int, components: dict[str, int]) -> dict[str, int]:
    """`amount` split like `components`, to the last femto-dollar; "units" alone where those are empty."""
    whole = sum(components.values())
    if whole <= 0:
        return {"units": amount} if amount else {}
    parts = {name: amount * part // whole for name, part in components.items()}
    largest = max(components, key=lambda name: components[name])
    parts[largest] += amount - sum(parts.values())
    return {name: part for name, part in parts.items() if part}

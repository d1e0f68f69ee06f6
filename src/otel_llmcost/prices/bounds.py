"""The dearest that a call could be billed: for budgets that must not be overspent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from ..usage.meters import OUTPUT_METERS, PROMPT_METERS
from .plan import Level, Plan


def dearest(
    plans: Iterable[Plan], input_tokens: int, output_tokens: int, units: Mapping[str, int]
) -> int | None:
    """Femto-dollars that no billing of these tokens and units by the plans can exceed, rounded up.

    Every prompt token may be cached, written to the dearest cache, audio or plain; every output one reasoning,
    audio or image. None where a plan has no price for them.
    """
    bounds = []
    for plan in plans:
        if plan.committed:
            continue
        for level in plan.every_level():
            bound = _bound(level, input_tokens, output_tokens, units)
            if bound is None:
                return None
            bounds.append(bound)
    return max(bounds, default=None)


def _bound(level: Level, input_tokens: int, output_tokens: int, units: Mapping[str, int]) -> int | None:
    if not _reachable(level, input_tokens, output_tokens):
        return 0
    total = Fraction(0)
    for count, meters in ((input_tokens, PROMPT_METERS), (output_tokens, OUTPUT_METERS)):
        prices = [_price(level, meter) for meter in meters if meter in level.rates]
        if count and not prices:
            return None
        total += count * max(prices, default=Fraction(0))
    for meter, count in units.items():
        if meter not in level.rates:
            return None
        total += count * _price(level, meter)
    return -(-total.numerator // total.denominator)


def _price(level: Level, meter: str) -> Fraction:
    rate = level.rates[meter]
    return Fraction(rate.numerator, rate.denominator)


def _reachable(level: Level, input_tokens: int, output_tokens: int) -> bool:
    counts_output = any(meter in level.basis for meter in OUTPUT_METERS)
    return not level.over or input_tokens + (output_tokens if counts_output else 0) > level.over

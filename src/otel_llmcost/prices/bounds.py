"""The dearest that a call could be billed: for budgets that must not be overspent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction

from .. import semconv
from ..meters import OUTPUT_METERS, PROMPT_METERS
from .catalogue import Found
from .plan import Level, Plan
from .terms import Wanted


def every_terms(
    found: Found, provider: str, region: str, host: str, *, of_variants: bool, never: Collection[str] = ()
) -> Iterator[Wanted]:
    """All the terms on which a found model could be billed; one region where it is known, else every named one.

    `never` names tiers and speeds that are left out, unless there are no others.
    """
    told_by_host = provider == semconv.OPENAI and bool(host)
    places = {region} if region or told_by_host else {"", *_regions(found)}
    variants = {"", *_variants(found)} if of_variants else {""}
    kinds = _kinds(found)
    possible = {(tier, speed) for tier, speed in kinds if tier not in never and speed not in never}
    for tier, speed in sorted(possible or kinds):
        for place in sorted(places):
            for variant in sorted(variants):
                yield Wanted(provider, found.model, tier, speed, place, variant)


def _kinds(found: Found) -> set[tuple[str, str]]:
    rows = [candidate.row for candidate in found.candidates]
    kinds = {(row.tier, row.speed) for row in rows}
    return kinds | {(row.tier, s) for row in rows for m in row.multipliers for s in m.when.get("speed", ())}


def _regions(found: Found) -> Iterator[str]:
    for candidate in found.candidates:
        yield from candidate.row.region
        for multiplier in candidate.row.multipliers:
            yield from multiplier.when.get("region", ())


def _variants(found: Found) -> Iterator[str]:
    for candidate in found.candidates:
        for fees in candidate.row.fees.values():
            yield from (fee.variant for fee in fees)


def dearest(
    plans: Iterable[Plan], input_tokens: int, output_tokens: int, units: Mapping[str, int]
) -> int | None:
    """Femto-dollars that no billing of these tokens and units by the plans can exceed, rounded up.

    Every prompt token may be cached, written to the dearest cache, audio or plain; every output one reasoning,
    audio or image. None where nothing prices some of them.
    """
    levels = [
        level
        for plan in plans
        if not plan.committed
        for level in plan.every_level()
        if _is_reachable(level, input_tokens, output_tokens)
    ]
    if not levels:
        return None
    prompt, answer = _highest(levels, PROMPT_METERS), _highest(levels, OUTPUT_METERS)
    total = Fraction(0)
    if prompt is not None or answer is not None:  # else tokens are not what is billed
        for count, price in ((input_tokens, prompt), (output_tokens, answer)):
            if count and price is None:
                return None
            total += count * (price or 0)
    for meter, count in units.items():
        price = _highest(levels, (meter,))
        if price is None:
            return None
        total += count * price
    return -(-total.numerator // total.denominator)


def _highest(levels: Iterable[Level], meters: Iterable[str]) -> Fraction | None:
    rates = [level.rates[meter] for level in levels for meter in meters if meter in level.rates]
    return max((Fraction(rate.numerator, rate.denominator) for rate in rates), default=None)


def _is_reachable(level: Level, input_tokens: int, output_tokens: int) -> bool:
    counts_output = any(meter in level.basis for meter in OUTPUT_METERS)
    return not level.over or input_tokens + (output_tokens if counts_output else 0) > level.over

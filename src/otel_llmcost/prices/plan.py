"""A row, made ready to multiply: whole femto-dollars per unit for every meter that it prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from ..errors import ConfigurationError
from ..meters import COMPONENT, INPUT_METERS, METERS, OUTPUT_METERS, PROMPT_METERS, Usage
from ..money import FEMTO_PER_USD, divide_half_even
from .rates import FOREVER, Multiplier, Row, Window

TOKENS_PER_RATE = 1_000_000
_BASIS: dict[str, frozenset[str]] = {
    "prompt": frozenset(PROMPT_METERS),
    "input": frozenset(INPUT_METERS),
    "input_and_output": frozenset(PROMPT_METERS + OUTPUT_METERS),
}
_FALLBACKS: dict[str, tuple[tuple[str, str], ...]] = {
    # meter -> (meter whose rate is used instead, why the result is an estimate or "")
    "output_reasoning": (("output", ""),),
    "input_image": (("input", ""),),
    "input_video": (("input", ""),),
    "cache_read_image": (("cache_read", ""),),
    "cache_write_5m": (("cache_write", ""),),
    "cache_write_30m": (("cache_write", ""),),
    "cache_write": (
        ("cache_write_5m", "cache lifetime not told, priced as 5 minutes"),
        ("cache_write_30m", "cache lifetime not told, priced as 30 minutes"),
    ),
}
"""Where a row names no rate. Providers bill images in, video in and reasoning as plain tokens unless they say
otherwise, a cache write of the default lifetime at the only rate they publish; audio is never plain text."""

# Offsets of zones without daylight saving, for systems that have no time zone data.
_FIXED_ZONES = {"UTC": 0, "Asia/Shanghai": 8, "Asia/Singapore": 8, "Asia/Tokyo": 9, "Asia/Kolkata": 5.5}


class Rate:
    """Femto-dollars per unit of one meter as `numerator / denominator`; `saving` is against plain input."""

    __slots__ = ("component", "denominator", "doubt", "numerator", "saving", "whole")

    def __init__(self, component: str, per_unit: Fraction, saving: Fraction, doubt: str) -> None:
        self.component = component
        self.numerator, self.denominator = per_unit.numerator, per_unit.denominator
        self.saving, self.doubt = saving, doubt
        self.whole = self.denominator == 1 and saving.denominator == 1 and not doubt

    def amount(self, quantity: int | Decimal) -> int:
        """Femto-dollars of a quantity, rounded half-even once."""
        if type(quantity) is int:
            return divide_half_even(quantity * self.numerator, self.denominator)
        exact = Fraction(quantity)
        return divide_half_even(exact.numerator * self.numerator, exact.denominator * self.denominator)

    def saved(self, quantity: int | Decimal) -> int:
        """Femto-dollars that this meter saved against plain input (negative: cost more)."""
        exact = Fraction(quantity) * self.saving
        return divide_half_even(exact.numerator, exact.denominator)


WholeRates = Mapping[str, tuple[str, int, int]]
"""Meter -> (component, femto-dollars per unit, femto-dollars saved per unit), all whole."""


class Level:
    """The rates of a plan at one size of request. `whole` is their integer part, for the common call."""

    __slots__ = ("basis", "over", "rates", "whole")

    def __init__(self, over: int, basis: str, rates: dict[str, Rate]) -> None:
        self.over, self.basis, self.rates = over, _BASIS[basis], rates
        self.whole: WholeRates = {
            meter: (rate.component, rate.numerator, rate.saving.numerator)
            for meter, rate in rates.items()
            if rate.whole
        }


class Hours:
    """A time window of a plan: its levels hold at these local weekdays and minutes."""

    __slots__ = ("levels", "window", "zone")

    def __init__(self, window: Window, levels: tuple[Level, ...]) -> None:
        self.window, self.levels, self.zone = window, levels, time_zone(window.tz)

    def cover(self, at_ns: int) -> bool:
        """Whether an instant lies inside the window."""
        moment = dt.datetime.fromtimestamp(at_ns // 10**9, self.zone)
        if moment.weekday() not in self.window.weekdays or moment.date() in self.window.holidays:
            return False
        minute = moment.hour * 60 + moment.minute
        return any(start <= minute < end for start, end in self.window.minutes)


class Plan:
    """One row on one set of terms (region, speed, variant, discount)."""

    __slots__ = ("committed", "ends", "first", "gpu_second", "hours", "levels", "plain", "row", "sure")

    def __init__(
        self, row: Row, levels: tuple[Level, ...], hours: tuple[Hours, ...], gpu_second: Fraction | None
    ):
        self.row, self.levels, self.hours, self.gpu_second = row, levels, hours, gpu_second
        self.committed, self.ends = row.committed, row.billed_at == "end"
        self.plain = gpu_second is None and not self.committed and not self.ends
        """Only usage, size and time decide the price."""
        self.first = levels[0].whole if self.plain and not hours else None
        """The rates of requests that reach no threshold, where no other fact decides."""
        self.sure = _sure(levels)
        """Femto-dollars at the first rates that no request reaches without as many tokens as its first threshold."""

    def level(self, usage: Usage, at_ns: int) -> Level:
        """The rates for this usage at this instant."""
        levels = self.levels_at(at_ns)
        chosen = levels[0]
        for level in levels[1:]:
            basis, counted = level.basis, 0
            for meter, quantity in usage.items():
                if meter in basis and type(quantity) is int:
                    counted += quantity
            if counted > level.over:
                chosen = level
        return chosen

    def levels_at(self, at_ns: int) -> tuple[Level, ...]:
        """The rates of an instant: of common requests first, then those beyond each threshold."""
        for hours in self.hours:
            if hours.cover(at_ns):
                return hours.levels
        return self.levels

    def every_level(self) -> Iterable[Level]:
        """All rates that this plan may ever apply."""
        yield from self.levels
        for hours in self.hours:
            yield from hours.levels


def _sure(levels: tuple[Level, ...]) -> int:
    # Nearly every request costs less than its first threshold's tokens would at the cheapest rate: not counted then.
    if len(levels) == 1:
        return FOREVER
    return levels[1].over * min((each for _, each, _ in levels[0].whole.values()), default=0)


def time_zone(name: str) -> dt.tzinfo:
    """A time zone by its IANA name. Raises `ConfigurationError` where neither the system nor we know it."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # slow to import, few rows have hours

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if name in _FIXED_ZONES:
            return dt.timezone(dt.timedelta(hours=_FIXED_ZONES[name]))
        raise ConfigurationError(
            "unknown time zone", key="schedule.tz", value=name, allowed="an IANA name such as Asia/Shanghai"
        ) from None


def make_plan(
    row: Row,
    factors: Mapping[str, Fraction],
    variant: str = "",
) -> Plan:
    """The plan of a row: meters multiplied by `factors` (meter -> factor), fees of one variant."""
    levels = _levels(row, row.rates, factors, variant)
    hours = tuple(
        Hours(window, _levels(row, {**row.rates, **window.rates}, factors, variant, window.rates))
        for window in row.schedule
    )
    gpu_second = None
    if row.gpu_hour is not None:
        gpu_second = Fraction(row.gpu_hour) * FEMTO_PER_USD / 3600 * factors.get("request", Fraction(1))
    return Plan(row, levels, hours, gpu_second)


def _levels(
    row: Row,
    rates: Mapping[str, Decimal],
    factors: Mapping[str, Fraction],
    variant: str,
    last: Mapping[str, Decimal] | None = None,
) -> tuple[Level, ...]:
    fees = _fees(row, variant)
    levels = [Level(0, "prompt", _compile(rates, fees, factors, free=row.free))]
    merged = dict(rates)
    for step in row.thresholds:
        merged = {**merged, **step.rates, **(last or {})}
        levels.append(Level(step.over, step.basis, _compile(merged, fees, factors, free=row.free)))
    return tuple(levels)


def _fees(row: Row, variant: str) -> dict[str, Fraction]:
    fees = {}
    for meter, entries in row.fees.items():
        of_variant = {fee.variant: fee for fee in entries}
        fee = of_variant.get(variant)
        if fee is None and of_variant.keys() == {""}:
            fee = of_variant[
                ""
            ]  # one price for all; where variants have theirs, another one is not the common one
        if fee is not None:
            fees[meter] = Fraction(fee.usd) / Fraction(fee.per) * FEMTO_PER_USD
    return fees


def _compile(
    rates: Mapping[str, Decimal], fees: Mapping[str, Fraction], factors: Mapping[str, Fraction], *, free: bool
) -> dict[str, Rate]:
    per_unit = {meter: Fraction(rate) * FEMTO_PER_USD / TOKENS_PER_RATE for meter, rate in rates.items()}
    per_unit.update(fees)
    doubts: dict[str, str] = {}
    for meter in METERS:
        if meter in per_unit:
            continue
        if free:
            per_unit[meter] = Fraction(0)
            continue
        for substitute, doubt in _FALLBACKS.get(meter, ()):
            known = rates.get(substitute)
            if known is not None and _may_stand_in(meter, rates):
                per_unit[meter] = Fraction(known) * FEMTO_PER_USD / TOKENS_PER_RATE
                doubts[meter] = doubt
                break
    scaled = {meter: amount * factors.get(meter, 1) for meter, amount in per_unit.items()}
    plain = scaled.get("input")
    return {
        meter: Rate(COMPONENT[meter], amount, _saving(meter, amount, plain, scaled), doubts.get(meter, ""))
        for meter, amount in scaled.items()
    }


def _may_stand_in(meter: str, rates: Mapping[str, Decimal]) -> bool:
    # A row that prices images apart does not price cached images as cached text.
    return not (meter == "cache_read_image" and "input_image" in rates)


def _saving(meter: str, amount: Fraction, plain: Fraction | None, scaled: Mapping[str, Fraction]) -> Fraction:
    if COMPONENT[meter] not in ("cache_read", "cache_write") or plain is None:
        return Fraction(0)
    kind = meter.removeprefix("cache_read_")
    uncached = scaled.get(f"input_{kind}", plain) if kind != meter else plain
    return uncached - amount


def region_covers(named: str, region: str) -> bool:
    """Whether a row's region ("us", "us-east-1") holds for the served one; "*" is any but the global one."""
    if named == "*":
        return region not in ("", "global")
    return (
        region == named or region.startswith(f"{named}-") or (named == "eu" and region.startswith("europe-"))
    )


def multiplier_applies(multiplier: Multiplier, region: str, speed: str) -> bool:
    """Whether served region and speed meet every condition of a multiplier."""
    regions = multiplier.when.get("region")
    if regions is not None and not any(region_covers(named, region) for named in regions):
        return False
    speeds = multiplier.when.get("speed")
    return speeds is None or speed in speeds


def factors_of(multipliers: Iterable[Multiplier]) -> dict[str, Fraction]:
    """Meter -> product of the factors that name it or its component."""
    factors: dict[str, Fraction] = {}
    for multiplier in multipliers:
        for meter in METERS:
            if meter in multiplier.meters or COMPONENT[meter] in multiplier.meters:
                factors[meter] = factors.get(meter, Fraction(1)) * Fraction(multiplier.factor)
    return factors

"""Rows as text: a table of a page, a user's file or a shard becomes a checked `Row`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise

from ..meters import COMPONENTS, METERS, TOKEN_METERS
from .fields import (
    decimal,
    entries,
    flag,
    known_keys,
    name_of,
    one_of,
    optional_count,
    optional_day,
    optional_instant,
    table_of,
    text_of,
    wrong,
)
from .rates import (
    ALWAYS,
    BASES,
    FEE_METERS,
    FOREVER,
    INSTANTS,
    SPEEDS,
    STATUSES,
    TIERS,
    WEEKDAYS,
    Alias,
    Fee,
    Match,
    Multiplier,
    Row,
    Threshold,
    Window,
)

ROW_KEYS = (
    *(
        "provider",
        "model",
        "aliases",
        "match",
        "effective_from",
        "effective_to",
        "recorded_at",
        "tier",
        "speed",
    ),
    *("region", "rates", "fees", "threshold", "schedule", "multipliers", "committed", "free", "gpu_hour"),
    *("billed_at", "context_window", "max_output", "status", "source_url", "verified_at", "upstream", "note"),
)
DEFAULT_MULTIPLIED = ("input", "cache_read", "cache_write", "output")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def parse_row(table: Mapping[str, object], defaults: Mapping[str, object] | None = None) -> Row:
    """The row that a table describes; `defaults` is its page's `[provider]` table.

    Raises `ConfigurationError` that names key, value and what is allowed; file and line are the caller's.
    """
    known_keys(table, ROW_KEYS, "")
    head = defaults or {}
    start = optional_instant(table, "effective_from", ALWAYS)
    end = optional_instant(table, "effective_to", FOREVER)
    if end <= start:
        raise wrong("effective_to", "ends before it starts", table.get("effective_to"), "an instant after it")
    row = Row(
        provider=text_of(table, "provider", str(head.get("id", "")), required=True),
        model=text_of(table, "model", "", required=True),
        aliases=tuple(_alias(entry) for entry in entries(table, "aliases")),
        match=tuple(_match(entry) for entry in entries(table, "match")),
        from_ns=start,
        to_ns=end,
        recorded_at=optional_day(table, "recorded_at", head),
        tier=one_of(table, "tier", TIERS, "standard"),
        speed=one_of(table, "speed", SPEEDS, ""),
        region=tuple(name_of(entry, "region") for entry in entries(table, "region")),
        rates=_rates(table.get("rates", {}), "rates"),
        fees=_fees(table.get("fees", {})),
        thresholds=_thresholds(table),
        schedule=tuple(_window(entry) for entry in entries(table, "schedule")),
        multipliers=tuple(_multiplier(entry) for entry in entries(table, "multipliers")),
        committed=flag(table, "committed"),
        free=flag(table, "free"),
        gpu_hour=decimal(table["gpu_hour"], "gpu_hour") if "gpu_hour" in table else None,
        billed_at=one_of(table, "billed_at", INSTANTS, "start"),
        context_window=optional_count(table, "context_window"),
        max_output=optional_count(table, "max_output"),
        status=one_of(table, "status", STATUSES, "list"),
        source_url=text_of(table, "source_url", str(head.get("source_url", ""))),
        verified_at=optional_day(table, "verified_at", head),
        upstream=text_of(table, "upstream", ""),
        note=text_of(table, "note", ""),
    )
    if not (row.rates or row.fees or row.committed or row.free or row.gpu_hour is not None):
        raise wrong(
            "rates", "the row has no price", None, "rates, fees, gpu_hour, free = true or committed = true"
        )
    return row


def _rates(value: object, key: str) -> Mapping[str, Decimal]:
    table = table_of(value, key)
    known_keys(table, TOKEN_METERS, f"{key}.")
    return {meter: decimal(rate, f"{key}.{meter}") for meter, rate in table.items()}


def _fees(value: object) -> Mapping[str, tuple[Fee, ...]]:
    table = table_of(value, "fees")
    known_keys(table, FEE_METERS, "fees.")
    return {
        meter: tuple(
            _fee(entry, f"fees.{meter}") for entry in (given if isinstance(given, list) else [given])
        )
        for meter, given in table.items()
    }


def _one_or_more(given: object) -> list[object]:
    return given if isinstance(given, list) else [given]


def _fee(value: object, key: str) -> Fee:
    table = table_of(value, key)
    known_keys(table, ("usd", "per", "variant", "free_quota"), f"{key}.")
    per = decimal(table.get("per", 1), f"{key}.per", largest=Decimal(10**12))
    if not per:
        raise wrong(f"{key}.per", "not above zero", table.get("per"), "a number above 0")
    usd = decimal(table.get("usd"), f"{key}.usd")
    return Fee(usd, per, text_of(table, "variant", ""), str(table.get("free_quota", "")))


def _alias(value: object) -> Alias:
    if isinstance(value, Mapping):
        known_keys(value, ("name", "from", "to"), "aliases.")
        named = name_of(value.get("name"), "aliases.name")
        start, end = optional_instant(value, "from", ALWAYS), optional_instant(value, "to", FOREVER)
        if end <= start:
            raise wrong("aliases.to", "ends before it starts", value.get("to"), "an instant after it")
        return Alias(named, start, end)
    return Alias(name_of(value, "aliases"))


def _match(value: object) -> Match:
    table = table_of(value, "match")
    known_keys(table, ("prefix", "regex"), "match.")
    if len(table) != 1:
        raise wrong("match", "not one pattern", dict(table), '{ prefix = "..." } or { regex = "..." }')
    match = Match(text_of(table, "prefix", ""), text_of(table, "regex", ""))
    if not (match.prefix or match.regex):
        raise wrong("match", "an empty pattern", dict(table), "a pattern of at least one character")
    from .patterns import hazard_of  # for rows that people write; the shipped form keeps its patterns apart

    try:
        hazard = hazard_of(match.regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise wrong("match.regex", str(error), match.regex, "a regular expression") from None
    if hazard:
        raise wrong("match.regex", hazard, match.regex, "a regular expression that no name can keep busy")
    return match


def _thresholds(table: Mapping[str, object]) -> tuple[Threshold, ...]:
    given = _one_or_more(table.get("threshold", []))
    levels = sorted((_threshold(entry) for entry in given), key=lambda level: level.over)
    for below, above in pairwise(levels):
        if below.over == above.over:
            raise wrong("threshold.input_over", "two thresholds of one size", above.over, "different sizes")
    return tuple(levels)


def _threshold(value: object) -> Threshold:
    table = table_of(value, "threshold")
    known_keys(table, ("input_over", "basis", "rates"), "threshold.")
    over = table.get("input_over")
    if isinstance(over, bool) or not isinstance(over, int) or over < 0:
        raise wrong("threshold.input_over", "not a number of tokens", over, "a whole number such as 200000")
    basis = one_of(table, "basis", BASES, "prompt")
    return Threshold(over, _rates(table.get("rates", {}), "threshold.rates"), basis)


def _window(value: object) -> Window:
    table = table_of(value, "schedule")
    known_keys(table, ("tz", "weekdays", "hours", "rates", "holidays"), "schedule.")
    days = entries(table, "weekdays") or list(WEEKDAYS)
    for day in days:
        if day not in WEEKDAYS:
            raise wrong("schedule.weekdays", "unknown day", day, ", ".join(WEEKDAYS))
    hours = entries(table, "hours") or ["00:00-24:00"]
    return Window(
        tz=text_of(table, "tz", "UTC", required=True),
        weekdays=frozenset(WEEKDAYS.index(str(day)) for day in days),
        minutes=tuple(_hours(entry) for entry in hours),
        rates=_rates(table.get("rates", {}), "schedule.rates"),
        holidays=frozenset(_holiday(entry) for entry in entries(table, "holidays")),
    )


def _hours(value: object) -> tuple[int, int]:
    first, _, last = str(value).partition("-")
    if not (_CLOCK.fullmatch(first) and _CLOCK.fullmatch(last)):
        raise wrong("schedule.hours", "not a span of hours", value, '"09:00-12:00"')
    start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (first, last))
    if end <= start:
        raise wrong(
            "schedule.hours", "ends before it starts", value, 'two spans: "22:00-24:00", "00:00-06:00"'
        )
    return start, end


def _holiday(value: object) -> dt.date:
    try:
        return value if type(value) is dt.date else dt.date.fromisoformat(str(value))
    except ValueError:
        raise wrong("schedule.holidays", "not a date", value, "2026-10-01") from None


def _multiplier(value: object) -> Multiplier:
    table = table_of(value, "multipliers")
    known_keys(table, ("when", "factor", "meters"), "multipliers.")
    when = table_of(table.get("when", {}), "multipliers.when")
    known_keys(when, ("region", "speed"), "multipliers.when.")
    if not when:
        raise wrong("multipliers.when", "missing", None, "region, speed")
    meters = tuple(name_of(entry, "multipliers.meters") for entry in entries(table, "meters"))
    for meter in meters:
        if meter not in METERS and meter not in COMPONENTS:
            raise wrong("multipliers.meters", "unknown meter", meter, ", ".join((*COMPONENTS, *METERS)))
    conditions = {
        key: tuple(name_of(entry, f"multipliers.when.{key}") for entry in _one_or_more(given))
        for key, given in when.items()
    }
    factor = decimal(table.get("factor"), "multipliers.factor", largest=Decimal(1000))
    if not factor:
        raise wrong(
            "multipliers.factor", "not above zero", table.get("factor"), 'a number above 0, such as "1.1"'
        )
    return Multiplier(conditions, factor, meters or DEFAULT_MULTIPLIED)

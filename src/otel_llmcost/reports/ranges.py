"""What people say for a stretch of time, as instants: `today`, `7d`, `2026-11-01..2026-11-15`, ISO instants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import ConfigurationError
from ..instants import nanoseconds

RANGES_ALLOWED = (
    "today, yesterday, week, month, all, 90m, 24h, 7d, 4w, 2026-11, 2026-11-01, 2026-11-01..2026-11-15, "
    "or ISO instants such as 2026-11-01T08:00Z..2026-11-01T09:30Z"
)
_AGO = re.compile(r"(\d{1,5})([mhdw])")
_MONTH = re.compile(r"\d{4}-\d{2}")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}


Instant = int | str | datetime | None
"""Ns since the epoch, what `parse_instant` takes, a datetime, or None for no limit."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `since_ns` (inclusive) to `until_ns` (exclusive), ns since the epoch in UTC; None: no limit."""

    since_ns: int | None = None
    until_ns: int | None = None


def zone(name: str) -> tzinfo:
    """The time zone of a name such as "UTC" or "Europe/Berlin". Raises `ConfigurationError`."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as failure:
        raise ConfigurationError(
            "no such time zone",
            value=name,
            allowed="names as Europe/Berlin (where none is known: pip install tzdata)",
        ) from failure


def parse_range(text: str, tz: tzinfo, now: datetime) -> TimeRange:
    """The stretch of time that `text` names, in days of `tz`, seen from `now` (with a time zone).

    `7d` and `4w` are whole days, the present one included; `24h` and `90m` slide. Weeks start on Monday.
    The second date of `A..B` is included. Raises `ConfigurationError`.
    """
    said = text.strip()
    named = _named(said.lower(), tz, now.astimezone(tz).date())
    if named is not None:
        return named
    slid = _AGO.fullmatch(said.lower())
    if slid is not None:
        return TimeRange(since_ns=_ago(int(slid[1]), slid[2], tz, now))
    first, dots, last = said.partition("..")
    if not dots:
        last = first
    if not first and not last:
        raise ConfigurationError("no such time", value=text, allowed=RANGES_ALLOWED)
    since = parse_instant(first, tz, now) if first else None
    until = parse_instant(last, tz, now, end=True) if last else None
    if not dots and since == until:
        raise ConfigurationError("an instant is no range", value=text, allowed=RANGES_ALLOWED)
    return between(first or None, last or None, since, until)


def between(since: Instant, until: Instant, since_ns: int | None, until_ns: int | None) -> TimeRange:
    """The range from `since_ns` to `until_ns`, which somebody named `since` and `until`.

    Raises `ConfigurationError` where it ends before it begins; of one and the same instant it is empty.
    """
    if since_ns is None or until_ns is None:
        return TimeRange(since_ns, until_ns)
    # 2026-11-20..2026-11-19 is reversed although both instants are one: a day ends where the next begins
    if until_ns < since_ns or (until_ns == since_ns and since != until):
        raise ConfigurationError(
            "the range ends before it begins",
            value=f"{_said(since)}..{_said(until)}",
            allowed="the earlier time first, the later one second",
        )
    return TimeRange(since_ns, until_ns)


def _said(instant: Instant) -> str:
    return instant.isoformat() if isinstance(instant, datetime) else str(instant)


def parse_instant(text: str, tz: tzinfo, now: datetime, *, end: bool = False) -> int:
    """The instant that `text` names, in ns since the epoch; of a day or month its start, or its `end`.

    Times without an offset are of `tz`. Raises `ConfigurationError`.
    """
    said = text.strip()
    slid = _AGO.fullmatch(said.lower())
    if slid is not None:
        return _ago(int(slid[1]), slid[2], tz, now)
    named = _named(said.lower(), tz, now.astimezone(tz).date())
    if named is not None and named.since_ns is not None:
        return named.until_ns if end and named.until_ns is not None else named.since_ns
    try:
        if _MONTH.fullmatch(said):
            return _midnight(_next_month(date.fromisoformat(f"{said}-01"), 1 if end else 0), tz)
        if len(said) == 10:
            return _midnight(date.fromisoformat(said) + timedelta(days=1 if end else 0), tz)
        found = datetime.fromisoformat(said)
        return nanoseconds(found if found.tzinfo is not None else found.replace(tzinfo=tz))
    except (ValueError, OverflowError) as failure:
        raise ConfigurationError("no such time", value=text, allowed=RANGES_ALLOWED) from failure


def as_instant(value: Instant, tz: tzinfo, *, end: bool = False) -> int | None:
    """Ns since the epoch of whatever names an instant; None stays None. Raises `ConfigurationError`."""
    if isinstance(value, str):
        return parse_instant(value, tz, datetime.now(UTC), end=end)
    if isinstance(value, datetime):
        return nanoseconds(value if value.tzinfo is not None else value.replace(tzinfo=tz))
    return value


def _named(said: str, tz: tzinfo, today: date) -> TimeRange | None:
    first: date
    match said:
        case "all":
            return TimeRange()
        case "today":
            first, after = today, today + timedelta(days=1)
        case "yesterday":
            first, after = today - timedelta(days=1), today
        case "week":
            first = today - timedelta(days=today.weekday())
            after = first + timedelta(days=7)
        case "month":
            first = today.replace(day=1)
            after = _next_month(first, 1)
        case _:
            return None
    return TimeRange(_midnight(first, tz), _midnight(after, tz))


def _ago(count: int, unit: str, tz: tzinfo, now: datetime) -> int:
    try:
        if unit in _UNITS:
            return nanoseconds(now - count * _UNITS[unit])
        days = count * (7 if unit == "w" else 1)
        return _midnight(now.astimezone(tz).date() - timedelta(days=max(days - 1, 0)), tz)
    except OverflowError as failure:
        raise ConfigurationError("no such time", value=f"{count}{unit}", allowed=RANGES_ALLOWED) from failure


def _next_month(first: date, months: int) -> date:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1) if months else first


def _midnight(day: date, tz: tzinfo) -> int:
    return nanoseconds(datetime.combine(day, time(), tzinfo=tz))

"""Windows of time that a budget's spend is counted in: calendar windows of a named zone, and rolling ones.

All instants are integers: nanoseconds since the epoch going in, whole seconds inside, because no published
zone has a transition between two seconds. The clock is never read here.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

NS = 10**9
HOUR, DAY, WEEK, MONTH, TOTAL, CONVERSATION, ROLLING = (
    "hour",
    "day",
    "week",
    "month",
    "total",
    "conversation",
    "rolling",
)
KINDS = (HOUR, DAY, WEEK, MONTH, TOTAL, CONVERSATION, ROLLING)
ALLOWED = 'hour, day, week, month, total, conversation, or "rolling 24h" (s, m, h or d; 1 second to 366 days)'

ROLLING_STEPS = 24
"""A rolling window moves in steps of a 24th of its length, of a second at least: its spend counts up to one too long."""

_ROLLING = re.compile(r"rolling (\d{1,9}) ?([smhd])")
_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 366 * 86_400
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND = dt.timedelta(seconds=1)
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one window. Seconds since the epoch.

    Spend of a call goes to bucket `bucket`; what counts against the limit is the sum of the buckets from
    `since` to `through`, every `step` (0: there is only the one). The span answers for every instant from
    `start` up to `end`, exclusive (0: for ever); `resets` is when a full budget has room again (0: never, or when so
    much has left a rolling window as is asked for: `leaves`).
    """

    bucket: int
    since: int
    through: int
    step: int
    start: int
    end: int
    resets: int
    dead: int
    """From when on nothing of this bucket counts any more (0: never)."""


ALWAYS = Span(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Window:
    """A kind of window, its zone for calendar kinds, its length in seconds for rolling ones."""

    kind: str
    zone: str = "UTC"
    length: int = 0

    @property
    def per_conversation(self) -> bool:
        """Whether each conversation has a window of its own."""
        return self.kind == CONVERSATION

    @property
    def step(self) -> int:
        """The width of a rolling window's buckets, in seconds."""
        return max(1, self.length // ROLLING_STEPS)

    def at(self, seconds: int) -> Span:
        """The span that an instant falls into."""
        if self.kind in (TOTAL, CONVERSATION):
            return ALWAYS
        if self.kind == ROLLING:
            return self._rolling(seconds)
        if self.kind == HOUR:
            return _hour(_tzinfo(self.zone), seconds)
        return _calendar(_tzinfo(self.zone), self.kind, seconds)

    def __str__(self) -> str:
        if self.kind == ROLLING:
            for unit, seconds in (("d", _UNIT["d"]), ("h", _UNIT["h"]), ("m", _UNIT["m"])):
                # a day is written "24h", as in the documentation
                if self.length % seconds == 0 and (unit != "d" or self.length > seconds):
                    return f"rolling {self.length // seconds}{unit}"
            return f"rolling {self.length}s"
        return self.kind if self.zone == "UTC" else f"{self.kind} ({self.zone})"

    def _rolling(self, seconds: int) -> Span:
        step = self.step
        bucket = seconds - seconds % step
        # The bucket that holds the instant one length ago still counts whole: too much is safe, too little is
        # not.
        since = (seconds - self.length) // step * step
        # Calls of the next steps may already be counted when one of this step is admitted: they count too.
        through, dead = bucket + 2 * step, bucket + self.length + 2 * step
        return Span(bucket, since, through, step, bucket, bucket + step, 0, dead)

    def leaves(self, span: Span, steps: int) -> tuple[Span, int]:
        """A rolling window's span without its oldest steps, and the instant from which on they do not count."""
        since = span.since + steps * span.step
        return replace(span, since=since), since + self.length


def parse_window(text: str, zone: str = "UTC") -> Window:
    """A window from its name, such as "day" or "rolling 24h". Raises `ValueError`, for an unknown zone too."""
    rolling = _ROLLING.fullmatch(text)
    if rolling is not None:
        length = int(rolling[1]) * _UNIT[rolling[2]]
        if not 1 <= length <= _LONGEST:
            raise ValueError(f"a rolling window of {length} seconds; allowed: {ALLOWED}")
        return Window(ROLLING, zone, length)
    if text not in KINDS or text == ROLLING:
        raise ValueError(f"unknown window {text!r}; allowed: {ALLOWED}")
    try:
        _tzinfo(zone)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"unknown time zone {zone!r}; allowed: a name such as Europe/Berlin") from None
    return Window(text, zone)


def iso(seconds: int) -> str:
    """An instant as ISO 8601 text in UTC, "" for none."""
    if not seconds:
        return ""
    return (_EPOCH + seconds * _SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tzinfo(zone: str) -> dt.tzinfo:
    # Plain UTC must work where no zone database is installed (slim containers).
    return dt.UTC if zone == "UTC" else ZoneInfo(zone)


def _calendar(zone: dt.tzinfo, kind: str, seconds: int) -> Span:
    today = (_EPOCH + seconds * _SECOND).astimezone(zone).date()
    if kind == DAY:
        first, following = today, today + _DAY
    elif kind == WEEK:
        first = today - today.weekday() * _DAY
        following = first + 7 * _DAY
    else:
        first = today.replace(day=1)
        following = (first + 31 * _DAY).replace(day=1)
    start, end = _midnight(zone, first), _midnight(zone, following)
    return Span(start, start, start, 0, start, end, end, end)


def _midnight(zone: dt.tzinfo, day: dt.date) -> int:
    # fold=0 is right twice: of two midnights the first opens the day, and a midnight that a transition skips
    # is, read with the offset before it, the very instant of the transition.
    local = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    return (local - _EPOCH) // _SECOND if zone is dt.UTC else (local.astimezone(dt.UTC) - _EPOCH) // _SECOND


def _hour(zone: dt.tzinfo, seconds: int) -> Span:
    offset = _offset(zone, seconds)
    start = (seconds + offset) // 3600 * 3600 - offset
    end = start + 3600
    # Only where a zone shifts by less than an hour does a transition cut a local hour short.
    if (_offset(zone, start) - offset) % 3600:
        start = _transition(zone, start, seconds)
    if (_offset(zone, end - 1) - offset) % 3600:
        end = _transition(zone, seconds, end - 1)
    return Span(start, start, start, 0, start, end, end, end)


def _offset(zone: dt.tzinfo, seconds: int) -> int:
    local = (_EPOCH + seconds * _SECOND).astimezone(zone)
    return (local.utcoffset() or dt.timedelta()) // _SECOND


def _transition(zone: dt.tzinfo, before: int, after: int) -> int:
    """The first second with the offset of `after`, given that `before` has another one."""
    target = _offset(zone, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == target:
            after = middle
        else:
            before = middle
    return after

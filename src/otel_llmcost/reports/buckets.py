"""Hours, days, weeks and months of a time zone, made of quarter-hours of UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

QUARTER_S = 900


def _hour(local: datetime) -> str:
    # with the offset of this very time: what is repeated when summer time ends, on Lord Howe half an hour, is apart
    offset = local.isoformat(timespec="seconds")[19:]
    return f"{local.replace(minute=0, second=0, tzinfo=None).isoformat(timespec='minutes')}{offset}"


def _day(local: datetime) -> str:
    return local.date().isoformat()


def _week(local: datetime) -> str:
    return (local.date() - timedelta(days=local.weekday())).isoformat()


def _month(local: datetime) -> str:
    return f"{local.year:04d}-{local.month:02d}"


BUCKETS: dict[str, Callable[[datetime], str]] = {"hour": _hour, "day": _day, "week": _week, "month": _month}
"""Name -> the label of the bucket that holds a local time; a week's is its Monday."""


class Labels:
    """Labels of quarter-hours in a time zone, remembered."""

    def __init__(self, bucket: str, tz: tzinfo) -> None:
        self._name, self._tz = BUCKETS[bucket], tz
        self._known: dict[int, str] = {}
        self._first: dict[str, int] = {}

    def of(self, quarter: int) -> str:
        """The label of a quarter-hour, counted since the epoch."""
        label = self._known.get(quarter)
        if label is None:
            local = datetime.fromtimestamp(quarter * QUARTER_S, UTC).astimezone(self._tz)
            label = self._known[quarter] = self._name(local)
            self._first[label] = min(quarter, self._first.get(label, quarter))
        return label

    def place(self, label: str) -> int:
        """Where a label stands in time: offsets that come later are not always later in the alphabet."""
        return self._first[label]

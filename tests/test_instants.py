"""Instants are exact integers, whatever zone they are told in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from otel_llmcost.instants import nanoseconds

MOMENT_NS = 1_793_444_400_000_001_000


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 10, 31, 11, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 10, 31, 11, 0, 0, 1),  # noqa: DTZ001 - what is told without a zone is UTC
        datetime(2026, 10, 31, 7, 0, 0, 1, tzinfo=ZoneInfo("America/New_York")),
        datetime(2026, 10, 31, 16, 45, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_one_moment_in_any_zone(moment: datetime) -> None:
    assert nanoseconds(moment) == MOMENT_NS


def test_moments_before_the_epoch_are_negative() -> None:
    assert nanoseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1000


def test_both_hours_that_a_clock_shows_twice() -> None:
    zone = ZoneInfo("America/New_York")
    first = datetime(2026, 11, 1, 1, 30, tzinfo=zone)
    assert nanoseconds(first.replace(fold=1)) - nanoseconds(first) == 3600 * 10**9

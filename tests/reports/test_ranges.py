from __future__ import annotations

from datetime import UTC, datetime

import pytest

from otel_llmcost.errors import ConfigurationError
from otel_llmcost.reports import parse_instant, parse_range, zone

NOW = datetime(2026, 11, 18, 22, 30, tzinfo=UTC)  # a Wednesday; in Berlin 23:30
BERLIN = zone("Europe/Berlin")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("today", "2026-11-18T00:00+01:00", "2026-11-19T00:00+01:00"),
        ("Yesterday", "2026-11-17T00:00+01:00", "2026-11-18T00:00+01:00"),
        ("week", "2026-11-16T00:00+01:00", "2026-11-23T00:00+01:00"),
        ("month", "2026-11-01T00:00+01:00", "2026-12-01T00:00+01:00"),
        ("7d", "2026-11-12T00:00+01:00", None),
        ("1d", "2026-11-18T00:00+01:00", None),
        ("2w", "2026-11-05T00:00+01:00", None),
        ("24h", "2026-11-17T22:30+00:00", None),
        ("90m", "2026-11-18T21:00+00:00", None),
        ("all", None, None),
        ("2026-11-01..2026-11-15", "2026-11-01T00:00+01:00", "2026-11-16T00:00+01:00"),
        ("2026-10-25", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),  # summer time ends: 25 hours
        ("2026-03-29", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),  # 23 hours
        ("2026-12", "2026-12-01T00:00+01:00", "2027-01-01T00:00+01:00"),
        ("2026-10..2026-11", "2026-10-01T00:00+02:00", "2026-12-01T00:00+01:00"),
        ("2026-11-01..", "2026-11-01T00:00+01:00", None),
        ("..2026-11-01", None, "2026-11-02T00:00+01:00"),
        ("yesterday..today", "2026-11-17T00:00+01:00", "2026-11-19T00:00+01:00"),
        ("2026-11-01T08:00Z..2026-11-01T09:30", "2026-11-01T08:00+00:00", "2026-11-01T09:30+01:00"),
    ],
)
def test_ranges(text: str, since: str | None, until: str | None) -> None:
    found = parse_range(text, BERLIN, NOW)
    assert found.since_ns == (None if since is None else ns(since))
    assert found.until_ns == (None if until is None else ns(until))


def test_the_day_is_that_of_the_time_zone() -> None:
    after_midnight = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)
    assert parse_range("today", BERLIN, after_midnight).since_ns == ns("2026-11-19T00:00+01:00")
    assert parse_range("today", UTC, after_midnight).since_ns == ns("2026-11-18T00:00+00:00")


def test_instants_are_exact() -> None:
    assert (
        parse_instant("2026-11-01T08:00:00.123457Z", UTC, NOW) == ns("2026-11-01T08:00+00:00") + 123_457_000
    )


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-11-31", "7y", "2026-11-01...", "0000-01"])
def test_what_is_no_time_says_what_is(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"allowed: today, yesterday"):
        parse_range(text, UTC, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24..2026-11-20",
        "2026-11-20..2026-11-19",
        "today..yesterday",
        "2026-12..2026-11",
        "24h..7d",
        "2026-11-01T10:00Z..2026-11-01T10:30+01:00",
    ],
)
def test_a_reversed_range_is_named_with_the_remedy(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_range(text, UTC, NOW)
    said = str(caught.value)
    assert said.startswith(f"the range ends before it begins (got {text!r}); allowed: the earlier time first")


def test_a_range_may_be_empty() -> None:
    found = parse_range("2026-11-01T10:00Z..2026-11-01T10:00Z", UTC, NOW)
    assert found.since_ns == found.until_ns == ns("2026-11-01T10:00Z")


def test_an_unknown_time_zone_is_named() -> None:
    for name in ("Europe/Atlantis", "", "../etc/passwd"):
        with pytest.raises(ConfigurationError, match="no such time zone"):
            zone(name)

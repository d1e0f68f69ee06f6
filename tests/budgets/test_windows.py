"""Windows across midnight, daylight saving and odd zones."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost.budgets.windows import Window, iso, parse_window


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def ends(window: Window, instant: str) -> tuple[str, str]:
    span = window.at(at(instant))
    return iso(span.start), iso(span.end)


@pytest.mark.parametrize(
    ("name", "zone", "instant", "start", "end"),
    [
        ("day", "UTC", "2026-11-23T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
        ("day", "UTC", "2026-11-24T00:00:00Z", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"),
        # Berlin, 2026-03-29: a day of 23 hours; 2026-10-25: one of 25
        ("day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("week", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("month", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
        ("month", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("month", "UTC", "2028-02-29T10:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        # Cairo, 2026-04-24: midnight itself is skipped, the day begins at one o'clock
        ("day", "Africa/Cairo", "2026-04-24T10:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"),
        # Havana, 2026-11-01: midnight comes twice, the first one opens the day
        ("day", "America/Havana", "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        # Samoa had no 2011-12-30
        ("day", "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("hour", "UTC", "2026-11-23T14:30:00Z", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"),
        ("hour", "Asia/Kolkata", "2026-11-23T14:20:00Z", "2026-11-23T13:30:00Z", "2026-11-23T14:30:00Z"),
        # Berlin's two hours from 2 to 3 in autumn are two windows
        ("hour", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
        ("hour", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"),
        # Lord Howe moves by half an hour: 2026-10-03T15:30Z (from +10:30 to +11), 2026-04-04T15:00Z (back)
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-04-04T15:10:00Z",
            "2026-04-04T15:00:00Z",
            "2026-04-04T15:30:00Z",
        ),
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-04-04T14:59:59Z",
            "2026-04-04T14:00:00Z",
            "2026-04-04T15:00:00Z",
        ),
    ],
)
def test_calendar_windows(name: str, zone: str, instant: str, start: str, end: str) -> None:
    assert ends(parse_window(name, zone), instant) == (start, end)


ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Havana",
    "Pacific/Apia",
]


@given(
    st.sampled_from(["hour", "day", "week", "month"]),
    st.sampled_from(ZONES),
    st.integers(min_value=946_684_800, max_value=2_000_000_000),
)
def test_calendar_windows_tile_time(name: str, zone: str, seconds: int) -> None:
    window = parse_window(name, zone)
    span = window.at(seconds)
    assert span.start <= seconds < span.end
    assert window.at(span.start) == span == window.at(span.end - 1)
    assert window.at(span.end).start == span.end
    assert window.at(span.start - 1).end == span.start


@given(st.integers(min_value=1, max_value=400_000), st.integers(min_value=10**6, max_value=2 * 10**9))
def test_a_rolling_window_counts_every_instant_of_its_length_and_at_most_a_step_more(
    length: int, now: int
) -> None:
    window = parse_window(f"rolling {length}s")
    span = window.at(now)
    oldest = window.at(now - length + 1)
    assert span.since <= oldest.bucket <= span.bucket <= now < span.end
    assert now - span.since <= length + 2 * window.step
    assert window.at(now - length - 2 * window.step).bucket < span.since


def test_totals_and_conversations_never_reset() -> None:
    for name in ("total", "conversation"):
        assert parse_window(name).at(at("2026-11-23T14:00:00Z")).resets == 0


@pytest.mark.parametrize("text", ["rolling 90m", "rolling 24h", "rolling 7d", "rolling 30 s"])
def test_rolling_windows_have_a_length(text: str) -> None:
    assert parse_window(text).length == {"rolling 90m": 5400, "rolling 24h": 86400, "rolling 7d": 604800}.get(
        text, 30
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("24h", "24h"),
        ("86400s", "24h"),
        ("7d", "7d"),
        ("48h", "2d"),
        ("90m", "90m"),
        ("3600s", "1h"),
        ("61s", "61s"),
    ],
)
def test_rolling_windows_are_shown_as_people_write_them(text: str, shown: str) -> None:
    assert str(parse_window(f"rolling {text}")) == f"rolling {shown}"


@pytest.mark.parametrize(
    "text", ["rolling", "rolling 0s", "rolling 9000d", "rolling 5y", "fortnight", "", "Day"]
)
def test_an_unknown_window_names_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: hour, day, week"):
        parse_window(text)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../../etc/passwd", "UTC+1"])
def test_an_unknown_zone_is_named(zone: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        parse_window("day", zone)

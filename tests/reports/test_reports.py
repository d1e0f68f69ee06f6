from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from otel_llmcost.call import Call, Priced, Tags
from otel_llmcost.errors import ConfigurationError
from otel_llmcost.ledger.codec import decode, encode
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.reports import (
    CallFilter,
    CostRow,
    cost_report,
    dearest_calls,
    latest_calls,
    run_summary,
    session_costs,
    slowest_calls,
)
from otel_llmcost.reports.costs import GROUPS

USD = 10**15


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as opened:
        yield opened


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


def row(key: str, start: str, amount: int | None, **fields: object) -> LedgerRow:
    start_ns = at(start)
    status = "unpriced" if amount is None else "exact"
    return LedgerRow(
        key,
        **{"start_ns": start_ns, "end_ns": start_ns + 10**9, "amount": amount, "status": status, **fields},
    )


def amounts(rows: list[CostRow]) -> dict[tuple[str, ...], int]:
    return {found.keys: found.amount for found in rows}


@pytest.mark.parametrize(
    ("since", "until", "named"),
    [
        ("2026-11-24", "2026-11-20", "2026-11-24..2026-11-20"),
        ("today", "yesterday", "today..yesterday"),
        (2_000, 1_000, "2000..1000"),
        (
            datetime(2026, 11, 24, tzinfo=UTC),
            "2026-11-20",
            "2026-11-24T00:00:00+00:00..2026-11-20",
        ),
    ],
)
def test_a_reversed_range_is_refused(
    ledger: Ledger, since: int | str | datetime, until: int | str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match="ends before it begins") as caught:
        cost_report(ledger, since=since, until=until)
    assert repr(named) in str(caught.value)


def test_by_model_dearest_first_with_all_sums(ledger: Ledger) -> None:
    ledger.add(
        [
            row(
                "a",
                "2026-11-01T00:00Z",
                5,
                request_model="small",
                usage={"input": 10, "cache_read": 3},
                savings=2,
            ),
            row("b", "2026-11-01T00:00Z", 7, request_model="small", usage={"output": 4, "cache_write_1h": 6}),
            row("c", "2026-11-01T00:00Z", 90, request_model="small", response_model="large", error_type="E"),
        ]
    )
    report = cost_report(ledger)
    large, small = report.rows
    assert (large.keys, large.amount, large.calls, large.failed) == (("large",), 90, 1, 1)
    assert (small.keys, small.amount, small.calls, small.failed) == (("small",), 12, 2, 0)
    assert (small.input, small.cache_read, small.cache_write, small.output, small.savings) == (10, 3, 6, 4, 2)
    assert (report.total.amount, report.total.calls, report.total.duration_us) == (102, 3, 3 * 10**6)
    assert report.total.cost == Decimal("0.000000000000102")


def test_unpriced_calls_are_counted_with_their_reason_and_never_shown_as_zero(ledger: Ledger) -> None:
    reasons = ("no-price: no price for model 'x'", "matched: request model")
    ledger.add(
        [
            row("a", "2026-11-01T00:00Z", None, request_model="x", reasons=reasons),
            row("b", "2026-11-01T00:00Z", 5, request_model="y"),
            row(
                "c",
                "2026-11-01T00:00Z",
                6,
                request_model="y",
                status="partial",
                reasons=("no-rate: web_search",),
            ),
            row("d", "2026-11-01T00:00Z", None, request_model="z", status="pending"),
            row("e", "2026-11-01T00:00Z", 0, request_model="free"),
        ]
    )
    report = cost_report(ledger)
    found = {one.keys[0]: one for one in report.rows}
    assert (found["x"].cost, found["x"].unpriced, found["x"].is_lower_bound) == (None, 1, True)
    assert (found["y"].amount, found["y"].is_lower_bound, found["y"].calls) == (11, True, 2)
    assert (found["z"].cost, found["z"].calls, found["z"].statuses["pending"]) == (None, 0, 1)
    assert (found["free"].cost, found["free"].is_lower_bound) == (Decimal(0), False)
    assert report.reasons == Counter({"no-price: no price for model 'x'": 1, "no-rate: web_search": 1})
    assert (report.total.calls, report.total.amount) == (4, 11)


def test_days_of_a_time_zone_also_when_its_clock_changes(ledger: Ledger) -> None:
    berlin = [
        ("2026-03-28T23:00Z", "2026-03-29"),  # midnight in Berlin
        ("2026-03-29T00:45Z", "2026-03-29"),
        ("2026-03-29T21:59Z", "2026-03-29"),  # the day has 23 hours
        ("2026-03-29T22:00Z", "2026-03-30"),
        ("2026-10-24T21:59Z", "2026-10-24"),
        ("2026-10-24T22:00Z", "2026-10-25"),
        ("2026-10-25T22:59Z", "2026-10-25"),  # 25 hours
        ("2026-10-25T23:00Z", "2026-10-26"),
    ]
    ledger.add(row(str(number), start, 10**number) for number, (start, _) in enumerate(berlin))
    report = cost_report(ledger, by=("day",), tz="Europe/Berlin")
    expected: Counter[tuple[str, ...]] = Counter()
    for number, (_, day) in enumerate(berlin):
        expected[(day,)] += 10**number
    assert amounts(report.rows) == dict(expected)
    assert [one.keys for one in report.rows] == sorted(expected)
    one_day = cost_report(ledger, since="2026-10-25", until="2026-10-25", tz="Europe/Berlin")
    assert one_day.total.amount == 10**5 + 10**6


def test_the_half_hour_that_is_repeated_is_an_hour_of_its_own(ledger: Ledger) -> None:
    # Lord Howe's clocks went from 02:00+11:00 back to 01:30+10:30 at 15:00 UTC
    starts = ("2026-04-04T14:05Z", "2026-04-04T14:35Z", "2026-04-04T15:05Z", "2026-04-04T15:35Z")
    ledger.add(row(f"l{number}", start, 10**number) for number, start in enumerate(starts))
    found = cost_report(ledger, by=("hour",), tz="Australia/Lord_Howe").rows
    assert [(one.keys[0], one.amount) for one in found] == [
        ("2026-04-05T01:00+11:00", 11),
        ("2026-04-05T01:00+10:30", 100),
        ("2026-04-05T02:00+10:30", 1000),
    ]


def test_hours_come_in_order_of_time_when_clocks_go_back(ledger: Ledger) -> None:
    ledger.add([row("b1", "2026-10-25T00:30Z", 1), row("b2", "2026-10-25T01:30Z", 2)])
    found = cost_report(ledger, by=("hour",), tz="Europe/Berlin").rows
    assert [one.keys[0] for one in found] == ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]


def test_the_repeated_hour_is_two_hours_and_odd_offsets_are_right(ledger: Ledger) -> None:
    ledger.add([row("a", "2026-10-25T00:30Z", 1), row("b", "2026-10-25T01:30Z", 2)])
    assert amounts(cost_report(ledger, by=("hour",), tz="Europe/Berlin").rows) == {
        ("2026-10-25T02:00+02:00",): 1,
        ("2026-10-25T02:00+01:00",): 2,
    }
    kathmandu = cost_report(ledger, by=("hour",), tz="Asia/Kathmandu")  # +05:45
    assert amounts(kathmandu.rows) == {("2026-10-25T06:00+05:45",): 1, ("2026-10-25T07:00+05:45",): 2}


def test_weeks_start_on_monday_and_months_are_the_zone_s(ledger: Ledger) -> None:
    ledger.add([row("a", "2026-11-15T23:30Z", 1), row("b", "2026-11-30T23:30Z", 2)])
    assert amounts(cost_report(ledger, by=("week",)).rows) == {("2026-11-09",): 1, ("2026-11-30",): 2}
    assert amounts(cost_report(ledger, by=("week",), tz="Europe/Berlin").rows) == {
        ("2026-11-16",): 1,
        ("2026-11-30",): 2,
    }
    assert amounts(cost_report(ledger, by=("month",), tz="Europe/Berlin").rows) == {
        ("2026-11",): 1,
        ("2026-12",): 2,
    }


def test_groups_filters_and_tags_together(ledger: Ledger) -> None:
    acme, other = Tags(source="s", own={"customer": "acme"}), Tags(source="s", own={"customer": "other"})
    ledger.add(
        [
            row("a", "2026-11-01T10:00Z", 1, tags=acme, provider="openai"),
            row("b", "2026-11-01T10:00Z", 2, tags=other, provider="openai"),
            row("c", "2026-11-02T10:00Z", 4, tags=acme, provider="anthropic"),
            row("d", "2026-11-02T10:00Z", 8, provider="anthropic"),
        ]
    )
    report = cost_report(ledger, by=("tag:customer", "day"))
    assert amounts(report.rows) == {
        ("acme", "2026-11-01"): 1,
        ("other", "2026-11-01"): 2,
        ("acme", "2026-11-02"): 4,
        ("", "2026-11-02"): 8,
    }
    wanted = CallFilter(fields={"provider": "anthropic"}, tags={"customer": "acme"})
    assert cost_report(ledger, wanted=wanted).total.amount == 4


def test_every_group_adds_up_to_the_same_total(ledger: Ledger) -> None:
    chance = random.Random(7)
    rows = [
        row(
            str(number),
            "2026-10-24T20:07Z",
            chance.randrange(10**20),
            start_ns=at("2026-10-24T20:07Z") + chance.randrange(10**14),
            provider=chance.choice("op"),
            request_model=chance.choice("abc"),
            tags=Tags(*(chance.choice(("", "x", "y")) for _ in range(7))),
            error_type=chance.choice(("", "E")),
        )
        for number in range(400)
    ]
    ledger.add(rows)
    since, until = at("2026-10-24T21:01Z"), at("2026-10-25T11:59Z")
    inside = [one for one in rows if since <= one.start_ns < until]
    total = sum(one.amount or 0 for one in inside)
    for name in (*GROUPS, "tag:none"):
        report = cost_report(ledger, since=since, until=until, by=(name,), tz="America/St_Johns")
        assert report.total.amount == sum(one.amount for one in report.rows) == total, name
        assert (report.total.calls, report.total.failed) == (
            len(inside),
            sum(bool(one.error_type) for one in inside),
        ), name
    failed = CallFilter(failed=True, fields={"model": ["a", "b*"]})
    expected = sum(one.amount or 0 for one in inside if one.error_type and one.request_model in "ab")
    assert cost_report(ledger, since=since, until=until, wanted=failed).total.amount == expected
    minutes = cost_report(ledger, since=since, until=since + 60 * 10**9)
    assert minutes.total.calls == sum(since <= one.start_ns < since + 60 * 10**9 for one in rows)


def test_sums_beyond_9223_dollars_are_exact(ledger: Ledger) -> None:
    ledger.add(row(str(number), "2026-11-01T00:00Z", 9_999 * USD + 1) for number in range(101))
    for by in ("model", "conversation"):
        assert cost_report(ledger, by=(by,)).total.cost == Decimal("1009899.000000000000101")


def test_absurd_calls_do_not_break_the_sums_of_others(ledger: Ledger) -> None:
    for number in range(300):
        absurd = Call(key=str(number), usage={"input": 10**30}, end_ns=2**63 - 1)
        kept = decode(encode(absurd, Priced("exact", 10**30, {"input": 10**30})))
        assert kept is not None
        ledger.add([kept])
    ledger.add([row("plain", "1970-01-01T00:00Z", 5)])
    for by in ("day", "conversation"):
        report = cost_report(ledger, by=(by,))
        assert (report.total.amount, report.total.calls, report.total.unpriced) == (5, 301, 300)
        assert report.total.input == 300 * 10**12


def test_a_repriced_call_shows_its_new_price_everywhere(ledger: Ledger) -> None:
    ledger.add([row("a", "2026-11-01T00:00Z", None, request_model="x", reasons=("no-price: x",))])
    ledger.reprice("a", Priced("exact", 9, {"input": 9}, version="v2"), "new prices")
    for by in ("model", "conversation"):
        report = cost_report(ledger, by=(by,))
        assert (report.total.amount, report.total.unpriced, report.reasons) == (9, 0, Counter())


def test_an_unknown_group_says_what_there_is(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationError, match=r"'colour'.*conversation.*day.*tag:NAME"):
        cost_report(ledger, by=("colour",))


def test_an_empty_ledger_has_an_empty_report(ledger: Ledger) -> None:
    report = cost_report(ledger)
    assert (report.rows, report.total.calls, report.total.cost, report.reasons) == ([], 0, None, Counter())


def test_lists(ledger: Ledger) -> None:
    ledger.add(
        [
            row("cheap", "2026-11-01T00:00Z", 1),
            row("dear", "2026-11-02T00:00Z", 9_000_001),
            row("dearest", "2026-11-01T12:00Z", 9_000_002, end_ns=at("2026-11-01T12:01Z")),
            row("unknown", "2026-11-03T00:00Z", None),
        ]
    )
    assert [one.key for one in latest_calls(ledger)] == ["unknown", "dear", "dearest", "cheap"]
    assert [one.key for one in dearest_calls(ledger)] == ["dearest", "dear", "cheap", "unknown"]
    assert [one.key for one in dearest_calls(ledger, limit=1)] == ["dearest"]
    assert [one.key for one in slowest_calls(ledger, limit=1)] == ["dearest"]


def test_the_summary_of_a_run(ledger: Ledger) -> None:
    ledger.add(
        [
            row("a", "2026-11-01T00:00Z", 3, run_id="r", request_model="m", tags=Tags(source="s")),
            row("b", "2026-11-01T00:00Z", 4, run_id="r", request_model="m", end_ns=at("2026-11-01T00:09Z")),
            row("c", "2026-11-01T00:00Z", None, run_id="r", request_model="n", reasons=("no-price: n",)),
            row("d", "2026-11-01T00:00Z", 99, run_id="other"),
        ]
    )
    summary = run_summary(ledger, "r")
    assert amounts(summary.report.rows) == {("m", "s"): 3, ("m", ""): 4, ("n", ""): 0}
    assert (summary.report.total.calls, summary.report.total.amount) == (3, 7)
    assert summary.report.reasons == Counter({"no-price: n": 1})
    assert summary.dearest is not None
    assert summary.slowest is not None
    assert (summary.dearest.key, summary.slowest.key) == ("b", "b")
    nothing = run_summary(ledger, "none")
    assert (nothing.report.total.calls, nothing.dearest, nothing.slowest) == (0, None, None)


def test_sessions_with_their_stages(ledger: Ledger) -> None:
    ledger.add(
        [
            row("a", "2026-11-01T00:00Z", 3, tags=Tags(session="one", stage="plan")),
            row(
                "b",
                "2026-11-01T00:05Z",
                4,
                tags=Tags(session="one", stage="act"),
                end_ns=at("2026-11-01T00:05:03Z"),
            ),
            row("c", "2026-11-02T00:00Z", 5, tags=Tags(session="two*")),
            row("d", "2026-11-02T00:00Z", 6, tags=Tags(session="two-b")),
            row("e", "2026-11-02T00:00Z", 7),
        ]
    )
    for limit in (10, -1):
        found = {one.session: one for one in session_costs(ledger, limit=limit)}
        assert {name: one.sums.amount for name, one in found.items()} == {"one": 7, "two*": 5, "two-b": 6}
        stages = [(stage.stage, stage.sums.amount, stage.time_share) for stage in found["one"].stages]
        assert stages == [("act", 4, 0.75), ("plan", 3, 0.25)]
        assert (found["one"].first_ns, found["one"].last_ns) == (
            at("2026-11-01T00:00Z"),
            at("2026-11-01T00:05:03Z"),
        )
    assert [one.session for one in session_costs(ledger, limit=2)] == ["two*", "two-b"]


def test_the_present_day_of_a_zone_is_what_its_clock_says(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    ledger.add([LedgerRow("now", start_ns=int(now.timestamp()) * 10**9, amount=1, status="exact")])
    assert cost_report(ledger, since=now - timedelta(hours=1)).total.calls == 1
    local = now.astimezone(ZoneInfo("Asia/Tokyo")).date().isoformat()
    assert [one.keys for one in cost_report(ledger, by=("day",), tz="Asia/Tokyo").rows] == [(local,)]

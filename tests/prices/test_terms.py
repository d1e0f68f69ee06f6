"""Thresholds, regions, speeds, hours, layers and discounts."""

from __future__ import annotations

import pytest

from otel_llmcost.call import Call, Priced, code_of
from otel_llmcost.money import femto
from otel_llmcost.prices import Book

from .conftest import MakeBook, ns

NOW = ns("2026-11-22T12:00:00")

LONG = """
[[row]]
provider = "p"
model = "long"
rates = { input = "2", cache_read = "0.2", output = "10" }
threshold = [
  { input_over = 1000, rates = { input = "4", cache_read = "0.4", output = "15" } },
  { input_over = 2000, rates = { input = "8" } },
]
[[row]]
provider = "p"
model = "input-only"
rates = { input = "2", cache_read = "0.2", output = "10" }
threshold = { input_over = 1000, basis = "input", rates = { input = "4" } }
[[row]]
provider = "p"
model = "with-output"
rates = { input = "2", output = "10" }
threshold = { input_over = 1000, basis = "input_and_output", rates = { input = "4" } }
"""


def price(book: Book, model: str, **facts: object) -> Priced:
    given: dict[str, object] = {"provider": "p", "response_model": model, "start_ns": NOW}
    return book.price(Call(**(given | {"usage": {"input": 1000}} | facts)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("long", {"input": 1000}, "0.002"),
        ("long", {"input": 1001}, "0.004004"),
        ("long", {"input": 500, "cache_read": 501}, "0.0022004"),
        ("long", {"input": 1000, "output": 5000}, "0.052"),
        ("long", {"input": 2000}, "0.008"),
        ("long", {"input": 2001, "output": 100}, "0.017508"),
        ("input-only", {"input": 1000, "cache_read": 5000}, "0.003"),
        ("input-only", {"input": 1001}, "0.004004"),
        ("with-output", {"input": 900, "output": 100}, "0.0028"),
        ("with-output", {"input": 900, "output": 101}, "0.00461"),
    ],
)
def test_thresholds_move_the_whole_request(
    make_book: MakeBook, model: str, usage: dict[str, int], usd: str
) -> None:
    assert price(make_book(LONG), model, usage=usage).amount == femto(usd)


PLACES = """
[[row]]
provider = "p"
model = "factor"
rates = { input = "2" }
fees = { web_search = { usd = "10", per = 1000 } }
multipliers = [{ when = { region = ["us", "eu"] }, factor = "1.1", meters = ["input"] }]
[[row]]
provider = "p"
model = "anywhere"
rates = { input = "2" }
multipliers = [{ when = { region = "*" }, factor = "1.1" }, { when = { speed = "fast" }, factor = "2" }]
[[row]]
provider = "p"
model = "listed"
region = ["global"]
rates = { input = "2" }
[[row]]
provider = "p"
model = "listed"
region = ["us", "eu"]
rates = { input = "3" }
[[row]]
provider = "p"
model = "listed"
region = ["us-east-1"]
rates = { input = "4" }
[[row]]
provider = "p"
model = "fast-row"
rates = { input = "2" }
[[row]]
provider = "p"
model = "fast-row"
speed = "fast"
rates = { input = "7" }
"""


@pytest.mark.parametrize(
    ("model", "region", "speed", "status", "usd"),
    [
        ("factor", "", "", "exact", "0.002"),
        ("factor", "global", "", "exact", "0.002"),
        ("factor", "us", "", "exact", "0.0022"),
        ("factor", "us-west-2", "", "exact", "0.0022"),
        ("factor", "europe-west4", "", "exact", "0.0022"),
        ("factor", "jp", "", "partial", "0.002"),
        ("anywhere", "jp", "", "exact", "0.0022"),
        ("anywhere", "jp", "fast", "exact", "0.0044"),
        ("anywhere", "", "fast", "exact", "0.004"),
        ("listed", "", "", "exact", "0.002"),
        ("listed", "us", "", "exact", "0.003"),
        ("listed", "us-east-1", "", "exact", "0.004"),
        ("listed", "us-east-12", "", "exact", "0.003"),
        ("listed", "eu-west-1", "", "exact", "0.003"),
        ("listed", "ap-south-1", "", "unpriced", None),
        ("fast-row", "", "fast", "exact", "0.007"),
        ("factor", "", "fast", "unpriced", None),
    ],
)
def test_regions_and_speeds(
    make_book: MakeBook, model: str, region: str, speed: str, status: str, usd: str | None
) -> None:
    priced = price(make_book(PLACES), model, region=region, speed=speed)
    assert (priced.status, priced.amount) == (status, None if usd is None else femto(usd))


def test_residency_is_on_tokens_not_on_fees(make_book: MakeBook) -> None:
    priced = price(make_book(PLACES), "factor", region="us", usage={"input": 1000, "web_search": 1})
    assert priced.components == {"input": femto("0.0022"), "tools": femto("0.01")}


HOURS = """
[[row]]
provider = "p"
model = "hours"
rates = { input = "1" }
[[row.schedule]]
tz = "Asia/Shanghai"
weekdays = ["mon", "tue", "wed", "thu", "fri"]
hours = ["09:00-12:00", "14:00-18:00"]
holidays = [2026-10-01]
rates = { input = "2" }
[[row]]
provider = "p"
model = "daylight"
rates = { input = "1" }
schedule = [{ tz = "America/New_York", hours = ["09:00-10:00"], rates = { input = "2" } }]
"""


@pytest.mark.parametrize(
    ("model", "at", "usd"),
    [
        ("hours", "2026-11-17T01:00:00", "0.002"),  # Tuesday 09:00 in Shanghai
        ("hours", "2026-11-17T00:59:59", "0.001"),
        ("hours", "2026-11-17T03:59:59", "0.002"),
        ("hours", "2026-11-17T04:00:00", "0.001"),
        ("hours", "2026-11-21T01:00:00", "0.001"),  # Saturday
        ("hours", "2026-11-22T17:00:00", "0.001"),  # Monday 01:00 in Shanghai, Sunday in UTC
        ("hours", "2026-10-01T01:00:00", "0.001"),  # a named holiday, a Thursday
        ("daylight", "2026-07-01T13:30:00", "0.002"),  # 09:30 EDT
        ("daylight", "2026-12-01T13:30:00", "0.001"),  # 08:30 EST
        ("daylight", "2026-12-01T14:30:00", "0.002"),
    ],
)
def test_hours_are_those_of_the_provider(make_book: MakeBook, model: str, at: str, usd: str) -> None:
    assert price(make_book(HOURS), model, start_ns=ns(at)).amount == femto(usd)


def one(rate: str, extra: str = "") -> str:
    return f'[[row]]\nprovider = "p"\nmodel = "m"\n{extra}rates = {{ input = "{rate}" }}\n'


def test_own_rows_beat_the_overlay_beats_the_generated(make_book: MakeBook) -> None:
    assert price(make_book("", one("1")), "m").amount == femto("0.001")
    assert price(make_book(one("2"), one("1")), "m").amount == femto("0.002")
    assert price(make_book(one("2"), one("1"), one("3")), "m").amount == femto("0.003")


def test_an_older_layer_fills_the_time_before_a_newer_one(make_book: MakeBook) -> None:
    book = make_book(one("2", "effective_from = 2026-10-01\n"), one("1"))
    assert price(book, "m", start_ns=ns("2026-09-30T23:59:59")).amount == femto("0.001")
    assert price(book, "m", start_ns=ns("2026-10-01T00:00:00")).amount == femto("0.002")


def test_a_correction_recorded_later_wins(make_book: MakeBook) -> None:
    text = one("1", "recorded_at = 2026-10-01\n") + one("2", "recorded_at = 2026-11-01\n")
    assert price(make_book(text), "m").amount == femto("0.002")


def test_discounts_are_on_list_prices_within_their_time(make_book: MakeBook) -> None:
    discount = (
        '[[discount]]\npercent = "12.5"\nprovider = "p"\nmodel = "m*"\nfrom = 2026-11-01\nto = 2026-12-01\n'
    )
    book = make_book(one("2"), own=discount)
    assert price(book, "m").amount == femto("0.00175")
    assert price(book, "m", start_ns=ns("2026-12-01T00:00:00")).amount == femto("0.002")
    exact = make_book(one("2"), own=discount + one("3"))
    assert price(exact, "m").amount == femto("0.003")


def test_a_discount_of_one_tier_and_one_meter(make_book: MakeBook) -> None:
    rows = one("2") + one("1", 'tier = "batch"\n')
    book = make_book(rows, own='[[discount]]\npercent = 50\ntier = "batch"\nmeters = ["input"]\n')
    assert price(book, "m").amount == femto("0.002")
    assert price(book, "m", tier="batch").amount == femto("0.0005")


def test_committed_rows_have_no_price_per_call(make_book: MakeBook) -> None:
    book = make_book('[[row]]\nprovider = "p"\nmodel = "m"\ncommitted = true\n')
    priced = price(book, "m")
    assert (priced.status, priced.amount) == ("committed", None)
    assert price(make_book(one("2")), "m", tier="committed").status == "committed"


def test_cache_writes_of_untold_lifetime_say_so(make_book: MakeBook) -> None:
    row = '[[row]]\nprovider = "p"\nmodel = "m"\nrates = { cache_write_5m = "5", cache_write_1h = "8" }\n'
    priced = price(make_book(row), "m", usage={"cache_write": 1000})
    assert (priced.status, priced.amount) == ("estimated", femto("0.005"))
    assert code_of(priced.reasons[0]) == "ambiguous"
    plain = one("1").replace('input = "1"', 'cache_write = "5"')
    assert price(make_book(plain), "m", usage={"cache_write_5m": 1000}).status == "exact"
    assert price(make_book(plain), "m", usage={"cache_write_1h": 1000}).status == "unpriced"


SHARED = """
[[row]]
provider = "p"
model = "big"
aliases = ["big-2026-01-31", "big-code", "big-latest"]
rates = { input = "2" }
"""


@pytest.mark.parametrize(
    ("on", "discounted", "full"),
    [
        ("big", ("big", "big-2026-01-31", "big-2031-12-31", "p/big"), ("big-code", "big-latest")),
        ("big-2026-01-31", ("big-2026-01-31",), ("big", "big-2031-12-31", "big-code")),
        ("big-20*", ("big-2026-01-31", "big-2031-12-31"), ("big", "big-code")),
        ("big-code", ("big-code", "big-code-20310131"), ("big", "big-2026-01-31", "big-latest")),
        ("big*", ("big", "big-2026-01-31", "big-code", "big-latest"), ()),
        ("deployed", ("deployed",), ("big",)),
    ],
)
def test_a_discount_is_on_the_name_that_is_called(
    make_book: MakeBook, on: str, discounted: tuple[str, ...], full: tuple[str, ...]
) -> None:
    book = make_book(SHARED, own=f'[[discount]]\npercent = 50\nmodel = "{on}"\n', models={"deployed": "big"})
    assert [price(book, name).amount for name in discounted] == [femto("0.001")] * len(discounted)
    assert [price(book, name).amount for name in full] == [femto("0.002")] * len(full)


def test_a_discount_goes_by_the_name_that_answered(make_book: MakeBook) -> None:
    book = make_book(SHARED, own='[[discount]]\npercent = 50\nmodel = "big-code"\n')
    assert price(book, "big", request_model="big-code").amount == femto("0.002")
    assert price(book, "big-code", request_model="big").amount == femto("0.001")


def test_what_a_call_cannot_exceed_counts_no_discount_of_a_name_that_may_not_answer(
    make_book: MakeBook,
) -> None:
    half = "[[discount]]\npercent = 50\n"
    named = make_book(SHARED, own=half + 'model = "big-latest"\n')
    assert named.dearest("p", "big-latest", input_tokens=1000, output_tokens=0) == femto("0.002")
    assert price(named, "big-2026-01-31", request_model="big-latest").amount == femto("0.002")
    of_all = make_book(SHARED, own=half)
    assert of_all.dearest("p", "big-latest", input_tokens=1000, output_tokens=0) == femto("0.001")


APART = """
[[row]]
provider = "p"
model = "m"
aliases = ["m-2026-02-28"]
rates = { input = "2" }
[[row]]
provider = "p"
model = "m-2026-01-31"
rates = { input = "5" }
[[row]]
provider = "p"
model = "m-2026-03-31"
rates = { input = "2" }
"""


@pytest.mark.parametrize(
    ("called", "usd"),
    [
        ("m", "0.001"),
        ("m-2026-01-31", "0.005"),  # sold apart, at a price of its own
        ("m-2026-02-28", "0.001"),
        ("m-2026-03-31", "0.001"),  # listed beside the model, at its price
        ("m-2031-12-31", "0.001"),
    ],
)
def test_an_own_row_is_not_on_a_snapshot_that_the_list_sells_at_another_price(
    make_book: MakeBook, called: str, usd: str
) -> None:
    priced = price(make_book(APART, own=one("1")), called)
    assert (priced.status, priced.amount) == ("exact", femto(usd))


def test_an_own_row_that_names_a_snapshot_is_on_it(make_book: MakeBook) -> None:
    own = one("1", 'aliases = ["m-2026-01-31"]\n')
    assert price(make_book(APART, own=own), "m-2026-01-31").amount == femto("0.001")
    by_pattern = one("1", 'match = [{ prefix = "m-2026" }]\n')
    assert price(make_book(APART, own=by_pattern), "m-2026-01-31").amount == femto("0.001")

"""What must hold for every call and every file, whatever is in it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_llmcost.call import STATUSES, Call, Line
from otel_llmcost.errors import ConfigurationError
from otel_llmcost.meters import METERS, TOKEN_METERS
from otel_llmcost.prices import EMPTY_SNAPSHOT, Book, OwnPrices, load_book, parse_row, resolve_host
from otel_llmcost.prices.own_reading import read_own
from otel_llmcost.prices.plan import make_plan
from otel_llmcost.prices.tables import row_table
from otel_llmcost.toml_source import parse_toml

from .conftest import ns

NOW = ns("2026-11-22T12:00:00")
BOOK = load_book()
MODELS = [
    ("openai", "gpt-6.2-sol"),
    ("openai", "gpt-5"),
    ("anthropic", "claude-opus-5-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gcp.gemini", "gemini-2.5-pro"),
    ("deepseek", "deepseek-v4-pro"),
    ("openai", "nobody"),
]
TIERS = ["", "standard", "batch", "flex", "priority", "ultrafast", "turbo"]

quantities = st.one_of(st.integers(0, 10**7), st.decimals(0, 10**6, allow_nan=False, places=3))
usages = st.dictionaries(st.sampled_from(METERS), quantities, max_size=6)
times = st.integers(ns("2023-01-01T00:00:00"), ns("2028-01-01T00:00:00"))
models = st.sampled_from(MODELS)


def call(model: tuple[str, str], usage: dict[str, object], **facts: object) -> Call:
    given: dict[str, object] = {
        "provider": model[0],
        "response_model": model[1],
        "start_ns": NOW,
        "usage": usage,
    }
    return Call(**(given | facts))  # type: ignore[arg-type]


@given(models, usages, st.sampled_from(TIERS), st.sampled_from(["", "us", "eu", "global", "xx"]), times)
def test_components_sum_to_the_total_and_unknown_is_never_zero(
    model: tuple[str, str], usage: dict[str, object], tier: str, region: str, at: int
) -> None:
    priced = BOOK.price(call(model, usage, tier=tier, region=region, start_ns=at))
    assert priced.status in STATUSES
    assert sum(priced.components.values()) == (priced.amount or 0)
    assert all(part > 0 for part in priced.components.values())
    if priced.amount is None:
        assert priced.status == "unpriced"
    if priced.status != "exact":
        assert priced.reasons


@given(models, usages, st.sampled_from(METERS), st.integers(0, 10**6), st.sampled_from(TIERS))
def test_more_usage_never_costs_less(
    model: tuple[str, str], usage: dict[str, object], meter: str, more: int, tier: str
) -> None:
    added = {**usage, meter: usage.get(meter, 0) + more}  # type: ignore[operator]
    before = BOOK.price(call(model, usage, tier=tier)).amount
    after = BOOK.price(call(model, added, tier=tier)).amount
    assert (after or 0) >= (before or 0)


@given(models, usages, times)
def test_the_short_and_the_long_way_agree(model: tuple[str, str], usage: dict[str, object], at: int) -> None:
    short = BOOK.price(call(model, usage, start_ns=at))
    long = BOOK.price(call(model, usage, start_ns=at, notes=("note: take the long way",)))
    assert (short.amount, short.components, short.savings) == (long.amount, long.components, long.savings)
    assert short.status == long.status


@given(models, usages, st.sampled_from(TIERS), times)
def test_the_same_version_gives_the_same_price(
    model: tuple[str, str], usage: dict[str, object], tier: str, at: int
) -> None:
    again = load_again()
    assert again.version == BOOK.version
    assert again.price(call(model, usage, tier=tier, start_ns=at)) == BOOK.price(
        call(model, usage, tier=tier, start_ns=at)
    )


_AGAIN: list[Book] = []


def load_again() -> Book:
    if not _AGAIN:
        _AGAIN.append(load_book())
    return _AGAIN[0]


@given(
    st.sampled_from(MODELS[:-1]),
    st.dictionaries(st.sampled_from(TOKEN_METERS), st.integers(1, 10**6), max_size=4),
)
def test_tiers_never_mix(model: tuple[str, str], usage: dict[str, int]) -> None:
    """A tier's figure is the one of a book that knows no other tier."""
    for tier in TIERS[1:]:
        alone = OwnPrices(rows=[row for row in BOOK.rows(*model) if row.tier == tier])
        apart = Book(EMPTY_SNAPSHOT, alone).price(call(model, usage, tier=tier))
        together = BOOK.price(call(model, usage, tier=tier))
        assert (together.amount, together.components) == (apart.amount, apart.components)


@given(models, st.integers(0, 400_000), st.integers(0, 100_000), st.data())
def test_no_billing_exceeds_the_dearest(
    model: tuple[str, str], tokens: int, output: int, data: st.DataObject
) -> None:
    bound = BOOK.dearest(*model, input_tokens=tokens, output_tokens=output, at_ns=NOW)
    if bound is None:
        assert model[1] == "nobody"
        return
    cut = data.draw(st.integers(0, tokens))
    meter = data.draw(
        st.sampled_from(["cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "cache_write_12h"])
    )
    usage = {"input": tokens - cut, meter: cut, "output": output}
    tier, speed = data.draw(st.sampled_from(TIERS)), data.draw(st.sampled_from(["", "fast"]))
    priced = BOOK.price(
        call(model, usage, tier=tier, speed=speed, region=data.draw(st.sampled_from(["", "us"])))
    )
    assert (priced.amount or 0) <= bound


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.decimals(),
    st.binary(max_size=3),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(max_size=30),
    st.text(max_size=40),
    st.text(max_size=20),
    st.dictionaries(st.text(max_size=12), junk, max_size=5),
)
def test_no_call_raises(provider: str, model: str, term: str, usage: dict[str, object]) -> None:
    for facts in (
        {"provider": provider, "response_model": model},
        {"provider": "aws.bedrock", "request_model": model, "region": term},
        {"provider": "openai", "response_model": "gpt-5", "tier": term, "variant": term, "host": term},
        {"provider": "openai", "lines": (Line(provider, model, usage, tier=term),)},  # type: ignore[arg-type]
    ):
        priced = BOOK.price(Call(usage=usage, start_ns=NOW, **facts))  # type: ignore[arg-type]
        assert priced.status in STATUSES
        assert sum(priced.components.values()) == (priced.amount or 0)


@given(st.text(max_size=60))
def test_no_host_raises(host: str) -> None:
    assert resolve_host(host, {host: "openai"}).kind
    assert resolve_host(host, {}).provider


KEYS = [
    "provider",
    "model",
    "rates",
    "fees",
    "tier",
    "region",
    "threshold",
    "schedule",
    "match",
    "effective_from",
    "x",
]
values = st.recursive(
    junk | st.sampled_from(["1", "m", "flex", "2026-01-01", "09:00-12:00"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*KEYS, "input", "usd", "prefix"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=5))
def test_a_hostile_row_is_a_row_or_a_configuration_error(table: dict[str, object]) -> None:
    try:
        row = parse_row(table)
    except ConfigurationError:
        return
    assert parse_row(row_table(row)) == row


PIECES = [
    "[[row]]\n", "[[discount]]\n", "[[local_size]]\n", "[prices]\n", 'provider = "p"\n', 'model = "m"\n', "free = true\n",
    'rates = { input = "1" }\n', 'rates = { input = 1e400 }\n', "percent = -1\n", 'size = "7B"\n', "row = 1\n",
    "\x00", "é",
    "threshold = { input_over = -1 }\n",
    'schedule = [{ tz = "../../etc/passwd", rates = {} }]\n', "= 5\n", '"""', "'",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_hostile_price_files_never_stop_the_rest(text: str) -> None:
    try:
        document = parse_toml(text, "own.toml")
    except ConfigurationError:
        return
    own = read_own([document])
    assert isinstance(own, OwnPrices)
    assert all(problem.file == "own.toml" for problem in own.problems)
    assert Book(BOOK.catalogue.snapshot, own).price(call(MODELS[1], {"input": 5})).status in STATUSES


@pytest.mark.parametrize("usd", ["0.0833333333333333333333", "0.0000001", "123456.789"])
def test_odd_rates_stay_exact(usd: str) -> None:
    row = parse_row({"provider": "p", "model": "m", "rates": {"input": usd}})
    rate = make_plan(row, {}).levels[0].rates["input"]
    assert rate.amount(10**24) == int(Decimal(usd) * 10**9 * 10**24)

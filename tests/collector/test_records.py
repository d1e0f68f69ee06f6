"""Records: what the collector must know of a model, in whole femto-dollars."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

from otel_llmcost.collector.records import records
from otel_llmcost.prices.book import Book
from otel_llmcost.prices.load import load_book
from otel_llmcost.prices.rates import Multiplier, Row, Threshold
from otel_llmcost.prices.shards import write_snapshot


def book_of(tmp_path: Path, *rows: Row) -> Book:
    write_snapshot(rows, [], tmp_path / "prices", date=dt.date(2026, 11, 23), sources={})
    return load_book(snapshot_dir=tmp_path / "prices")


def record_of(tmp_path: Path, *rows: Row) -> str:
    (record,) = records(book_of(tmp_path, *rows))
    assert record.key == "openai|m"
    return record.text


RATES = {"input": Decimal("1.25"), "output": Decimal(10)}
NS = 10**9


def test_rates_are_femto_dollars_a_token(tmp_path: Path) -> None:
    text = record_of(tmp_path, Row(provider="openai", model="m", rates=RATES))
    facts = "input=1250000000 output=10000000000 plain=1"
    assert text == f"@standard~~:{len(facts):04d}{facts}"


def test_each_stretch_of_time_has_its_variant(tmp_path: Path) -> None:
    old = Row(provider="openai", model="m", rates=RATES, to_ns=1_795_000_000 * NS)
    new = Row(provider="openai", model="m", rates={**RATES, "input": Decimal(2)}, from_ns=1_795_000_000 * NS)
    text = record_of(tmp_path, old, new)
    assert text.startswith("E1795000000;@standard~~#0:")
    assert "#0:0043input=1250000000 " in text
    assert "#1:0043input=2000000000 " in text


def test_before_the_first_price_there_is_none(tmp_path: Path) -> None:
    text = record_of(tmp_path, Row(provider="openai", model="m", rates=RATES, from_ns=1_795_000_000 * NS))
    assert "#0:0012why=no-price" in text


def test_a_threshold_is_a_level_of_its_own(tmp_path: Path) -> None:
    row = Row(
        provider="openai", model="m", rates=RATES, thresholds=(Threshold(200_000, {"input": Decimal(5)}),)
    )
    text = record_of(tmp_path, row)
    assert " over1=200000" in text
    assert "@standard~~>1:" in text
    assert "input=5000000000" in text


def test_a_residency_factor_is_multiplied_out(tmp_path: Path) -> None:
    surcharge = Multiplier({"region": ("us",)}, Decimal("1.1"), ("input", "output"))
    text = record_of(tmp_path, Row(provider="openai", model="m", rates=RATES, multipliers=(surcharge,)))
    assert "@standard~~us:" in text
    assert "input=1375000000 output=11000000000" in text
    assert "unplaced=1" in text.partition("@standard~~*:")[2]


def test_a_rate_that_is_no_whole_femto_dollar_says_so(tmp_path: Path) -> None:
    row = Row(provider="openai", model="m", rates={**RATES, "cache_read": Decimal("0.0000000001")})
    text = record_of(tmp_path, row)
    assert "about_cache_read=1" in text
    assert "plain=1" not in text


def test_a_price_beyond_64_bits_is_left_out(tmp_path: Path) -> None:
    assert "why=no-rate" in record_of(
        tmp_path, Row(provider="openai", model="m", rates={"input": Decimal(10**6)})
    )

"""Own prices of single models, as records: on the names that the library prices so, an estimate where it cannot tell."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from otel_llmcost.collector.records import dated, prefixes, records
from otel_llmcost.collector.tables import tables
from otel_llmcost.prices.book import Book
from otel_llmcost.prices.load import load_book
from otel_llmcost.prices.rows import parse_row
from otel_llmcost.prices.shards import write_snapshot
from otel_llmcost.toml_source import parse_toml

ROWS = (
    {"model": "m", "aliases": ["m-code"], "match": [{"prefix": "m-x"}], "rates": {"input": "2"}},
    {"model": "n", "rates": {"input": "4"}},
)
FULL, HALF = "@standard~~:0016input=2000000000", "@standard~~:0016input=1000000000"
UNSURE = "@standard~~:0024input=2000000000 named=1"


def book_of(tmp_path: Path, own: str) -> Book:
    listed = [parse_row({"provider": "openai", **row}) for row in ROWS]
    write_snapshot(listed, [], tmp_path, date=dt.date(2026, 11, 23), sources={})
    return load_book(snapshot_dir=tmp_path, user_documents=[parse_toml(own, "own.toml")])


def half_on(model: str) -> str:
    return f'[[discount]]\npercent = 50\nprovider = "openai"\nmodel = "{model}"\n'


@pytest.mark.parametrize(
    ("on", "named", "with_date", "behind"),
    [
        ("m", {"m": HALF, "m-code": FULL}, {"m": HALF}, FULL),
        ("m-code", {"m": FULL, "m-code": HALF}, {"m-code": HALF}, FULL),
        ("m-2026-01-31", {"m": FULL, "m-code": FULL, "m-2026-01-31": HALF}, {}, FULL),
        ("m-20*", {"m": FULL, "m-code": FULL}, {"m": UNSURE.replace("2000", "1000")}, FULL),
        ("m*", {"m": HALF, "m-code": HALF}, {"m": HALF, "m-code": HALF}, HALF),
        ("m-xy*", {"m": FULL, "m-code": FULL}, {}, UNSURE),
        ("openai/m", {"m": UNSURE, "m-code": FULL, "openai/m": HALF}, {}, FULL),
        ("other", {"m": FULL, "m-code": FULL}, {}, FULL),
    ],
)
def test_a_discount_is_on_the_names_that_it_says(
    tmp_path: Path, on: str, named: dict[str, str], with_date: dict[str, str], behind: str
) -> None:
    book = book_of(tmp_path, half_on(on))
    assert {r.key: r.text for r in records(book) if r.key != "openai|n"} == {
        f"openai|{name}": text for name, text in named.items()
    }
    assert {r.key: r.text for r in dated(book)} == {f"openai|{n}": text for n, text in with_date.items()}
    assert [(r.key, r.text) for r in prefixes(book)] == [("openai|m-x", behind)]


def test_an_own_row_is_on_dated_names_that_a_pattern_of_the_list_would_take(tmp_path: Path) -> None:
    own = '[[row]]\nprovider = "openai"\nmodel = "m-x1"\nrates = { input = "1" }\n'
    book = book_of(tmp_path, own)
    made = tables(records(book), prefixes(book), dated(book))
    assert made.dated
    text = "".join(piece for group in made.names for page in group.pages for piece in page.text())
    number = text.partition(";openai|m-x1#=")[2][:5]
    assert number == text.partition(";openai|m-x1=")[2][:5]
    assert number != text.partition(";openai|m-x*=")[2][:5]


def test_without_own_prices_no_name_has_a_record_for_its_dates(tmp_path: Path) -> None:
    assert list(dated(book_of(tmp_path, ""))) == []

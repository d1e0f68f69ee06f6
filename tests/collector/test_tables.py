"""Two levels of pages: every key leads to its own record, dated and longer names to the page that knows them."""

from __future__ import annotations

import pytest

from otel_llmcost.collector.records import Record, prefixes, records
from otel_llmcost.collector.tables import PAGE_SIZE, Group, tables
from otel_llmcost.prices.load import load_book

PROVIDERS = ("openai", "anthropic", "groq")


@pytest.fixture(scope="module")
def found() -> tuple[list[Record], list[Record]]:
    book = load_book()
    return records(book, PROVIDERS), list(prefixes(book, PROVIDERS))


def page_of(groups: list[Group], key: str) -> str:
    """What the collector would search for a key."""
    inside = [group for group in groups if group.first <= key < group.until]
    assert len(inside) == 1
    (page,) = [page for page in inside[0].pages if page.first <= key < page.until]
    return "".join(page.text())


def value(text: str, key: str) -> str:
    return text.partition(f";{key}=")[2].partition(";")[0]


def test_every_name_leads_to_its_record(found: tuple[list[Record], list[Record]]) -> None:
    made = tables(*found)
    assert len(found[0]) > 300
    for record in found[0]:
        number = value(page_of(made.names, record.key), record.key)
        text = page_of(made.records, number).partition(f";{number}=")[2]
        length = int(text[:5])
        assert text[5 : 5 + length] == record.text, record.key


def test_a_dated_name_finds_the_name_without_its_date(found: tuple[list[Record], list[Record]]) -> None:
    made = tables(*found)
    for record in found[0]:
        for date in ("-2031-01-31", "-20310131", "@20310131"):
            assert value(page_of(made.names, record.key + date), record.key), record.key


def test_a_pattern_is_in_every_page_where_it_may_hold(found: tuple[list[Record], list[Record]]) -> None:
    made = tables(*found)
    assert found[1]
    for record in found[1]:
        for rest in ("", "-preview", "-z", "-0"):
            assert value(page_of(made.names, record.key + rest), f"{record.key.rstrip('-@:./')}*"), record.key


def test_pages_stay_short(found: tuple[list[Record], list[Record]]) -> None:
    """The collector needs the square of a text's length to read it."""
    made = tables(*found)
    longest = max(len(record.text) for record in found[0])
    for group in (*made.names, *made.records):
        for page in group.pages:
            assert len("".join(page.text())) < max(4 * PAGE_SIZE, PAGE_SIZE + longest + 50)


def test_names_that_cost_the_same_share_a_record() -> None:
    made = tables([Record("p|a", "@x:1"), Record("p|b", "@x:1"), Record("p|c", "@x:2")], [])
    assert [value(page_of(made.names, f"p|{name}"), f"p|{name}") for name in "abc"] == [
        "00000",
        "00000",
        "00001",
    ]

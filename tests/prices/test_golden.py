"""Published prices, typed by hand in tests/golden/, against the shipped prices, from span attributes to dollars."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.call import SpanFacts, code_of
from otel_llmcost.money import as_decimal
from otel_llmcost.prices import Book, load_book
from otel_llmcost.pricing import price_lines
from otel_llmcost.spans import read_call

GOLDEN = Path(__file__).parents[1] / "golden"


def cases() -> list[tuple[str, dict[str, object]]]:
    found = []
    for page in sorted(GOLDEN.glob("*.toml")):
        document = tomllib.loads(page.read_text())
        for case in document["case"]:
            assert set(case["sources"]) <= set(document["source"]), case["id"]
            found.append((f"{page.stem}:{case['id']}", case))
    return found


CASES = cases()


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book()


def test_there_are_enough_cases_and_no_two_have_one_name() -> None:
    names = [name for name, _ in CASES]
    assert len(names) == len(set(names)) >= 50


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_golden_case(book: Book, case: dict[str, object]) -> None:
    start: dt.datetime = case["time"]  # type: ignore[assignment]
    at_ns = int(start.timestamp()) * 10**9
    attributes: dict[str, object] = {"gen_ai.operation.name": "chat", **case["attributes"]}  # type: ignore[dict-item]
    facts = SpanFacts(name="chat", kind="CLIENT", start_ns=at_ns, end_ns=at_ns + 10**9, attributes=attributes)
    call = read_call(facts)
    assert call is not None
    priced = book.price(call)
    assert priced.status == case.get("status", "exact"), priced
    expected = case.get("cost")
    if expected is None:
        assert priced.amount is None
    else:
        assert priced.amount is not None
        assert as_decimal(priced.amount) == Decimal(str(expected))
        assert sum(priced.components.values()) == priced.amount
    for component, amount in case.get("components", {}).items():  # type: ignore[attr-defined]
        assert as_decimal(priced.components[component]) == Decimal(amount)
    if "reason" in case:
        assert case["reason"] in [code_of(reason) for reason in priced.reasons]


def test_the_filter_answers_the_same(book: Book) -> None:
    lines = [json.dumps({"attributes": case["attributes"], "time": str(case["time"])}) for _, case in CASES]
    for (name, case), (answer, understood) in zip(CASES, price_lines(lines, book), strict=True):
        assert understood, name
        assert (answer["status"], answer["cost_usd"]) == (case.get("status", "exact"), case.get("cost")), name

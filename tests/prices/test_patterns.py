"""Patterns that a user writes: none can keep a call waiting."""

from __future__ import annotations

import re
import time

import pytest

from otel_llmcost.call import Call
from otel_llmcost.money import femto
from otel_llmcost.prices import SHIPPED, read_snapshot
from otel_llmcost.prices.patterns import hazard_of

from .conftest import MakeBook, ns

NOW = ns("2026-11-22T12:00:00")


@pytest.mark.parametrize(
    "regex",
    [
        "(a+)+b",
        "(a|aa)+$b",
        "(?:x[0-9]*)*",
        "(?P<n>a+)*",
        "(?=a+)+b",
        "(a?){30}b",
        "((a){1,9}){2,}",
        ".*.*.*.*=x",
        "a?" * 30 + "a" * 30,
        "(a|a)" * 20,
        r"(a*)\1",
        "(?>a+)+",
        "(?x)(a + ) +",
    ],
)
def test_what_a_name_could_keep_busy_is_refused(make_book: MakeBook, regex: str) -> None:
    assert hazard_of(regex)
    row = f"[[row]]\nprovider = 'p'\nmodel = 'm'\nfree = true\nmatch = [{{ regex = '{regex}' }}]\n"
    good = "[[row]]\nprovider = 'p'\nmodel = 'n'\nrates = { input = '1' }\n"
    book = make_book(own=row + good)
    (problem,) = book.problems
    assert "own.toml:5: match.regex" in str(problem)
    assert book.price(
        Call(provider="p", request_model="n", usage={"input": 10**6}, start_ns=NOW)
    ).amount == femto("1")


@pytest.mark.parametrize(
    "regex",
    [
        "[a-z]+-[a-z]+-\\d+",
        "gpt-5(-\\d{4}-\\d{2}-\\d{2})?",
        "(?i)claude-.*",
        "(gpt|o)\\d+",
        "[)(+*|]{3}a",
        "a\\(b\\)*\\|c",
        "(?!.*-tts)gemini-.*",
        "x{2}y{2,5}",
    ],
)
def test_usual_patterns_are_taken(regex: str) -> None:
    assert hazard_of(regex) == ""


def test_every_shipped_pattern_is_one_that_users_may_write() -> None:
    snapshot = read_snapshot(SHIPPED)
    pages = [snapshot.page(provider) for provider in snapshot.texts]
    patterns = [regex for page in pages if page is not None for _, regex, _ in page.patterns if regex]
    assert len(patterns) > 100
    assert [regex for regex in patterns if hazard_of(regex)] == []


def test_what_does_not_compile_is_the_matchers_own_error() -> None:
    with pytest.raises(re.error):
        hazard_of("(")


def test_the_slowest_pattern_that_is_taken_is_over_at_once(make_book: MakeBook) -> None:
    row = "[[row]]\nprovider = 'p'\nmodel = 'm'\nfree = true\nmatch = [{ regex = 'a*a*a*b' }]\n"
    book = make_book(own=row)
    for length in (199, 200, 100_000):
        started = time.process_time()
        priced = book.price(Call(provider="p", request_model="a" * length, usage={"input": 1}, start_ns=NOW))
        assert priced.status == "unpriced"
        assert time.process_time() - started < 5


def test_many_rows_are_read_and_searched_in_proportion(make_book: MakeBook) -> None:
    rows = "".join(
        f"[[row]]\nprovider = 'p'\nmodel = 'm{number}'\nrates = {{ input = '1' }}\n" for number in range(5000)
    )
    started = time.process_time()
    book = make_book(own=rows)
    assert not book.problems
    assert time.process_time() - started < 60
    started = time.process_time()
    for number in range(200):
        book.price(Call(provider="p", request_model=f"nobody-{number}", usage={"input": 1}, start_ns=NOW))
    assert time.process_time() - started < 5

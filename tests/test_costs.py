"""Amounts are typed from the published prices, not computed: gpt-5 $1.25 / $0.125 cached / $10 per million tokens
(https://openai.com/api/pricing), Claude Sonnet 4.5 $3 / read $0.30 / write 5m $3.75, 1h $6 / $15
(https://docs.claude.com/en/docs/about-claude/pricing)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from otel_llmcost.costs import calculate_cost, cost_breakdown, estimate_cost, usage_of
from otel_llmcost.errors import UsageError
from otel_llmcost.prices import Book, load_book

AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book()


def test_a_plain_call(book: Book) -> None:
    # 1,000 x $1.25/M + 100 x $10/M = $0.00125 + $0.001
    assert calculate_cost("openai", "gpt-5", 1_000, 100, at=AT, book=book) == Decimal("0.00225")


def test_parts_and_what_caching_saved(book: Book) -> None:
    found = cost_breakdown(
        "anthropic", "claude-sonnet-4-5", 10_000, 100, cache_read_tokens=8_000, at=AT, book=book
    )
    assert (found.usd, found.status) == (Decimal("0.0099"), "exact")
    assert found.components == {
        "input": Decimal("0.006"),
        "cache_read": Decimal("0.0024"),
        "output": Decimal("0.0015"),
    }
    # 8,000 tokens at $3 instead of $0.30 per million
    assert found.cache_savings == Decimal("0.0216")
    assert found.without_cache == Decimal("0.0315")
    assert float(found) == 0.0099


def test_meters_by_name(book: Book) -> None:
    usage = {"cache_write_5m": 2_000, "cache_write_1h": 500, "web_search": 2}
    found = cost_breakdown("anthropic", "claude-sonnet-4-5", 1_000, 0, usage=usage, at=AT, book=book)
    # .003 + 2,000 x $3.75/M + 500 x $6/M + 2 x $0.01
    assert found.usd == Decimal("0.003") + Decimal("0.0075") + Decimal("0.003") + Decimal("0.02")
    assert found.components["tools"] == Decimal("0.02")


def test_an_unknown_model_is_no_free_one(book: Book) -> None:
    found = cost_breakdown("openai", "gpt-99", 1_000, 100, book=book)
    assert (found.usd, found.without_cache, found.status) == (None, None, "unpriced")
    assert found.reasons
    assert math.isnan(float(found))
    assert calculate_cost("openai", "gpt-99", 1_000, book=book) is None


def test_a_part_of_the_cost_is_no_cost(book: Book) -> None:
    found = cost_breakdown("openai", "gpt-5", 1_000, 100, usage={"image": 2}, at=AT, book=book)
    assert (found.usd, found.status) == (Decimal("0.00225"), "partial")
    assert found.reasons == ("no-rate: image has no price for openai gpt-5 at tier standard",)
    assert math.isnan(float(found))
    assert calculate_cost("openai", "gpt-5", 1_000, 100, usage={"image": 2}, at=AT, book=book) is None


def test_whole_floats_are_the_integers_that_they_are(book: Book) -> None:
    found = cost_breakdown("openai", "gpt-5", 1_000.0, Decimal(100), at=AT, book=book)  # type: ignore[arg-type]
    assert (found.usd, found.status) == (Decimal("0.00225"), "exact")
    assert usage_of(usage={"audio_second": 12.5, "page": 2.0}) == {"audio_second": Decimal("12.5"), "page": 2}  # type: ignore[dict-item]


def test_providers_by_their_usual_names(book: Book) -> None:
    plain = calculate_cost("gcp.gemini", "gemini-2.5-flash", 1_000, 100, at=AT, book=book)
    assert plain is not None
    assert calculate_cost("Gemini", "gemini-2.5-flash", 1_000, 100, at=AT, book=book) == plain


def test_a_naive_instant_is_utc(book: Book) -> None:
    naive = AT.replace(tzinfo=None)
    assert calculate_cost("openai", "gpt-5", 1_000, at=naive, book=book) == Decimal("0.00125")


def test_estimates_say_how_they_were_made(book: Book) -> None:
    found = estimate_cost("openai", "gpt-5", "x" * 4_001, 100, at=AT, book=book)
    assert (found.usd, found.status) == (Decimal("0.00225125"), "estimated")
    assert "4 bytes a token" in found.reasons[0]
    counted = estimate_cost("openai", "gpt-5", "any text", 100, count=lambda *_: 1_000, at=AT, book=book)
    given = estimate_cost("openai", "gpt-5", 1_000, 100, at=AT, book=book)
    assert (counted.usd, given.usd) == (Decimal("0.00225"), Decimal("0.00225"))
    assert estimate_cost("openai", "gpt-99", "text", book=book).usd is None


def test_usage_is_split_without_overlap() -> None:
    assert usage_of(100, 50, cache_read_tokens=30, cache_write_tokens=20, reasoning_tokens=40) == {
        "input": 50,
        "cache_read": 30,
        "cache_write": 20,
        "output": 10,
        "output_reasoning": 40,
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: usage_of(10, cache_read_tokens=11), "11 cached tokens cannot be part of 10 input tokens"),
        (lambda: usage_of(0, 5, reasoning_tokens=6), "6 reasoning tokens cannot be part of 5 output tokens"),
        (lambda: usage_of(-5), "input_tokens is -5; it cannot be negative"),
        (lambda: usage_of(5, cache_read_tokens=-1), "cache_read_tokens is -1; it cannot be negative"),
        (lambda: usage_of(usage={"web_search": -1}), "web_search is -1; it cannot be negative"),
        (lambda: usage_of("1000"), "input_tokens is '1000'; allowed: a whole number, such as 1000"),
        (lambda: usage_of(10.5), "input_tokens is 10.5; allowed: a whole number"),
        (lambda: usage_of(1, float("nan")), "output_tokens is nan; allowed: a whole number"),
        (lambda: usage_of(True), "input_tokens is True; allowed: a whole number"),
        (lambda: usage_of(None), "input_tokens is None; allowed: a whole number"),
        (lambda: usage_of(usage={"input": 1.5}), "input is 1.5; allowed: a whole number"),
        (lambda: usage_of(usage={"page": "2"}), "page is '2'; allowed: a number"),
        (lambda: usage_of(usage=5), "usage is 5; allowed: a mapping"),
        (lambda: calculate_cost("openai", "gpt-5", at="today"), "at is 'today'; allowed: a datetime"),
        (lambda: calculate_cost(None, "gpt-5"), "provider is None; allowed: text, such as 'openai'"),
        (lambda: calculate_cost("openai", 5), "model is 5; allowed: text, such as 'gpt-5'"),
        (lambda: calculate_cost("openai", "gpt-5", tier=5), "tier is 5; allowed: text, such as 'batch'"),
        (lambda: usage_of(usage={"inptu": 5}), "no meter 'inptu'; there are: input, input_audio"),
    ],
)
def test_numbers_that_cannot_be_true_are_refused(call: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()  # type: ignore[operator]

"""The greatest cost: the bound at the dearest rates; checked against the shipped prices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_llmcost.budgets.bounds import bound_of
from otel_llmcost.budgets.ceiling import Ceilings, Unbounded
from otel_llmcost.call import NO_TAGS, Asked, Call
from otel_llmcost.money import femto
from otel_llmcost.prices import load_book

from .flat_book import LONGEST, SEARCH, WINDOW, FlatBook, cost, request

BOOK = load_book()
NOW = 1_795_000_000 * 10**9  # 2026-11-18


def test_the_ceiling_is_the_bound_at_the_rates() -> None:
    call = request("x" * 1000)
    assert Ceilings(FlatBook()).of(call) == cost(bound_of(call).input_tokens, 100)


def test_without_max_tokens_the_models_longest_answer_counts() -> None:
    call = request(max_tokens=None)
    assert Ceilings(FlatBook()).of(call) == cost(bound_of(call).input_tokens, LONGEST)


def test_unseen_input_reserves_the_context_window() -> None:
    call = request(previous_response_id="resp_1")
    assert Ceilings(FlatBook()).of(call) == cost(WINDOW, 100)


def test_searches_add_their_fee_and_a_pass_each() -> None:
    call = request(tools=[{"type": "web_search", "max_uses": 2}])
    assert Ceilings(FlatBook()).of(call) == 3 * cost(WINDOW, 100) + 2 * SEARCH


def test_a_batch_is_the_sum_of_its_requests() -> None:
    one = request("a", model="known", max_tokens=10)
    params = dict(one.body)
    batch = Asked(
        "anthropic", "", "chat", "", {"requests": [{"custom_id": "1", "params": params}] * 3}, NO_TAGS, 1
    )
    assert Ceilings(FlatBook()).of(batch) == 3 * Ceilings(FlatBook()).of(one)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (request(model="unheard-of"), "no price is known for openai/unheard-of"),
        (request(model="windowless", max_tokens=None), "no max_tokens"),
        (request(model="windowless", conversation="conv_1"), "no known context window"),
        (request(tools=[{"type": "mcp"}]), "tool 'mcp' has no bound"),
        (request(tools=[{"type": "file_search", "max_uses": 1}]), "no fee for file_search"),
        (request(operation="image_generation"), "billed by what the request does not tell"),
    ],
)
def test_what_has_no_bound_says_why(call: Asked, why: str) -> None:
    with pytest.raises(Unbounded, match=why):
        Ceilings(FlatBook()).of(call)


MODELS = [("openai", "gpt-6.2-sol"), ("openai", "gpt-4o-mini"), ("anthropic", "claude-opus-5-5")]
TIERS = st.sampled_from(["", "standard", "batch", "flex", "priority"])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(MODELS),
    st.integers(min_value=1, max_value=900_000),
    st.integers(min_value=0, max_value=100_000),
    st.floats(min_value=0, max_value=1),
    TIERS,
    st.sampled_from(["", "us"]),
)
def test_no_shipped_price_exceeds_the_ceiling(
    named: tuple[str, str], tokens_in: int, tokens_out: int, cached: float, tier: str, region: str
) -> None:
    provider, model = named
    cached_tokens = int(tokens_in * cached)
    usage = {"input": tokens_in - cached_tokens, "cache_read": cached_tokens, "output": tokens_out}
    real = BOOK.price(
        Call(
            provider=provider,
            request_model=model,
            start_ns=NOW,
            tier=tier,
            region=region if provider == "anthropic" else "",
            usage={meter: count for meter, count in usage.items() if count},
        )
    )
    call = Asked(
        provider, "", "chat", model, {"input": "x" * tokens_in, "max_tokens": tokens_out or 1}, NO_TAGS, NOW
    )
    if real.amount is not None:
        assert real.amount <= CEILINGS.of(call)


CEILINGS = Ceilings(BOOK)


def test_below_a_context_threshold_the_long_rates_do_not_count() -> None:
    def most(tokens_in: int) -> int:
        body = {"input": "x" * tokens_in, "max_tokens": 1}
        return CEILINGS.of(Asked("openai", "", "chat", "gpt-6.2-sol", body, NO_TAGS, NOW))

    # From 272,000 tokens on every prompt token costs twice as much (facts of the price page of gpt-6.2-sol).
    assert 1.9 < most(273_000) / most(270_000) < 2.1


def most_of(provider: str, model: str, **terms: object) -> int:
    """Of 1,000,000 tokens of answer and next to none of prompt, in femto-dollars."""
    body = {"input": "", "max_tokens": 1_000_001, **terms}
    asked = Asked(provider, "", "chat", model, body, NO_TAGS, NOW)
    return CEILINGS.of(asked) - CEILINGS.of(replace(asked, body={**body, "max_tokens": 1}))


@pytest.mark.parametrize(
    ("tier", "usd"),
    # gpt-4o-mini's answers: $0.60 a million, $1.00 at priority, which a project may have for its default.
    [
        ("", "1.00"),
        ("auto", "1.00"),
        ("priority", "1.00"),
        ("default", "0.60"),
        ("flex", "0.60"),
        (["?"], "1.00"),
    ],
)
def test_the_tiers_that_a_request_can_be_served_at_count(tier: object, usd: str) -> None:
    terms = {"service_tier": tier} if tier else {}
    assert most_of("openai", "gpt-4o-mini", **terms) == femto(usd)


def test_a_dear_tier_or_speed_counts_only_where_it_is_asked_for() -> None:
    ultrafast = most_of("openai", "gpt-6.2-sol", service_tier="ultrafast")
    assert (
        ultrafast
        > most_of("openai", "gpt-6.2-sol")
        > most_of("openai", "gpt-6.2-sol", service_tier="default")
    )
    fast = most_of("anthropic", "claude-opus-5-5", speed="fast")
    assert fast == 2 * most_of("anthropic", "claude-opus-5-5")


def test_warm_ceilings_do_not_ask_the_book_again() -> None:
    asked: list[str] = []

    class Counting(FlatBook):
        def dearest(self, *args: object, **more: object) -> int | None:
            asked.append("")
            return super().dearest(*args, **more)  # type: ignore[arg-type]

    ceilings = Ceilings(Counting())
    ceilings.of(request())
    first = len(asked)
    for size in range(50):
        ceilings.of(request("x" * size))
    assert len(asked) == first


def test_a_price_that_changes_during_the_call_is_covered() -> None:
    from otel_llmcost.prices.rates import Row

    change = 1_000_000 * 10**9

    class Changing(FlatBook):
        def rows(self, provider: str, model: str) -> list[object]:
            return [
                Row(provider=provider, model=model, to_ns=change),
                Row(provider=provider, model=model, from_ns=change),
            ]

        def dearest(self, *args: object, at_ns: int = 0, **more: object) -> int | None:
            found = super().dearest(*args, at_ns=at_ns, **more)  # type: ignore[arg-type]
            return found * (3 if at_ns >= change else 1) if found is not None else None

    ceilings = Ceilings(Changing())
    early, late, after = request(at=900_000), request(at=999_999), request(at=1_000_001)
    assert ceilings.of(late) == ceilings.of(after) == 3 * ceilings.of(early)
    assert ceilings.of(request(at=900_001)) == ceilings.of(early)

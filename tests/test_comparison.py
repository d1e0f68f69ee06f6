"""Amounts by hand from the published prices of gpt-5: $1.25 / $0.125 cached / $10 per million tokens."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from otel_llmcost.call import EXACT, REPORTED, UNPRICED, Call, Line, Priced
from otel_llmcost.comparison import Model, Savings, Settled, find_model, savings, savings_by
from otel_llmcost.errors import PriceError
from otel_llmcost.money import femto
from otel_llmcost.prices import Book, load_book

NOV_20 = 1_795_132_800 * 10**9


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book()


def bought(usd: str | None, **usage: int) -> Settled:
    call = Call(provider="local", response_model="llama", start_ns=NOV_20, end_ns=NOV_20, usage=usage)
    amount = None if usd is None else femto(usd)
    return Settled(call, Priced(UNPRICED if amount is None else EXACT, amount, {}))


def test_the_same_tokens_at_another_model(book: Book) -> None:
    found = savings([bought("0", input=1_000, output=100), bought("0.0001", input=2_000)], "gpt-5", book)
    # .00125 + .001, and .0025
    assert found.against == Model("openai", "gpt-5")
    assert (found.compared, found.would_cost, found.paid) == (2, femto("0.00475"), femto("0.0001"))
    assert found.saved_usd == Decimal("0.00465")
    assert found.share == pytest.approx(0.00465 / 0.00475)
    assert found.approximate == 0


def test_cached_tokens_cost_what_caching_costs_there(book: Book) -> None:
    found = savings([bought("0", input=1_000, cache_read=1_000)], "openai/gpt-5", book)
    assert found.would_cost == femto("0.001375")
    assert found.approximate == 0


def test_where_cache_writes_cost_nothing_extra_they_are_input(book: Book) -> None:
    found = savings([bought("0", input=1_000, cache_write_5m=1_000, cache_read=1_000)], "gpt-5", book)
    # 2,000 x 1.25 + 1,000 x .125, per million
    assert (found.would_cost, found.approximate) == (femto("0.002625"), 1)


def test_the_dearer_choice_shows_as_a_loss(book: Book) -> None:
    found = savings([bought("1", input=1_000)], "gpt-5", book)
    assert found.saved_usd == Decimal("-0.99875")


def test_calls_that_cannot_be_compared_are_counted_apart(book: Book) -> None:
    calls = [
        bought(None, input=1_000),
        bought("0.04", image=1),
        bought("0", output_audio=5),
        bought("0", input=1_000),
    ]
    found = savings(calls, "gpt-5", book)
    assert (found.compared, found.unpaid, found.unpriced) == (1, 1, 1)
    assert found.would_cost_of_unpaid == femto("0.00125")
    assert found.would_cost == femto("0.00125")
    assert any("output_audio" in reason for reason in found.reasons)


def test_groups_add_up_to_the_whole(book: Book) -> None:
    calls = [bought("0", input=tokens) for tokens in (100, 200, 300)] + [
        bought(None, input=1),
        bought("0", output_audio=1),
    ]
    groups = savings_by(calls, lambda each: str(each.call.usage.get("input", 0) // 200), "gpt-5", book)
    assert {key: group.compared for key, group in groups.items()} == {"0": 1, "1": 2}
    whole = Savings(Model("openai", "gpt-5"))
    for group in groups.values():
        whole.merge(group)
    assert whole == savings(calls, "gpt-5", book)


def test_nothing_to_compare_saves_nothing(book: Book) -> None:
    found = savings([], "gpt-5", book)
    assert (found.saved, found.share) == (0, None)


def test_models_are_found_by_name_at_their_first_party(book: Book) -> None:
    assert find_model("claude-sonnet-4-5", book) == Model("anthropic", "claude-sonnet-4-5")
    assert find_model("anthropic/claude-sonnet-4-5", book) == Model("anthropic", "claude-sonnet-4-5")
    with pytest.raises(PriceError, match="no price for model 'gpt-99' at openai, anthropic,"):
        find_model("gpt-99", book)
    with pytest.raises(PriceError, match="at acme; remedy: name it as provider/model"):
        find_model("acme/gpt-5", book)


def test_fees_are_nobodys_saving_and_calls_without_tokens_are_counted(book: Book) -> None:
    call = Call(
        provider="openai", response_model="gpt-5", start_ns=NOV_20, end_ns=NOV_20,
        usage={"input": 1_000, "web_search": 2},
    )  # fmt: skip
    parts = {"input": femto("0.00125"), "tools": femto("0.02")}
    searched = Settled(call, Priced(EXACT, femto("0.02125"), parts))
    found = savings([searched, bought("0.0045", character=300)], "gpt-5", book)
    assert (found.compared, found.saved, found.without_tokens) == (1, 0, 1)


def reported(book: Book, model: str, usd: str, **usage: int) -> Settled:
    call = Call(
        provider="openrouter", response_model=model, start_ns=NOV_20, end_ns=NOV_20, usage=usage,
        reported=Decimal(usd),
    )  # fmt: skip
    priced = book.price(call)
    assert priced.status == REPORTED
    return Settled(call, priced)


def test_what_a_gateway_reported_for_tokens_alone_was_paid_for_them(book: Book) -> None:
    found = savings([reported(book, "nobodys-model", "0.02", input=1_000)], "gpt-5", book)
    assert (found.compared, found.paid, found.paid_besides) == (1, femto("0.02"), 0)


def test_a_reported_total_with_fees_that_nobody_can_split_is_left_out(book: Book) -> None:
    calls = [
        reported(book, "nobodys-model", "0.02", input=1_000, web_search=1),
        reported(
            book, "openai/gpt-5", "0.02", input=1_000, character=1
        ),  # tokens have a rate there, this has none
    ]
    found = savings(calls, "gpt-5", book)
    assert (found.compared, found.unsplit, found.paid, found.saved) == (0, 2, 0, 0)
    assert found.paid_besides == femto("0.04")


def test_a_reported_total_is_split_as_the_price_list_says(book: Book) -> None:
    call = Call(
        provider="openai", response_model="gpt-5", start_ns=NOV_20, end_ns=NOV_20,
        usage={"input": 1_000, "web_search": 1}, reported=Decimal("0.0225"),
    )  # fmt: skip
    # listed: 0.00125 + 0.01, of which the reported total is twice as much
    found = savings([Settled(call, book.price(call))], "gpt-5", book)
    assert (found.paid, found.paid_besides) == (femto("0.0025"), femto("0.02"))


def test_the_time_of_a_machine_is_what_its_tokens_cost(book: Book) -> None:
    call = Call(provider="local", response_model="llama", start_ns=NOV_20, usage={"input": 1_000})
    rented = Settled(call, Priced(EXACT, femto("0.002"), {"units": femto("0.002")}))
    assert savings([rented], "gpt-5", book).paid == femto("0.002")


def test_paid_and_what_was_paid_besides_are_all_that_was_paid(book: Book) -> None:
    searched = Settled(
        Call(provider="x", response_model="y", start_ns=NOV_20, usage={"input": 1_000, "web_search": 2}),
        Priced(EXACT, femto("0.03"), {"input": femto("0.01"), "tools": femto("0.02")}),
    )
    calls = [
        searched,
        bought("0.04", image=1),
        bought("0.5", output_audio=5),
        reported(book, "nobodys-model", "0.02", input=1_000),
        reported(book, "nobodys-model", "0.7", input=1_000, image=1),
    ]
    found = savings(calls, "gpt-5", book)
    assert found.paid == femto("0.03")
    assert found.paid + found.paid_besides == femto("1.29")


def test_a_long_context_price_is_that_of_one_request_of_the_other_model_too(book: Book) -> None:
    """gpt-5.4: 2.50 per million, 5 in requests of more than 272,000 prompt tokens."""
    paid = Priced(EXACT, femto("1"), {"input": femto("1")})
    usage = {"input": 400_000}
    call = Call(provider="x", response_model="y", start_ns=NOV_20, usage=usage)
    assert savings([Settled(call, paid)], "gpt-5.4", book).would_cost == femto("2")
    lines = (Line("x", "y", {"input": 200_000, "web_search": 1}), Line("x", "z", {"input": 200_000}))
    apart = savings([Settled(replace(call, lines=lines), paid)], "gpt-5.4", book)
    assert (apart.would_cost, apart.approximate) == (femto("1"), 0)
    summed = savings([Settled(replace(call, notes=("summed: two requests",)), paid)], "gpt-5.4", book)
    assert (summed.compared, summed.unpriced) == (0, 1)
    assert any("more than 272000 tokens" in reason for reason in summed.reasons)
    small = replace(call, usage={"input": 200_000}, notes=("summed: two requests",))
    below = savings([Settled(small, paid)], "gpt-5.4", book)
    assert (below.would_cost, below.approximate) == (femto("0.5"), 0)

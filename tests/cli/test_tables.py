from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from otel_llmcost.cli.amounts import (
    aligned,
    exact_text,
    money_text,
    places_of_sums,
    places_that_add_up,
    places_to_compare,
)
from otel_llmcost.cli.harmless import printable
from otel_llmcost.cli.tables import Column, print_table
from otel_llmcost.money import femto

USD = 10**15


def test_money_shows_the_digits_that_matter() -> None:
    shown = {
        2_425_200_000_000: "$0.0024252",
        12_400_000_000_000_000: "$12.40",
        1_234_560_000_000_000_000: "$1,234.56",
        0: "$0.00",
        1: "$0.000000000000001",
        123_456_789_000_000: "$0.12346",
        500_000_000_000_000: "$0.50",
        999_999_999_999_999: "$1.00",
        1_005_000_000_000_000: "$1.00",  # half to even
        1_015_000_000_000_000: "$1.02",
        -2_500_000_000_000: "-$0.0025",
        10**27: "$1,000,000,000,000.00",
    }
    assert {amount: money_text(amount) for amount in shown} == shown
    assert money_text(None) == ""
    assert money_text(5 * USD, lower_bound=True) == ">= $5.00"


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "$0.00"),
        ("2.5", "$2.50"),
        ("1250000000", "$1,250,000,000.00"),
        ("0.140503125", "$0.140503125"),
        ("-1234.000000000000001", "-$1,234.000000000000001"),
    ],
)
def test_exact_money_has_all_its_digits_and_looks_like_money(usd: str, text: str) -> None:
    assert exact_text(femto(usd)) == text


def test_a_lower_bound_never_claims_more_than_is_known() -> None:
    shown = {
        1_429_050_000_000_000: ">= $1.42",
        999_999_999_999_999: ">= $0.99999",
        123_456_789_000_000: ">= $0.12345",
        2_425_200_000_000: ">= $0.0024252",
    }
    assert {amount: money_text(amount, lower_bound=True) for amount in shown} == shown
    assert money_text(1_429_050_000_000_000) == "$1.43"


def test_an_upper_bound_is_rounded_up() -> None:
    shown = {460_800_450_000_000: "$0.46081", 1_421_000_000_000_001: "$1.43", 10**15: "$1.00"}
    assert {amount: money_text(amount, upper_bound=True) for amount in shown} == shown


@given(st.integers(0, 10**19), st.integers(0, 9))
def test_what_is_shown_of_a_lower_bound_is_one(amount: int, places: int) -> None:
    said = Decimal(money_text(amount, lower_bound=True, places=places).lstrip(">= $").replace(",", ""))
    known = Decimal(amount).scaleb(-15)
    assert known - max(known, Decimal(1)) / 100 < said <= known


@given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), min_size=1, max_size=30))
def test_a_column_with_lower_bounds_adds_up_too(billionths: list[tuple[int, bool]]) -> None:
    rows = [(amount * 10**6, bound) for amount, bound in billionths]
    rows.append((sum(amount for amount, _ in rows), any(bound for _, bound in rows)))
    places = places_that_add_up([amount for amount, _ in rows], [bound for _, bound in rows])
    *parts, total = [
        Decimal(money_text(amount, lower_bound=bound, places=places).lstrip(">= $").replace(",", ""))
        for amount, bound in rows
    ]
    assert sum(parts) == total


@given(st.lists(st.integers(0, 10**9), max_size=30))
def test_whoever_adds_a_column_up_gets_its_total(billionths: list[int]) -> None:
    """Amounts of whole billionths of a dollar, as prices per million tokens make them."""
    amounts = [amount * 10**6 for amount in billionths]
    places = places_that_add_up([*amounts, sum(amounts)])
    *rows, total = [
        Decimal(money_text(amount, places=places).lstrip("$").replace(",", ""))
        for amount in [*amounts, sum(amounts)]
    ]
    assert sum(rows) == total
    assert abs(total - Decimal(sum(billionths)).scaleb(-9)) < Decimal("0.005")


def test_a_column_has_no_more_digits_than_its_sum_needs() -> None:
    cents = [1_230_000_000_000_000, 20_000_000_000_000, 1_250_000_000_000_000]
    assert Column.summed("cost", cents).cells == ["$1.23", "$0.02", "$1.25"]
    mixed = [1_234_567_800_000_000, 42_130_000_000_000, 1_276_697_800_000_000]
    assert Column.summed("cost", mixed).cells == ["$1.234568", "$0.04213 ", "$1.276698"]


def test_sums_stand_below_each_other_at_the_point() -> None:
    assert aligned(["$1,234.56", "$0.0024252", "unknown", ""]) == [
        "$1,234.56     ",
        "    $0.0024252",
        "       unknown",
        "              ",
    ]
    assert aligned([]) == []


def test_figures_without_a_point_stand_where_their_point_would() -> None:
    assert aligned(["30", "0.275", "16.5", "-", ""]) == ["30    ", " 0.275", "16.5  ", "     -", "      "]


def test_several_sums_of_one_table_have_the_same_digits() -> None:
    dear, cheap = 16_534_000_000_000_000, 7_463_000_000_000_000
    assert places_of_sums([[(dear, False), (cheap, False), (dear + cheap, False)]]) == 3
    assert places_of_sums([[(dear, False), (dear, False)], [(1_234_000_000_000, False)] * 2]) == 7
    assert places_of_sums([]) == 2


def test_amounts_that_are_compared_have_the_digits_of_the_finest_up_to_a_millionth() -> None:
    amounts = [15_020_987_654_321_000, 423_456_789_000_000, 3_120_000_000]
    assert places_to_compare(amounts[:1]) == 2
    assert places_to_compare([*amounts[:2], None]) == 5
    places = places_to_compare(amounts)
    assert [money_text(amount, places=places) for amount in amounts] == [
        "$15.020988",
        "$0.423457",
        "$0.00000312",
    ]


def table(width: int) -> list[str]:
    columns = [
        Column("model", ["a-rather-long-model-name", "small", "total"]),
        Column.numbers("tokens", [1234567, 0, 1234567], spare=1),
        Column.money("cost", ["$1.25", "$0.005", "$1.255"]),
    ]
    to = Console(width=width, no_color=True, highlight=False)
    with to.capture() as capture:
        print_table(columns, to=to, total=True)
    return [line.rstrip() for line in capture.get().splitlines() if line.strip()]


def test_a_table_with_its_total() -> None:
    lines = [line for line in table(80) if "─" not in line]
    assert lines == [
        " model                         tokens     cost",
        " a-rather-long-model-name   1,234,567   $1.25",
        " small                                  $0.005",
        " total                      1,234,567   $1.255",
    ]


def test_a_narrow_terminal_keeps_names_and_money_whole() -> None:
    text = "\n".join(table(30))
    assert "1,234,567" not in text
    for amount in ("$1.25", "$0.005", "$1.255"):
        assert amount in text
    assert "a-rather-lo" in text


def test_names_cannot_command_a_terminal() -> None:
    assert printable("gpt\x1b[2J\r\nx\u202e") == "gpt\ufffd[2J\ufffd\ufffdx\ufffd"
    assert printable("größer ☃") == "größer ☃"

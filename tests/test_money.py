"""Money: integers of 10**-15 USD, rounded half-even once, exact at every edge."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost import money


@pytest.mark.parametrize(
    ("usd", "femto"),
    [
        ("0.0024252", 2_425_200_000_000),
        ("0.000000000000001", 1),
        (Decimal("9223.372036854775808"), 9_223_372_036_854_775_808),
        (3, 3 * 10**15),
        (Fraction(1, 3), 333_333_333_333_333),
        (Fraction(5, 2 * 10**15), 2),
        (Fraction(7, 2 * 10**15), 4),
    ],
)
def test_femto(usd: Decimal | int | str | Fraction, femto: int) -> None:
    assert money.femto(usd) == femto


def test_the_float_that_naive_arithmetic_gets_wrong() -> None:
    # 0.0024252 comes out as 0.0024251999999999998 where rates are doubles
    amount = 1_212 * 1_500_000_000 + 1_212 * 500_000_000 + 1_200_000_000
    assert money.as_float(money.femto("0.0024252")) == 0.0024252
    assert money.as_text(amount) == "0.0024252"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (10**15, "1"),
        (-5 * 10**14, "-0.5"),
        (1, "0.000000000000001"),
        (12 * 10**15 + 10**13, "12.01"),
    ],
)
def test_text_has_no_trailing_zeros_and_no_exponent(amount: int, text: str) -> None:
    assert money.as_text(amount) == text


@given(st.integers(min_value=-(10**40), max_value=10**40))
def test_every_edge_gives_the_amount_back(amount: int) -> None:
    assert money.femto(money.as_decimal(amount)) == amount
    assert money.femto(money.as_text(amount)) == amount
    nano, rest = money.split_nano(amount)
    assert 0 <= rest < 1_000_000
    assert money.join_nano(nano, rest) == amount


@given(st.integers(min_value=-(10**30), max_value=10**30), st.integers(min_value=1, max_value=10**12))
def test_division_is_half_even(numerator: int, denominator: int) -> None:
    assert money.divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.integers(min_value=0, max_value=10**24))
def test_the_double_is_the_nearest_one(amount: int) -> None:
    assert money.as_float(amount) == float(Fraction(amount, 10**15))

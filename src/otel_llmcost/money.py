"""Money is an integer number of femto-dollars (10**-15 USD); Decimal and float exist only at the edge.

A femto-dollar is fine enough for every published price: a rate of one USD per million tokens is 10**9
femto-dollars a token, and the finest list prices (fractions of a cent per million) still come out whole.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

FEMTO_PER_USD = 10**15
FEMTO_PER_NANO = 10**6

Femto = int
"""An amount in femto-dollars."""


def divide_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` as an integer, ties to even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    doubled = 2 * rest
    if doubled > denominator or (doubled == denominator and quotient & 1):
        return quotient + 1
    return quotient


def femto(usd: Decimal | int | str | Fraction) -> Femto:
    """Femto-dollars of an amount in USD, rounded half-even once. Raises `decimal.InvalidOperation` on bad text."""
    numerator, denominator = (Decimal(usd) if isinstance(usd, str) else usd).as_integer_ratio()
    return divide_half_even(numerator * FEMTO_PER_USD, denominator)


def as_decimal(amount: Femto) -> Decimal:
    """The exact amount in USD, with 15 decimal places and no exponent loss at any size."""
    with localcontext() as exact:
        exact.prec = 60
        return Decimal(amount).scaleb(-15)


def as_text(amount: Femto) -> str:
    """The exact amount in USD as a plain decimal string without trailing zeros: "0.0024252", "0", "12"."""
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), FEMTO_PER_USD)
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:015d}".rstrip("0")


def as_float(amount: Femto) -> float:
    """The nearest double in USD (integer division is correctly rounded, a float product would not be)."""
    return amount / FEMTO_PER_USD


def split_nano(amount: Femto) -> tuple[int, int]:
    """(nano-dollars, remaining femto-dollars 0..999,999): both sums stay inside 64 bits in a database."""
    return divmod(amount, FEMTO_PER_NANO)


def join_nano(nano: int, rest: int) -> Femto:
    """The inverse of `split_nano`."""
    return nano * FEMTO_PER_NANO + rest

"""Amounts as text for a person: the digits that matter, alike wherever amounts are added up or compared."""

from __future__ import annotations

from collections.abc import Sequence

from ..money import FEMTO_PER_USD, Femto, as_text, divide_half_even

_SIGNIFICANT = 5
_PLACES = 15
_MOST_PLACES = 9
_COMPARED_PLACES = 6

Shown = tuple[Femto | None, bool]
"""An amount, and whether it is shown as a lower bound."""


def money_text(
    amount: Femto | None, *, lower_bound: bool = False, upper_bound: bool = False, places: int = 0
) -> str:
    """An amount for a person: cents from a dollar on, below it five digits that are not zero; "" if unknown.

    A lower bound is rounded down: rounded up, it would claim more than is known. So is an upper bound rounded up.
    `places`: at least so many decimals, where there are any (`places_that_add_up`).
    """
    if amount is None:
        return ""
    size = abs(amount)
    places = max(places, _places(size))
    whole, rest = divmod(_rounded(size, places, down=lower_bound, up=upper_bound), 10**places)
    decimals = f"{rest:0{places}d}".rstrip("0").ljust(2, "0")
    return f"{'>= ' if lower_bound else ''}{'-' if amount < 0 else ''}${whole:,}.{decimals}"


def exact_text(amount: Femto) -> str:
    """An amount for a person who wants every digit of it: "$1,250.00", "$0.140503125"."""
    whole, _, decimals = as_text(abs(amount)).partition(".")
    return f"{'-' if amount < 0 else ''}${int(whole):,}.{decimals.ljust(2, '0')}"


def places_that_add_up(amounts: Sequence[Femto | None], lower_bounds: Sequence[bool] = ()) -> int:
    """How many decimals a column needs whose last amount is the total of the others, for readers who add it up.

    Nine at most: below a billionth of a dollar only exact amounts add up. `lower_bounds` says of each amount
    whether it is shown as one; without it, none is.
    """
    bounds = lower_bounds or [False] * len(amounts)
    return places_of_sums([list(zip(amounts, bounds, strict=True))])


def places_of_sums(sums: Sequence[Sequence[Shown]]) -> int:
    """As `places_that_add_up`, for several sums that are shown in one table: the last of each is its total."""
    sizes = [_places(amount or 0) for shown in sums for amount, _ in shown]
    finest = min(max(sizes, default=2), _MOST_PLACES)
    for places in range(finest, _MOST_PLACES + 1):
        if all(_adds_up(shown, places) for shown in sums):
            return places
    return finest


def places_to_compare(amounts: Sequence[Femto | None]) -> int:
    """How many decimals a column has whose amounts are compared: those of the finest, a millionth at most.

    Finer amounts keep the digits that they need.
    """
    return min(max((_places(amount or 0) for amount in amounts), default=2), _COMPARED_PLACES)


def _adds_up(shown: Sequence[Shown], places: int) -> bool:
    rounded = [_rounded(amount or 0, places, down=bound) for amount, bound in shown]
    return not rounded or sum(rounded[:-1]) == rounded[-1]


def _places(amount: Femto) -> int:
    size = abs(amount)
    return 2 if size >= FEMTO_PER_USD or not size else min(_PLACES - len(str(size)) + _SIGNIFICANT, _PLACES)


def _rounded(amount: Femto, places: int, *, down: bool = False, up: bool = False) -> int:
    unit: int = 10 ** (_PLACES - places)
    if up:
        return -(-amount // unit)
    return amount // unit if down else divide_half_even(amount, unit)


def aligned(amounts: Sequence[str]) -> list[str]:
    """Texts of one width whose decimal points stand below each other; what is no number stands at the right."""
    split = [_at_point(text) for text in amounts if _is_number(text)]
    left = max((len(whole) for whole, _ in split), default=0)
    right = max((len(decimals) for _, decimals in split), default=0)
    width = max([left + right, *map(len, amounts)], default=0)
    cells = []
    for text in amounts:
        whole, decimals = _at_point(text)
        cells.append((whole.rjust(left) + decimals.ljust(right) if _is_number(text) else text).rjust(width))
    return cells


def _is_number(text: str) -> bool:
    return text[-1:].isdigit()


def _at_point(text: str) -> tuple[str, str]:
    whole, point, decimals = text.partition(".")
    return whole, point + decimals

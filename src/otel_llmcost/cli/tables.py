"""Tables that a person likes to read: money aligned at its decimal point, with the digits that matter."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..money import FEMTO_PER_USD, Femto, divide_half_even

_SIGNIFICANT = 5
_PLACES = 15
_MOST_PLACES = 9
_WIDTH_OF_A_PIPE = 400


def money_text(amount: Femto | None, *, lower_bound: bool = False, places: int = 0) -> str:
    """An amount for a person: cents from a dollar on, below it five digits that are not zero; "" if unknown.

    A lower bound is rounded down: rounded up, it would claim more than is known.
    `places`: at least so many decimals, where there are any (`places_that_add_up`).
    """
    if amount is None:
        return ""
    size = abs(amount)
    places = max(places, _places(size))
    whole, rest = divmod(_rounded(size, places, down=lower_bound), 10**places)
    decimals = f"{rest:0{places}d}".rstrip("0").ljust(2, "0")
    return f"{'>= ' if lower_bound else ''}{'-' if amount < 0 else ''}${whole:,}.{decimals}"


def places_that_add_up(amounts: Sequence[Femto | None], lower_bounds: Sequence[bool] = ()) -> int:
    """How many decimals a column needs whose last amount is the total of the others, for readers who add it up.

    Nine at most: below a billionth of a dollar only exact amounts add up. `lower_bounds` says of each amount
    whether it is shown as one; without it, none is.
    """
    bounds = lower_bounds or [False] * len(amounts)
    known = [amount or 0 for amount in amounts]
    finest = min(max(map(_places, known), default=2), _MOST_PLACES)
    for places in range(finest, _MOST_PLACES + 1):
        shown = [_rounded(amount, places, down=bound) for amount, bound in zip(known, bounds, strict=True)]
        if sum(shown[:-1]) == shown[-1]:
            return places
    return finest


def _places(amount: Femto) -> int:
    size = abs(amount)
    return 2 if size >= FEMTO_PER_USD or not size else min(_PLACES - len(str(size)) + _SIGNIFICANT, _PLACES)


def _rounded(amount: Femto, places: int, *, down: bool = False) -> int:
    unit = 10 ** (_PLACES - places)
    return amount // unit if down else divide_half_even(amount, unit)


def aligned(amounts: Sequence[str]) -> list[str]:
    """Texts of one width whose decimal points stand below each other; what has none stands at the right."""
    split = [text.partition(".") for text in amounts if "." in text]
    left = max((len(whole) for whole, _, _ in split), default=0)
    right = max((len(point + decimals) for _, point, decimals in split), default=0)
    width = max([left + right, *map(len, amounts)], default=0)
    cells = []
    for text in amounts:
        whole, point, decimals = text.partition(".")
        cells.append((whole.rjust(left) + (point + decimals).ljust(right) if point else text).rjust(width))
    return cells


def printable(text: str) -> str:
    """Text that cannot command a terminal, whoever named the model."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


@dataclass(slots=True)
class Column:
    """A column of a table. `spare`: where the terminal is narrow, the highest goes first, 0 never.

    A column that is not `whole` may be broken into several lines.
    """

    header: str
    cells: list[str]
    right: bool = False
    spare: int = 0
    style: str = ""
    whole: bool = False

    @classmethod
    def numbers(cls, header: str, values: Sequence[int], spare: int = 0) -> Column:
        """Whole numbers, thousands apart, "" for zero."""
        return cls(
            header, [f"{value:,}" if value else "" for value in values], right=True, spare=spare, whole=True
        )

    @classmethod
    def summed(
        cls, header: str, amounts: Sequence[Femto | None], spare: int = 0, *, unknown: str = ""
    ) -> Column:
        """Amounts that add up to the last one; `unknown` stands where there is none."""
        places = places_that_add_up(amounts)
        cells = [money_text(amount, places=places) or unknown for amount in amounts]
        return cls.money(header, cells, spare)

    @classmethod
    def money(cls, header: str, amounts: Sequence[str], spare: int = 0) -> Column:
        """Texts of `money_text`, aligned."""
        cells = aligned(amounts)
        return cls(header.rjust(len(cells[0]) if cells else 0), cells, spare=spare, whole=True)


def console(*, stderr: bool = False) -> Console:
    """A console as wide as its terminal; a pipe or file gets lines as long as they are. NO_COLOR is respected."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, highlight=False, soft_wrap=False, width=None if stream.isatty() else _WIDTH_OF_A_PIPE
    )


def print_table(columns: Sequence[Column], *, to: Console, total: bool = False) -> None:
    """Prints columns side by side; with `total`, the last cell of each stands below a line."""
    kept = list(columns)
    while _width(kept, to, total) > to.width and any(column.spare for column in kept):
        kept.remove(max(kept, key=lambda column: column.spare))
    to.print(_table(kept, total))


def _width(columns: Sequence[Column], to: Console, total: bool) -> int:
    return Measurement.get(to, to.options.update(width=10_000), _table(columns, total)).maximum


def _table(columns: Sequence[Column], total: bool) -> Table:
    table = Table(box=box.SIMPLE, show_footer=total, pad_edge=False, header_style="bold", footer_style="bold")
    for column in columns:
        table.add_column(
            Text(column.header),
            footer=Text(column.cells[-1]) if total else "",
            justify="right" if column.right else "left",
            no_wrap=column.whole or column.spare > 0,
            overflow="fold",
            style=column.style,
        )
    end = -1 if total else None
    for cells in zip(*(column.cells[:end] for column in columns), strict=True):
        table.add_row(*(Text(cell) for cell in cells))
    return table

"""Tables that a person likes to read, in any terminal: what is asked for stays, what is left out is named."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from ..money import Femto
from .amounts import aligned, money_text, places_that_add_up
from .cards import cards

_WIDTH_OF_A_PIPE = 10_000
_LEAST = 8
_LONG = 40
_BREAKS = re.compile(r"(?<=, )|(?<=/)")
_FINER_BREAKS = re.compile(r"(?<=[ /._:-])")


@dataclass(slots=True)
class Column:
    """A column of a table. `spare`: where the terminal is narrow, the highest goes first, 0 never.

    A column that is not `whole` may be broken into several lines. `pointed` cells stand below each other at the
    decimal point. `short_header` and `short_cells` take their place before anything is left out.
    """

    header: str
    cells: list[str]
    right: bool = False
    spare: int = 0
    style: str = ""
    whole: bool = False
    pointed: bool = False
    short_header: str = ""
    short_cells: list[str] = field(default_factory=list)

    @classmethod
    def numbers(cls, header: str, values: Sequence[int], spare: int = 0, *, short_header: str = "") -> Column:
        """Whole numbers, thousands apart, "" for zero."""
        cells = [f"{value:,}" if value else "" for value in values]
        return cls(header, cells, right=True, spare=spare, whole=True, short_header=short_header)

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
        """Texts of `money_text` or plain figures, aligned."""
        return cls(header, aligned(amounts), spare=spare, whole=True, pointed=True)

    @property
    def width(self) -> int:
        """How many cells of a terminal its widest line takes."""
        return max(cell_len(line) for text in (self.header, *self.cells) for line in text.split("\n"))

    def with_short_header(self) -> Column:
        """The same with a header that is short, or broken between its words."""
        return replace(self, header=self.short_header or self.header.replace(" ", "\n"))

    def with_short_cells(self) -> Column:
        """The same with its short cells, or with cells that are broken after a comma or a slash."""
        return self if self.whole else replace(self, cells=self.short_cells or _broken(self.cells))

    def without_long_names(self) -> Column:
        """The same with cells broken where one long name, such as an ARN, would push other columns out."""
        return self if self.whole or self.width <= _LONG else self.folded_to(_LONG)

    def folded_to(self, width: int) -> Column:
        """The same with cells that are broken after signs, as the parts of names are, to be so wide if they can."""
        cells = [
            "\n".join(_filled(_FINER_BREAKS.split(line), width) for line in cell.split("\n"))
            for cell in self.cells
        ]
        return replace(self, cells=cells)


def _broken(cells: Sequence[str]) -> list[str]:
    """Cells broken into lines that are no longer than the longest part of any."""
    parts = [_BREAKS.split(cell) for cell in cells]
    most = max((cell_len(part.rstrip()) for of_cell in parts for part in of_cell), default=0)
    return [_filled(of_cell, most) for of_cell in parts]


def _filled(parts: Sequence[str], most: int) -> str:
    """Parts of a text in lines that are at most so long, where the parts are."""
    lines = [""]
    for part in parts:
        if part and lines[-1] and cell_len((lines[-1] + part).rstrip()) > most:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def console(*, stderr: bool = False, piped_width: int = _WIDTH_OF_A_PIPE) -> Console:
    """A console as wide as its terminal; a pipe or file gets lines as long as they are. NO_COLOR is respected."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, highlight=False, soft_wrap=False, width=None if stream.isatty() else piped_width
    )


def print_table(
    columns: Sequence[Column], *, to: Console, total: bool = False, elsewhere: str = "--json"
) -> None:
    """Prints columns side by side; with `total`, the last cell of each stands below a line.

    Where the terminal is narrow, it is set closer first, then headers and cells are shortened, then long names are
    broken, then columns that can be spared are left out and named below. `elsewhere`: the option that shows them, ""
    for none. Where even that is too wide, each row is shown by itself, with everything.
    """
    fitted = _fit(columns, to.width)
    if fitted.least > to.width:
        for line in cards(columns, to.width):
            to.print(line, markup=False, soft_wrap=True)
        return
    table = _table(fitted.columns, total, tight=fitted.tight)
    to.print(Segments(_lines(to, table, to.width, fitted.tight)), end="", soft_wrap=True)
    if fitted.left_out:
        wider = f"wider, or {elsewhere}," if elsewhere else "a wider one"
        names = ", ".join(fitted.left_out)
        text = f"left out, the terminal is narrow: {names}; {wider} shows them"
        to.print("\n".join([*textwrap.wrap(text, to.width), ""]), style="dim", markup=False)


@dataclass(slots=True)
class _Fitted:
    columns: list[Column]
    left_out: list[str]
    tight: bool

    @property
    def least(self) -> int:
        """The width below which something would be cut."""
        widths = [column.width if column.whole else min(column.width, _LEAST) for column in self.columns]
        return _outer(widths, self.tight)


def _fit(columns: Sequence[Column], room: int) -> _Fitted:
    """The columns in the widest form that has room; where none has, without those that can be spared."""
    headed = [column.with_short_header() for column in columns]
    short = [column.with_short_cells() for column in headed]
    forms = [list(columns), list(columns), headed, short, [column.without_long_names() for column in short]]
    widths = [[column.width for column in form] for form in forms]
    kept = list(range(len(columns)))
    while True:
        left_out = [column.header for place, column in enumerate(columns) if place not in kept]
        for number, form in enumerate(forms):
            if _outer([widths[number][place] for place in kept], number > 0) <= room:
                return _Fitted([form[place] for place in kept], left_out, number > 0)
        spare = [place for place in kept if columns[place].spare]
        if not spare:
            return _Fitted(_folded([short[place] for place in kept], room), left_out, True)
        kept.remove(max(spare, key=lambda place: columns[place].spare))


def _folded(columns: list[Column], room: int) -> list[Column]:
    """Columns that are still too wide, the widest names broken where they have signs; what is left is cut anywhere."""
    for _ in columns:
        excess = _outer([column.width for column in columns], tight=True) - room
        names = [place for place, column in enumerate(columns) if not column.whole]
        if excess <= 0 or not names:
            break
        widest = max(names, key=lambda place: columns[place].width)
        aim = max(columns[widest].width - excess, _LEAST)
        columns[widest] = columns[widest].folded_to(aim)
    return columns


def _outer(widths: Sequence[int], tight: bool) -> int:
    """The width of a table whose columns are so wide: with what stands between and around them."""
    between = len(widths) - 1
    return sum(widths) + (2 * between if tight else 3 * between + 2)


def _table(columns: Sequence[Column], total: bool, *, tight: bool) -> Table:
    table = Table(
        box=box.SIMPLE,
        show_footer=total,
        show_edge=not tight,
        padding=(0, 1, 0, 0) if tight else (0, 1),
        pad_edge=False,
        header_style="bold",
        footer_style="bold",
    )
    shown = [_pointed(column) if column.pointed else column for column in columns]
    for column in shown:
        table.add_column(
            Text(column.header),
            footer=Text(column.cells[-1]) if total else "",
            justify="right" if column.right else "left",
            no_wrap=column.whole or column.spare > 0,
            overflow="fold",
            style=column.style,
        )
    end = -1 if total else None
    for cells in zip(*(column.cells[:end] for column in shown), strict=True):
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _pointed(column: Column) -> Column:
    """Header and cells of one width: justified by the table, the cells would lose the blanks that align them."""
    width = column.width
    header = "\n".join(line.rjust(width) for line in column.header.split("\n"))
    return replace(column, header=header, cells=[cell.rjust(width) for cell in column.cells])


def _lines(to: Console, table: Table, width: int, tight: bool) -> Iterable[Segment]:
    """The table's lines without trailing blanks, an empty one before and after it."""
    lines = [_without_end(line) for line in to.render_lines(table, to.options.update(width=width), pad=False)]
    for line in [[], *lines, []] if tight else lines:
        yield from line
        yield Segment.line()


def _without_end(line: Sequence[Segment]) -> list[Segment]:
    """A line without the blanks at its end."""
    return list(_backwards(line))[::-1]


def _backwards(line: Sequence[Segment]) -> Iterator[Segment]:
    at_end = True
    for segment in reversed(line):
        text = segment.text.rstrip() if at_end else segment.text
        if text:
            at_end = False
            yield Segment(text, segment.style, segment.control)

"""What a terminal shows that has no room for a table: each row by itself, a line for each of its cells."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Protocol


class Cells(Protocol):
    """A column, as a table has it."""

    @property
    def header(self) -> str:
        """Its name, "" for remarks."""

    @property
    def cells(self) -> list[str]:
        """A cell for each row."""

    @property
    def whole(self) -> bool:
        """Whether its cells are never broken."""


def cards(columns: Sequence[Cells], width: int) -> Iterator[str]:
    """The lines of each row's cells with their names before them, an empty line before and after each row."""
    names = min(max((len(column.header) for column in columns), default=0), width // 2)
    yield ""
    for cells in zip(*(column.cells for column in columns), strict=True):
        for column, cell in zip(columns, cells, strict=True):
            if cell.strip():
                yield from _lines(column, cell, names, width)
        yield ""


def _lines(column: Cells, cell: str, names: int, width: int) -> Iterator[str]:
    name, text = " ".join(column.header.split()), " ".join(cell.split())
    room = max(width - names - 2, 1)
    if column.whole:
        texts = [text]
    else:  # a blank before it says that it is a part of what stands above
        lead = " " * (len(cell) - len(cell.lstrip()))
        texts = textwrap.wrap(text, room, initial_indent=lead, subsequent_indent=lead)
    if len(name) > names:
        yield from textwrap.wrap(name, width)
        name = ""
    for each in texts:
        yield f"{name.ljust(names)}  {each}"
        name = ""

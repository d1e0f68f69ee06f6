"""Names and records in two levels: groups of pages, each page a text of about a kilobyte, so that lookups stay cheap.

A key is compared with the bounds of every group, then with the bounds of every page of its group, and is then
sought in one short text. One long text would be one search as well, but the collector takes minutes to read it.
Names lead to the number of a record, because many names cost the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isqrt

from .records import Record

PAGE_SIZE = 2000
"""Characters. The time that the collector takes to read a text grows with the square of its length."""
DIGITS = 5
END = "~~~~"
"""A key behind every key."""
SEPARATORS = "-@:./"
"""Where a name may be cut to find the pattern that holds for it."""
DATED = "#"
"""Behind a name: any date."""
_DATED = (("-20", "-20~"), ("@20", "@20~"))
"""Between which suffixes a name with a date behind it lies."""


@dataclass(slots=True)
class Page:
    """The records of the keys from `first` up to, not including, `until`."""

    first: str
    until: str
    entries: dict[str, str] = field(default_factory=dict)
    """Key -> value; a key that ends in "*" stands for every name that goes on behind it."""

    def text(self) -> list[str]:
        """The entries as pieces of text, `;<key>=<value>`, closed by one more semicolon."""
        return [*(f";{key}={value}" for key, value in self.entries.items()), ";"]


@dataclass(slots=True)
class Group:
    """Neighbouring pages."""

    pages: list[Page]

    @property
    def first(self) -> str:
        """The group's smallest key."""
        return self.pages[0].first

    @property
    def until(self) -> str:
        """The first key behind the group."""
        return self.pages[-1].until


@dataclass(slots=True)
class Tables:
    """Key -> number of its record, and number -> record; numbers are texts of `DIGITS` digits."""

    names: list[Group]
    records: list[Group]
    dated: bool = False
    """Whether some name has a record of its own for its dated forms, under the name and `DATED`."""


def tables(records: Sequence[Record], prefixes: Iterable[Record], dated: Iterable[Record] = ()) -> Tables:
    """Both tables of records that are sorted by key; each page of names holds all that a key in it may mean."""
    numbers: dict[str, str] = {}
    known = [Record(record.key, _number(numbers, record.text)) for record in records]
    patterns = [Record(record.key, _number(numbers, record.text)) for record in prefixes]
    with_dates = [Record(record.key, _number(numbers, record.text)) for record in dated]
    pages = _pages(known)
    firsts = [page.first for page in pages]
    for page, record in _dated_elsewhere(known, firsts):
        pages[page].entries[record.key] = record.text
    for record in with_dates:
        for start, end in _DATED:
            for page in _pages_between(firsts, record.key + start, record.key + end):
                pages[page].entries[f"{record.key}{DATED}"] = record.text
    for record in patterns:
        for page in _pages_between(firsts, record.key, f"{record.key}~"):
            pages[page].entries[f"{record.key.rstrip(SEPARATORS)}*"] = record.text
    # The length in front: a record may hold semicolons.
    texts = [Record(number, f"{len(text):05d}{text}") for text, number in numbers.items()]
    return Tables(_grouped(pages), _grouped(_pages(texts)), bool(with_dates))


def _number(numbers: dict[str, str], text: str) -> str:
    return numbers.setdefault(text, f"{len(numbers):0{DIGITS}d}")


def _grouped(pages: list[Page]) -> list[Group]:
    size = max(isqrt(len(pages)), 1)
    return [Group(pages[start : start + size]) for start in range(0, len(pages), size)]


def _pages(records: Sequence[Record]) -> list[Page]:
    pages: list[Page] = []
    size = PAGE_SIZE
    for record in records:
        if size >= PAGE_SIZE:
            if pages:
                pages[-1].until = record.key
            # The first page begins before every key: a prefix may hold there.
            pages.append(Page(record.key if pages else "", END))
            size = 0
        pages[-1].entries[record.key] = record.text
        size += len(record.key) + len(record.text)
    return pages


def _dated_elsewhere(records: Sequence[Record], firsts: list[str]) -> Iterable[tuple[int, Record]]:
    """(page, record) where the dated forms of a name fall into another page than the name."""
    for record in records:
        own = bisect_right(firsts, record.key) - 1
        for start, end in _DATED:
            for number in _pages_between(firsts, record.key + start, record.key + end):
                if number != own:
                    yield number, record


def _pages_between(firsts: list[str], start: str, end: str) -> range:
    return range(max(bisect_right(firsts, start) - 1, 0), bisect_right(firsts, end))

"""Users' price settings out of their documents. Mistakes are collected, the rest works.

A document holds `[[row]]` (or `[[price]]`), `[[discount]]`, `[[local_size]]` at its top or under `[prices]`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import TypeVar

from .. import semconv
from ..errors import ConfigurationError
from ..meters import COMPONENTS, METERS
from ..toml_source import TomlDocument, TomlTable
from .fields import decimal, entries, known_keys, name_of, one_of, optional_instant, text_of, wrong
from .mistakes import mistakes
from .own import Discount, OwnPrices, Size
from .plan import time_zone
from .providers import provider_name
from .rates import ALWAYS, FOREVER, TIERS, Row
from .rows import parse_row

_SIZE = re.compile(r"(?P<low>\d+(?:\.\d+)?)(?:-(?P<high>\d+(?:\.\d+)?))?[bB](?P<more>\+)?")
Parsed = TypeVar("Parsed")
_SETTINGS = ("files", "directory", "update_from", "update_key")
_LISTS = ("row", "price", "discount", "local_size")
_PAGE_TABLES = ("provider", *_LISTS)


def read_own(documents: Iterable[TomlDocument]) -> OwnPrices:
    """The price settings of all documents; each mistake is a problem with file, line, key and remedy."""
    own = OwnPrices()
    for document in documents:
        top = document.table
        nested = top.get("prices")
        if isinstance(nested, TomlTable):
            own.problems += _unknown_keys(nested, document, (*_PAGE_TABLES, *_SETTINGS))
            _read(nested, document, own)
        own.problems += _near_misses(document)
        _read(top, document, own)
    return own


def _read(tables: TomlTable, document: TomlDocument, own: OwnPrices) -> None:
    head = tables.get("provider")
    defaults = head if isinstance(head, TomlTable) else {}
    for key in ("row", "price"):
        for table in _tables(tables, key, document, own):
            row = _checked(table, document, own, partial(_own_row, defaults=defaults))
            if row is not None and not _is_contradicted(row, own, document, table):
                own.rows.append(row)
                named = table if "provider" in table else tables.inner("provider") or table
                place = str(document.path), named.line("provider" if named is table else "id")
                own.places.setdefault(("row", row.provider), place)
    for table in _tables(tables, "discount", document, own):
        discount = _checked(table, document, own, parse_discount)
        if discount is not None:
            own.discounts.append(discount)
            place = str(document.path), table.line("provider")
            own.places.setdefault(("discount", discount.provider), place)
    for table in _tables(tables, "local_size", document, own):
        size = _checked(table, document, own, parse_size)
        if size is not None:
            own.sizes.append(size)


def misspelt_tables(document: TomlDocument) -> list[ConfigurationError]:
    """Tables of a prices file that nothing reads, such as `[[rows]]`."""
    return _unknown_keys(document.table, document, _PAGE_TABLES, passed=("prices",))


def _is_contradicted(row: Row, own: OwnPrices, document: TomlDocument, table: TomlTable) -> bool:
    if own.first.setdefault(_terms(row), row) == row:
        return False
    problem = wrong(
        "model",
        "a second price for the same terms and time; the first one is in force",
        row.model,
        "another tier, region or effective_from, or a later recorded_at",
    )
    own.problems.append(problem.at(str(document.path), table.line("model")))
    return True


def _terms(row: Row) -> tuple[object, ...]:
    return row.provider, row.model, row.tier, row.speed, row.region, row.from_ns, row.to_ns, row.recorded_at


def _near_misses(document: TomlDocument) -> list[ConfigurationError]:
    # A settings file has tables of other rooms, too: only what looks like one of ours is a mistake here.
    problems = []
    for key in document.table:
        near = difflib.get_close_matches(key, _LISTS, n=1, cutoff=0.8)
        if near and key not in (*_LISTS, "prices"):
            problem = wrong(key, f"unknown table; did you mean {near[0]!r}?", None, ", ".join(_LISTS))
            problems.append(problem.at(str(document.path), document.table.line(key)))
    return problems


def _unknown_keys(
    table: TomlTable, document: TomlDocument, allowed: tuple[str, ...], passed: tuple[str, ...] = ()
) -> list[ConfigurationError]:
    problems = []
    for key in table:
        try:
            known_keys({key: None}, (*allowed, *passed), "")
        except ConfigurationError as error:
            problems.append(error.at(str(document.path), table.line(key)))
    return problems


def _own_row(table: Mapping[str, object], defaults: Mapping[str, object]) -> Row:
    row = parse_row(table, defaults)
    for window in row.schedule:
        time_zone(window.tz)
    return row._replace(provider=provider_name(row.provider))


def parse_discount(table: Mapping[str, object]) -> Discount:
    """The discount that a table describes. Raises `ConfigurationError`."""
    known_keys(table, ("percent", "provider", "model", "tier", "meters", "from", "to"), "")
    percent = decimal(table.get("percent"), "percent")
    if percent > 100:
        raise wrong("percent", "more than everything", table.get("percent"), "0 to 100")
    provider = text_of(table, "provider", "*")
    start, end = optional_instant(table, "from", ALWAYS), optional_instant(table, "to", FOREVER)
    if end <= start:
        raise wrong("to", "not after from", table.get("to"), "a later instant")
    meters = tuple(name_of(entry, "meters") for entry in entries(table, "meters"))
    for meter in meters:
        if meter not in METERS and meter not in COMPONENTS:
            raise wrong("meters", "unknown meter", meter, ", ".join(dict.fromkeys((*COMPONENTS, *METERS))))
    return Discount(
        percent=percent,
        provider=provider_name(provider),
        model=text_of(table, "model", "*"),
        tier=one_of(table, "tier", (*TIERS, "*"), "*"),
        meters=meters,
        from_ns=start,
        to_ns=end,
    )


def parse_size(table: Mapping[str, object]) -> Size:
    """The price of local models of a size ("1-3B", "7B", "8B+"). Raises `ConfigurationError`."""
    label = text_of(table, "size", "", required=True)
    match = _SIZE.fullmatch(label)
    if match is None:
        raise wrong("size", "not a size", label, '"1-3B", "7B", "8B+"')
    low = Decimal(match["low"])
    high = Decimal(match["high"]) if match["high"] else None if match["more"] else low
    if high is not None and high < low:
        raise wrong("size", "ends before it starts", label, '"1-3B", "7B", "8B+"')
    rest = {key: value for key, value in table.items() if key != "size"}
    row = parse_row({"provider": semconv.LOCAL, "model": f"size:{label}", **rest})
    return Size(label, low, high, row)


def _tables(tables: TomlTable, key: str, document: TomlDocument, own: OwnPrices) -> list[TomlTable]:
    given = tables.get(key, [])
    found = given if isinstance(given, list) else [given]
    for entry in found:
        if not isinstance(entry, TomlTable):
            problem = wrong(key, "not a table", entry, f"[[{key}]]")
            own.problems.append(problem.at(str(document.path), tables.line(key)))
    return [entry for entry in found if isinstance(entry, TomlTable)]


def _checked(
    table: TomlTable,
    document: TomlDocument,
    own: OwnPrices,
    parse: Callable[[Mapping[str, object]], Parsed],
) -> Parsed | None:
    try:
        return parse(table)
    except ConfigurationError:
        for error in mistakes(table, parse):
            own.problems.append(error.at(str(document.path), table.line_of(error.key)))
        return None

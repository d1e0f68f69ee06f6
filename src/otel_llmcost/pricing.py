"""Prices for what others recorded: spans as attributes with a time, one by one or line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .call import UNPRICED, Priced, SpanFacts, note
from .errors import UsageError
from .instants import nanoseconds
from .money import as_text
from .services import Prices, services
from .spans import read_call

INVALID = "invalid"
"""The reason code of a record that is no span at all."""
NO_CALL = "no-call"
"""The reason code of a span that is not a call to a model (an agent, a tool, a workflow)."""
_UNITS = ((10**17, 1), (10**14, 10**3), (10**11, 10**6), (0, 10**9))
_LONGEST_LINE = 4_000_000


def price(
    attributes: Mapping[str, Any],
    *,
    time: object = None,
    end: object = None,
    name: str = "",
    scope: str = "",
    scope_version: str = "",
    kind: str = "",
    hosts: Mapping[str, str] | None = None,
    book: Prices | None = None,
) -> Priced:
    """What the call of a span costs, from its attributes, as the span processor would say.

    `time` is the call's start: a datetime, ISO 8601 text, or a number since the epoch in seconds, milliseconds,
    microseconds or nanoseconds (by its size); now, where it is absent. `end` is the call's end, which what is billed
    by duration needs. `scope` and `scope_version` are those of
    the instrumentation that wrote the span, where known. Raises `UsageError` for a time that is none.
    """
    prices = services().book if book is None else book
    start_ns = 0 if time is None else instant_ns(time) or 1  # 0 would mean that none is known
    end_ns = start_ns if end is None else max(instant_ns(end), start_ns)
    facts = SpanFacts(
        name=name,
        kind=kind,
        scope=scope,
        scope_version=scope_version,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes=attributes,
    )
    call = read_call(facts, hosts or {})
    if call is None:
        return _unpriced(note(NO_CALL, "the span is no call to a model"), prices)
    return prices.price(call)


def answer(priced: Priced) -> dict[str, object]:
    """A price as JSON has it: amounts in USD as decimal strings, null where nothing is known."""
    return {
        "cost_usd": None if priced.amount is None else as_text(priced.amount),
        "status": priced.status,
        "components": {name: as_text(amount) for name, amount in priced.components.items()},
        "reasons": list(priced.reasons),
        "price_version": priced.version,
    }


def price_lines(
    lines: Iterable[str], book: Prices, hosts: Mapping[str, str] | None = None
) -> Iterator[tuple[dict[str, object], bool]]:
    """One answer for every line of JSON, and whether the line was understood; a blank line is no call.

    A line is {"attributes": {...}, "time": ..., "end": ..., "name", "scope", "scope_version", "kind"}, all but the
    first optional.
    """
    for line in lines:
        if not line.strip():
            yield answer(_unpriced(note(NO_CALL, "the line is blank"), book)), True
            continue
        try:
            yield answer(_price_record(_record(line), book, hosts)), True
        except ValueError as error:
            yield answer(_unpriced(note(INVALID, str(error)), book)), False


def _unpriced(reason: str, book: Prices) -> Priced:
    return Priced(UNPRICED, None, {}, (reason,), version_of(book))


def _record(line: str) -> Mapping[str, Any]:
    if len(line) > _LONGEST_LINE:
        raise ValueError(f"a line of {len(line)} characters; at most {_LONGEST_LINE} are read")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(record, dict) or not isinstance(record.get("attributes"), dict):
        raise ValueError('not a span; expected {"attributes": {...}, "time": "2026-11-22T12:00:00Z"}')
    return record


def _price_record(record: Mapping[str, Any], book: Prices, hosts: Mapping[str, str] | None) -> Priced:
    texts = {key: _text(record, key) for key in ("name", "scope", "scope_version", "kind")}
    start, end = record.get("time"), record.get("end")
    return price(record["attributes"], time=start, end=end, hosts=hosts, book=book, **texts)


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def instant_ns(value: object) -> int:
    """Nanoseconds since the epoch of a time as people and programs write it. Raises `UsageError`."""
    if isinstance(value, datetime):
        return nanoseconds(value)
    if isinstance(value, date):
        return nanoseconds(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if isinstance(value, str):
        number = _number(value)
        return _of_text(value) if number is None else _of_number(number)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(Decimal(str(value)))
    raise UsageError(f"time {value!r} is no instant, such as 2026-11-22T12:00:00Z or 1795348800")


def _number(text: str) -> Decimal | None:
    # "20261122" is a date, as ISO 8601 has it; a number of seconds has more digits.
    if not text.strip().replace(".", "", 1).isdecimal() or len(text.strip()) < 9:
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _of_number(number: Decimal) -> int:
    if not number.is_finite() or not 0 <= number < 2**63:
        raise UsageError(f"time {number} is out of range")
    unit = next(unit for bound, unit in _UNITS if number >= bound)
    ns = int(number * unit)
    if ns >= 2**63:
        raise UsageError(f"time {number} is out of range")
    return ns


def _of_text(text: str) -> int:
    try:
        return nanoseconds(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise UsageError(f"time {text!r} is no instant, such as 2026-11-22T12:00:00Z") from None


def version_of(book: Prices) -> str:
    """The version of a book's prices, "" for one that has none."""
    return str(getattr(book, "version", ""))

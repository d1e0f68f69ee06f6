"""Numbers as providers send them, made into quantities that can be priced.

A body may hold null, a string, a float, a boolean, NaN or a number of a hundred digits where a count
belongs. What can be read is read; what cannot is left out, and a note says so. Nothing here raises, and
nothing is negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from ..call import INCOMPLETE_NOTE, NO_USAGE_NOTE, Line, Reading, note

LARGEST = 10**12
"""More tokens (or seconds, characters) than any one call can have: beyond it a count is not believed."""

NOTHING: Mapping[str, object] = MappingProxyType({})


def table(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else NOTHING


def rows(value: object) -> list[Mapping[str, object]]:
    """The JSON objects of a list; anything else is an empty list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list | tuple) else []


def text(value: object) -> str:
    """The value if it is a string, else an empty one."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else encodable(value)


def encodable(said: str) -> str:
    """A text with `?` for each half of a surrogate pair: one of them would lose an exporter's whole batch."""
    return said if said.isascii() else said.encode("utf-8", "replace").decode()


def count(value: object, name: str, notes: list[str]) -> int:
    """A whole number of tokens, requests, images: 0 for null; what cannot be a count becomes 0 and a note."""
    if type(value) is int and 0 <= value <= LARGEST:
        return value
    if value is None:
        return 0
    exact = _readable(value, name, notes)
    if exact is None:
        return 0
    whole = int(exact)
    if whole != exact:
        notes.append(note(INCOMPLETE_NOTE, f"{name} is {value!r}, not a whole number; {whole} is counted"))
    return whole


def measure(value: object, name: str, notes: list[str]) -> int | Decimal:
    """A quantity that may have a fraction (seconds, pages), as the body has it; whole ones as integers."""
    if value is None:
        return 0
    exact = _readable(value, name, notes)
    if exact is None:
        return 0
    whole = int(exact)
    return whole if whole == exact else exact


def money(value: object, name: str, notes: list[str]) -> Decimal | None:
    """An amount of money that a body reports, None where there is none or where it cannot be one."""
    return None if value is None else _readable(value, name, notes)


def explained(reading: Reading, notes: list[str]) -> tuple[str, ...]:
    """The notes of a reading; a usage of zeros alone is none (hosts that do not count send zeros)."""
    if not notes and not reading.usage and reading.reported is None:
        return (note(NO_USAGE_NOTE, "the usage counts nothing"),)
    return tuple(notes)


def _readable(value: object, name: str, notes: list[str]) -> Decimal | None:
    number = _number(value)
    if number is None:
        notes.append(note(INCOMPLETE_NOTE, f"{name} is {_short(value)}, not a number"))
    elif not number.is_finite():
        notes.append(note(INCOMPLETE_NOTE, f"{name} is {value}, not a number"))
    elif number < 0:
        notes.append(note(INCOMPLETE_NOTE, f"{name} is negative: {_short(value)}"))
    elif number > LARGEST:
        notes.append(note(INCOMPLETE_NOTE, f"{name} is {_short(value)}, beyond any credible {LARGEST}"))
    else:
        return number
    return None


def _number(value: object) -> Decimal | None:
    # A boolean is an int for Python, not for a bill. repr() of a float is the shortest text that means it.
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, int):
        return None if isinstance(value, bool) else Decimal(min(value, LARGEST + 1))
    if isinstance(value, str) and len(value) <= 40:
        try:
            return Decimal(value.strip())
        except InvalidOperation:
            return None
    return None


def _short(value: object) -> str:
    # A number of more than 4,300 digits cannot be shown at all, a long text should not be.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return f"a number of {value.bit_length()} bits"
    shown = repr(value) if isinstance(value, str | int | float | Decimal | None) else type(value).__name__
    return shown if len(shown) <= 40 else shown[:37] + "..."


def total_of(lines: tuple[Line, ...]) -> dict[str, int | Decimal]:
    """The usage of a whole call: the sum over its lines."""
    whole: dict[str, int | Decimal] = {}
    for line in lines:
        for meter, quantity in line.usage.items():
            whole[meter] = whole.get(meter, 0) + quantity
    return whole

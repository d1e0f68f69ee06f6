"""What people's code hands over by hand: a mistake in it is one error that names the value and what is wanted."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from .errors import UsageError
from .meters import TOKEN_METERS, Quantity


def count(name: str, value: object) -> int:
    """A whole number of tokens; 100.0 is 100. Raises `UsageError`."""
    number = _number(name, value, "a whole number, such as 1000")
    if number % 1:
        raise wrong(name, value, "a whole number, such as 1000")
    return int(number)


def quantity(meter: str, value: object) -> Quantity:
    """A quantity of a meter: tokens are whole, seconds and pages may have a fraction. Raises `UsageError`."""
    if meter in TOKEN_METERS:
        return count(meter, value)
    number = _number(meter, value, "a number, such as 2 or Decimal('12.5')")
    return number if number % 1 else int(number)


def seconds(name: str, value: object) -> float:
    """A duration. Raises `UsageError`."""
    return float(_number(name, value, "seconds, such as 2.1"))


def text(name: str, value: object, example: str) -> str:
    """A text. Raises `UsageError`."""
    if not isinstance(value, str):
        raise wrong(name, value, f"text, such as {example!r}")
    return value


def instant(name: str, value: object) -> datetime:
    """An instant. Raises `UsageError`."""
    if not isinstance(value, datetime):
        raise wrong(name, value, "a datetime, such as datetime.now(UTC)")
    return value


def table(name: str, value: object, example: str) -> Mapping[str, object]:
    """A mapping. Raises `UsageError`."""
    if not isinstance(value, Mapping):
        raise wrong(name, value, f"a mapping, such as {example}")
    return value


def wrong(name: str, value: object, allowed: str) -> UsageError:
    """The error for a value that is none of those allowed."""
    shown = repr(value)
    return UsageError(f"{name} is {shown if len(shown) <= 80 else shown[:77] + '...'}; allowed: {allowed}")


def _number(name: str, value: object, allowed: str) -> int | Decimal:
    number: int | Decimal
    if isinstance(value, bool):
        raise wrong(name, value, allowed)
    if isinstance(value, float | Decimal):
        number = Decimal(repr(float(value)) if isinstance(value, float) else value)
        if not number.is_finite():
            raise wrong(name, value, allowed)
    else:
        try:
            number = operator.index(value)  # type: ignore[arg-type]  # integers of other libraries, too
        except TypeError:
            raise wrong(name, value, allowed) from None
    if number < 0:
        raise UsageError(f"{name} is {value}; it cannot be negative")
    return number

"""Checks of single values in tables that people write: the value, or an error that names what is allowed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ..errors import ConfigurationError

UNKNOWN_KEY = "unknown key"
"""How the message of a key that is not allowed begins."""
_LARGEST = Decimal(10_000_000)
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def known_keys(table: Mapping[str, object], allowed: tuple[str, ...], at: str) -> None:
    """Raises `ConfigurationError` for the first key that is not allowed, with the nearest that is."""
    for key in table:
        if key not in allowed:
            import difflib  # slow to import, and most tables are right

            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise wrong(f"{at}{key}", f"{UNKNOWN_KEY}{hint}", None, ", ".join(allowed))


def decimal(value: object, key: str, *, largest: Decimal = _LARGEST) -> Decimal:
    """An amount that is neither negative nor absurd, from decimal text, an integer or an exact decimal."""
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise InvalidOperation
        if isinstance(value, str) and not _PLAIN.fullmatch(value):
            raise InvalidOperation
        number = Decimal(value)
    except InvalidOperation:
        raise wrong(key, "not a decimal number", value, 'decimal text such as "0.25"') from None
    if not number.is_finite() or not 0 <= number < largest or number.as_tuple().exponent < -24:  # type: ignore[operator]
        raise wrong(key, "not a price", value, f"a number from 0 to {largest} with at most 24 decimal places")
    return number


def instant_ns(value: object, key: str) -> int:
    """Nanoseconds since the epoch of a date (its first instant, UTC), a date-time, or ISO text of either."""
    if isinstance(value, str):
        try:
            parsed = dt.datetime.fromisoformat(value)
        except ValueError:
            raise wrong(key, "not an instant", value, "2026-10-01 or 2026-10-01T08:00:00Z") from None
        value = parsed if len(value) > 10 else parsed.date()
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise wrong(key, "a time without its offset from UTC", str(value), "2026-10-01T08:00:00Z")
        moment = value
    elif isinstance(value, dt.date):
        moment = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    else:
        raise wrong(key, "not an instant", value, "2026-10-01 or 2026-10-01T08:00:00Z")
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def iso_instant(ns: int) -> str:
    """An instant as ISO text, UTC, as short as it goes: "2026-10-01" or "2026-10-01T08:00:00Z"."""
    seconds, rest = divmod(ns, 10**9)
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds, microseconds=rest // 1000)
    if moment.time() == dt.time(0):
        return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")


def wrong(key: str, message: str, value: object, allowed: str) -> ConfigurationError:
    """A mistake in a value; numbers and dates are told as they are written."""
    told = str(value) if isinstance(value, Decimal | dt.date | dt.time) else value
    return ConfigurationError(message, key=key, value=told, allowed=allowed)


def optional_instant(table: Mapping[str, object], key: str, default: int) -> int:
    """An instant in nanoseconds since the epoch. Raises `ConfigurationError`."""
    return instant_ns(table[key], key) if key in table else default


def optional_day(table: Mapping[str, object], key: str, head: Mapping[str, object]) -> str:
    """An instant as ISO 8601 text, "" where there is none. Raises `ConfigurationError`."""
    value = table.get(key, head.get(key))
    return "" if value is None else iso_instant(instant_ns(value, key))


def text_of(table: Mapping[str, object], key: str, default: str, *, required: bool = False) -> str:
    """A text. Raises `ConfigurationError`."""
    value = table.get(key, default)
    if not isinstance(value, str):
        raise wrong(key, "not text", value, "a string")
    if required and not value.strip():
        raise wrong(key, "missing", None, "a name")
    return value


def name_of(value: object, key: str) -> str:
    """A text that is not empty. Raises `ConfigurationError`."""
    if not isinstance(value, str) or not value:
        raise wrong(key, "not a name", value, "a list of strings")
    return value


def entries(table: Mapping[str, object], key: str) -> list[object]:
    """A list. Raises `ConfigurationError`."""
    value = table.get(key, [])
    if not isinstance(value, list):
        raise wrong(key, "not a list", value, "a list")
    return value


def flag(table: Mapping[str, object], key: str) -> bool:
    """True or false. Raises `ConfigurationError`."""
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise wrong(key, "not a boolean", value, "true, false")
    return value


def optional_count(table: Mapping[str, object], key: str) -> int | None:
    """A positive whole number. Raises `ConfigurationError`."""
    value = table.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value <= 0):
        raise wrong(key, "not a positive whole number", value, "tokens, such as 128000")
    return value


def one_of(table: Mapping[str, object], key: str, allowed: tuple[str, ...], default: str) -> str:
    """One of the words that are allowed. Raises `ConfigurationError`."""
    value = table.get(key, default)
    if value not in allowed:
        raise wrong(key, "unknown value", value, ", ".join(repr(name) for name in allowed))
    return str(value)


def table_of(value: object, key: str) -> Mapping[str, object]:
    """A table. Raises `ConfigurationError`."""
    if not isinstance(value, Mapping):
        raise wrong(key, "not a table", value, "a table")
    return value

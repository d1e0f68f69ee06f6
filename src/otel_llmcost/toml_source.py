"""TOML with places: every key of a document knows its line, so that a mistake can be pointed at.

`tomllib` gives the values (floats as exact `Decimal`) and vouches for the syntax; `toml_places` only notes where
keys stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .toml_places import KeyPath

_PLACE = r"\(at line (\d+), column \d+\)"


class TomlTable(Mapping[str, object]):
    """A table of a document: a mapping that also knows the line of each of its keys (`line`)."""

    def __init__(self, values: Mapping[str, object], lines: Mapping[str, int], start: int) -> None:
        self._values, self._lines, self.start = values, lines, start

    def __getitem__(self, key: str) -> object:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"TomlTable({dict(self._values)!r})"

    def inner(self, key: str) -> TomlTable | None:
        """The table under a key; None where there is none."""
        found = self._values.get(key)
        return found if isinstance(found, TomlTable) else None

    def line(self, key: str = "") -> int:
        """The line (from 1) of a key; the table's own first line for one that it does not have."""
        return self._lines.get(key, self.start)

    def line_of(self, path: str) -> int:
        """The line of a dotted path ("rates.input"), as near to it as the document goes."""
        table, line = self, self.start
        for key in path.split("."):
            line = table.line(key)
            inner = table.get(key)
            if isinstance(inner, list):
                inner = next((entry for entry in inner if isinstance(entry, TomlTable)), None)
            if not isinstance(inner, TomlTable):
                return line
            table = inner
        return line


class TomlDocument(NamedTuple):
    """A parsed document: where it came from and its top table."""

    path: Path
    table: TomlTable


def read_toml(path: Path | str) -> TomlDocument:
    """The document in a file. Raises `ConfigurationError` naming file and line."""
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot be read ({error.strerror})", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"is not UTF-8 text ({error.reason})", file=str(path)) from None
    return parse_toml(text, path)


def parse_toml(text: str, path: Path | str) -> TomlDocument:
    """The document in a text; `path` only names it. Raises `ConfigurationError` naming file and line."""
    text = text.removeprefix("\ufeff")  # some editors begin their files with it
    try:
        values = _values(text)
    except (ValueError, ArithmeticError) as error:  # tomllib's own error is a ValueError
        place = re.search(_PLACE, str(error))
        message = re.sub(_PLACE, "", str(error)).strip() or type(error).__name__
        line = int(place[1]) if place else 0
        raise ConfigurationError(f"is not valid TOML: {message}", file=str(path), line=line) from None
    except RecursionError:
        raise ConfigurationError("is nested too deeply", file=str(path)) from None
    from .toml_places import Places  # with its patterns: many programs have no settings file

    try:
        return TomlDocument(Path(path), _as_table(values, (), Places(text).walk()))
    except RecursionError:
        raise ConfigurationError("is nested too deeply", file=str(path)) from None


def _values(text: str) -> dict[str, object]:
    import tomllib  # slow to import, and many programs have no settings file

    return tomllib.loads(text, parse_float=Decimal)


def _as_table(values: Mapping[str, object], at: KeyPath, places: Mapping[KeyPath, int]) -> TomlTable:
    inner = {key: _as_value(value, (*at, key), places) for key, value in values.items()}
    lines = {key: places.get((*at, key), 0) for key in values}
    first = min((line for line in lines.values() if line), default=1)
    return TomlTable(inner, lines, places.get(at, first))


def _as_value(value: object, at: KeyPath, places: Mapping[KeyPath, int]) -> object:
    if isinstance(value, dict):
        return _as_table(value, at, places)
    if isinstance(value, list):
        return [_as_value(entry, (*at, index), places) for index, entry in enumerate(value)]
    return value

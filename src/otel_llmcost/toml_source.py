"""TOML with places: every key of a document knows its line, so that a mistake can be pointed at.

`tomllib` gives the values (floats as exact `Decimal`) and vouches for the syntax; a second walk over the text
only notes where keys stand.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from .errors import ConfigurationError

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})" + r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_PLACE = re.compile(r"\(at line (\d+), column \d+\)")


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


@dataclass(slots=True)
class TomlDocument:
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
        place = _PLACE.search(str(error))
        message = _PLACE.sub("", str(error)).strip() or type(error).__name__
        line = int(place[1]) if place else 0
        raise ConfigurationError(f"is not valid TOML: {message}", file=str(path), line=line) from None
    except RecursionError:
        raise ConfigurationError("is nested too deeply", file=str(path)) from None
    try:
        return TomlDocument(Path(path), _as_table(values, (), _Places(text).walk()))
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


class _Places:
    """Walks a text that is known to be valid TOML and notes the line of every key path."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text.replace("\r\n", " \n"), 0
        self.breaks = [match.start() for match in re.finditer("\n", self.text)]
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}

    def walk(self) -> dict[KeyPath, int]:
        here: KeyPath = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                here = self._header()
            else:
                self._pair(here)
            self._skip(_BLANK)
        return self.lines

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:  # cannot happen in valid TOML; step on rather than turn in a circle
            self.at += 1
            return ""
        self.at = match.end()
        return match[0]

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, bisect_right(self.breaks, self.at - 1) + 1)

    def _header(self) -> KeyPath:
        is_list = self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        keys = self._key()
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self._note(path)
            if position == len(keys) - 1 and is_list:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
                self._note(path)
        self._skip(_SPACE)
        self.at += 2 if is_list else 1
        return path

    def _key(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            if self.text[self.at : self.at + 1] in ("'", '"'):
                quoted = self._skip(_STRING)
                keys.append(str(_values(f"key = {quoted}")["key"]))
            else:
                keys.append(self._skip(_BARE_KEY))
            self._skip(_SPACE)
            if self.text[self.at : self.at + 1] != ".":
                return keys
            self.at += 1

    def _pair(self, here: KeyPath) -> None:
        start = self.at
        path = here
        for key in self._key():
            path = (*path, key)
            end, self.at = self.at, start
            self._note(path)
            self.at = end
        self.at += 1  # the sign of equality
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip(_BLANK)
        first = self.text[self.at : self.at + 1]
        if first in ("'", '"'):
            self._skip(_STRING)
        elif first == "[":
            self._items("]", path)
        elif first == "{":
            self._items("}", path)
        else:
            self._skip(_SCALAR)

    def _items(self, closing: str, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self.at < len(self.text):
            self._skip(_BLANK)
            if self.text[self.at : self.at + 1] == closing:
                self.at += 1
                return
            if closing == "]":
                self._note((*path, index))
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip(_BLANK)
            if self.text[self.at : self.at + 1] == ",":
                self.at += 1

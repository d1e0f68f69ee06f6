"""Budgets from the tables `[budgets.NAME]` of a TOML document; mistakes name file, line, key and value."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Protocol, TypeVar

from ..errors import ConfigurationError
from ..money import femto
from ..prices.providers import provider_name
from .model import (
    ACTIONS,
    BLOCK,
    DEFAULT_CONVERSATIONS,
    DEFAULT_THRESHOLDS,
    ON_UNPRICED,
    ON_UNREACHABLE,
    SCOPES,
    WARN,
    Budget,
)
from .windows import ALLOWED, Window, parse_window

KEYS = (
    "amount",
    "window",
    "timezone",
    "providers",
    "models",
    "tags",
    "thresholds",
    "action",
    "on_unpriced",
    "scope",
    "on_unreachable",
    "conversations",
    "carry_over",
)
_MOST_USD = Decimal(10) ** 12
_FINEST = -15
_MOST_CONVERSATIONS = 1_000_000
T = TypeVar("T")


class SourceTable(Protocol):
    """A table of a document that knows the line of its keys (`toml_source.TomlTable`)."""

    def __getitem__(self, key: str, /) -> object: ...
    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, key: object, /) -> bool: ...
    def line(self, key: str = "", /) -> int:
        """The line of a key; the table's first line for one that it does not have."""


@dataclass(slots=True)
class ParsedBudgets:
    """The budgets that are right, and what is wrong with the others. A budget with a mistake is not in force.

    `fatal` are the problems of `block` budgets: a program that counts on them is to be told at its start.
    """

    budgets: list[Budget] = field(default_factory=list)
    problems: list[ConfigurationError] = field(default_factory=list)
    fatal: list[ConfigurationError] = field(default_factory=list)


def parse_budgets(tables: Mapping[str, object] | SourceTable | None, file: str = "") -> ParsedBudgets:
    """The budgets in a `[budgets]` table, each a table of its own. Raises nothing."""
    parsed = ParsedBudgets()
    for name in tables or ():
        table = tables[name] if tables is not None else None
        line = _line_of(tables, name)
        if not isinstance(table, Mapping):
            parsed.problems.append(
                ConfigurationError(
                    "is not a budget",
                    file=file,
                    line=line,
                    key=f"budgets.{name}",
                    value=table,
                    allowed=f"a table [budgets.{name}] with the keys {', '.join(KEYS)}",
                )
            )
            continue
        budget, problems = read_budget(table, name, file, line)
        parsed.problems += problems
        if budget is not None:
            parsed.budgets.append(budget)
        elif _means_to_block(table):
            parsed.fatal += problems
    return parsed


def read_budget(
    table: Mapping[str, object], name: str, file: str = "", first_line: int = 0
) -> tuple[Budget | None, list[ConfigurationError]]:
    """The budget of one table, None where anything is wrong with it; and what is wrong."""
    return _Reader(table, name, file, first_line).read()


def _means_to_block(table: Mapping[str, object]) -> bool:
    action = table.get("action", WARN)
    # An action that nobody understands may have been meant to block.
    return action not in ACTIONS or action == BLOCK


def _line_of(table: object, key: str) -> int:
    line = getattr(table, "line", None)
    return int(line(key)) if callable(line) else 0


class _Reader:
    """Reads one table; every mistake becomes a problem."""

    def __init__(self, table: Mapping[str, object], name: str, file: str, line: int) -> None:
        self.table, self.name, self.file, self.first_line = table, name, file, line
        self.problems: list[ConfigurationError] = []

    def read(self) -> tuple[Budget | None, list[ConfigurationError]]:
        """The budget, None where anything is wrong with it."""
        for key in self.table:
            if key not in KEYS:
                near = difflib.get_close_matches(key, KEYS, n=1)
                self.wrong(
                    key,
                    f"unknown key; did you mean {near[0]!r}?" if near else "unknown key",
                    None,
                    ", ".join(KEYS),
                )
        if not self.name or "\0" in self.name or len(self.name) > 100:
            self.wrong("", "not a name for a budget", self.name, "1 to 100 characters")
        budget = Budget(
            name=self.name,
            amount=self.value(
                "amount", _amount, 0, 'USD, such as "25.00" or 25; not negative, at most 15 decimals'
            ),
            window=self.window(),
            providers=self.value("providers", _providers, (), 'a list of names, such as ["openai"]'),
            models=self.value("models", _names, (), 'a list of names, such as ["gpt-5*"]'),
            tags=self.value(
                "tags", _tags, {}, 'a table, such as { team = "search" } or { team = ["a", "b"] }'
            ),
            thresholds=self.value(
                "thresholds", _thresholds, DEFAULT_THRESHOLDS, "whole per cents, such as [80, 90, 100]"
            ),
            action=self.choice("action", ACTIONS, WARN),
            on_unpriced=self.choice("on_unpriced", ON_UNPRICED, ON_UNPRICED[0]),
            scope=self.choice("scope", SCOPES, SCOPES[0]),
            on_unreachable=self.choice("on_unreachable", ON_UNREACHABLE, ON_UNREACHABLE[0]),
            conversations=self.value(
                "conversations", _count, DEFAULT_CONVERSATIONS, f"1 to {_MOST_CONVERSATIONS}"
            ),
            carry_over=self.value("carry_over", _flag, True, "true or false"),
        )
        if "amount" not in self.table:
            self.wrong("amount", "is missing", None, 'USD, such as "25.00"')
        return (None if self.problems else budget), self.problems

    def window(self) -> Window:
        """The window and its zone; each is pointed at by itself."""
        zone = self.value(
            "timezone", _zone, "UTC", "a name of the IANA time zone database, such as Europe/Berlin"
        )
        return self.value(
            "window", lambda value: parse_window(_text(value), zone), parse_window("month", zone), ALLOWED
        )

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """One of a few words."""

        def one_of(value: object) -> str:
            if value not in allowed:
                raise ValueError
            return str(value)

        return self.value(key, one_of, default, ", ".join(allowed))

    def value(self, key: str, read: Callable[[object], T], default: T, allowed: str) -> T:
        """What stands under a key, the default where nothing does or it is wrong."""
        if key not in self.table:
            return default
        value = self.table[key]
        try:
            return read(value)
        except (ValueError, InvalidOperation):
            self.wrong(key, "is not understood", value, allowed)
            return default

    def wrong(self, key: str, message: str, value: object, allowed: str) -> None:
        """Notes a mistake."""
        line = _line_of(self.table, key) or self.first_line
        path = f"budgets.{self.name}.{key}".rstrip(".")
        self.problems.append(
            ConfigurationError(message, file=self.file, line=line, key=path, value=value, allowed=allowed)
        )


def _amount(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        raise ValueError
    # A float comes only from code, not from a document: its shortest text is what was written.
    usd = Decimal(str(value).strip())
    if not usd.is_finite() or not 0 <= usd <= _MOST_USD or int(usd.normalize().as_tuple().exponent) < _FINEST:
        raise ValueError
    return femto(usd)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _zone(value: object) -> str:
    return parse_window("day", _text(value)).zone


def _names(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if (
        not isinstance(given, list | tuple)
        or not given
        or not all(isinstance(one, str) and one for one in given)
    ):
        raise ValueError
    return tuple(given)


def _providers(value: object) -> tuple[str, ...]:
    # "gemini" and "bedrock" are what people write; calls carry the conventions' names
    return tuple(provider_name(name.strip()) for name in _names(value))


def _tags(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ValueError
    return {str(key): _names(wanted) for key, wanted in value.items()}


def _thresholds(value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not all(type(one) is int and 1 <= one <= 1000 for one in value):
        raise ValueError
    return tuple(sorted(set(value)))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 1 <= value <= _MOST_CONVERSATIONS:
        raise ValueError
    return value

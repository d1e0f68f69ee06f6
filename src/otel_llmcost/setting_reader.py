"""One setting after the other, from the environment over the file; what is wrong becomes a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .toml_source import TomlDocument, TomlTable

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def table_of(document: TomlDocument | None, path: tuple[str, ...]) -> TomlTable | None:
    """A table of a settings file, None where there is no file or no such table in it."""
    table = document.table if document is not None else None
    for key in path:
        table = table.inner(key) if table is not None else None
    return table


class Reader:
    """Looks a setting up in the environment, then in the file; what is wrong is added to `problems`."""

    def __init__(
        self,
        environ: Mapping[str, str],
        document: TomlDocument | None,
        *,
        trusted: bool,
        problems: list[ConfigurationError],
    ) -> None:
        self.environ, self.document, self.trusted_document = environ, document, trusted
        self.problems = problems

    def raw(self, name: str, *path: str) -> tuple[object, str, int]:
        """(value or None, where it was said, line)."""
        variable = f"OTEL_LLMCOST_{name}"
        text = self.environ.get(variable)
        if text:  # empty is unset, as OpenTelemetry has it
            return text, variable, 0
        table = table_of(self.document, path[:-1]) if path else None
        if table is None or path[-1] not in table:
            return None, "", 0
        return table[path[-1]], ".".join(path), table.line(path[-1])

    def wrong(
        self, key: str, line: int, value: object, allowed: str, message: str = "is not understood"
    ) -> None:
        """Note a mistake in a setting, with its place; nothing is raised."""
        document = self.document
        file = str(document.path) if line and document is not None else ""
        self.problems.append(
            ConfigurationError(message, file=file, line=line, key=key, value=value, allowed=allowed)
        )

    def flag(self, default: bool, name: str, *path: str) -> bool:
        """True or false."""
        value, key, line = self.raw(name, *path)
        if value is None:
            return default
        text = str(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        self.wrong(key, line, value, "true or false")
        return default

    def number(self, default: float, most: int, name: str, *path: str, whole: bool = False) -> float:
        """A number from 0 to `most`."""
        value, key, line = self.raw(name, *path)
        if value is None:
            return default
        try:
            number = float(str(value))
        except ValueError:
            number = -1.0
        if not 0 <= number <= most or (whole and number % 1):
            kind = "whole number" if whole else "number"
            self.wrong(key, line, value, f"a {kind} that is not negative, up to {most}")
            return default
        return number

    def text(self, default: str, name: str, *path: str) -> str:
        """A text, without blanks around it."""
        value, _, _ = self.raw(name, *path)
        return default if value is None else str(value).strip()

    def located(self, text: str, name: str, *path: str) -> Path:
        """A path that a setting says; in a file that lies in a working directory it is from there."""
        _, _, line = self.raw(name, *path)
        said = Path(text).expanduser()
        if line and self.document is not None and not self.trusted_document:
            return self.document.path.parent / said
        return said

    def trusted(self, name: str, *path: str) -> str:
        """A text that a file which merely lies in the working directory may not set."""
        value, key, line = self.raw(name, *path)
        if line and not self.trusted_document:
            self.wrong(key, line, value, "only in the environment, or in a file that you named")
            return ""
        return "" if value is None else str(value).strip()

    def choice(self, default: str, allowed: tuple[str, ...], name: str, *path: str) -> str:
        """One of the words that are allowed, in any case."""
        value, key, line = self.raw(name, *path)
        text = default if value is None else str(value).strip().lower()
        if text in allowed:
            return text
        self.wrong(key, line, value, ", ".join(allowed))
        return default

    def names(self, default: tuple[str, ...], name: str, *path: str) -> tuple[str, ...]:
        value, key, line = self.raw(name, *path)
        if value is None:
            return default
        if isinstance(value, str):
            if value.strip().lower() == "none":  # an empty variable is an unset one
                return ()
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return tuple(value)
        self.wrong(key, line, value, "a list of texts")
        return default

    def fitting(
        self, default: tuple[str, ...], fits: Callable[[str], bool], allowed: str, name: str, *path: str
    ) -> tuple[str, ...]:
        """Those of the names that fit; each other one is a problem, and where none fits the default holds."""
        named = self.names(default, name, *path)
        good = tuple(one for one in named if fits(one))
        _, key, line = self.raw(name, *path)
        for one in named:
            if one not in good:
                self.wrong(key, line, one, allowed)
        return good or default if named else ()

    def pairs(
        self, name: str, *path: str, free: bool = False, keys: Callable[[str], tuple[str, str]] | None = None
    ) -> dict[str, str]:
        """Pairs of the file's table, then those of the variable ("a=b,c=d") over them; `free`: values of any kind.

        `keys` says of a key what is wrong with it ("" for nothing), and what is allowed.
        """
        found: dict[str, str] = {}
        table = table_of(self.document, path)
        for key in table or ():
            value = table[key] if table is not None else None
            if isinstance(value, str):
                place = ".".join((*path, key))
                if self._fits(keys, key, place, table.line(key) if table is not None else 0, key):
                    found[key] = value
            elif table is not None:
                self.wrong(".".join((*path, key)), table.line(key), value, "a text")
        for part in self.environ.get(f"OTEL_LLMCOST_{name}", "").split(","):
            left, equals, right = part.partition("=")
            if equals and left.strip() and (free or (right.strip() and "=" not in right)):
                if self._fits(keys, left.strip(), f"OTEL_LLMCOST_{name}", 0, part.strip()):
                    found[left.strip()] = right.strip()
            elif part.strip():
                self.wrong(f"OTEL_LLMCOST_{name}", 0, part, "name=value,name=value")
        return found

    def _fits(
        self, keys: Callable[[str], tuple[str, str]] | None, key: str, place: str, line: int, said: str
    ) -> bool:
        mistake, allowed = keys(key) if keys is not None else ("", "")
        if mistake:
            self.wrong(place, line, said, allowed, mistake)
        return not mistake

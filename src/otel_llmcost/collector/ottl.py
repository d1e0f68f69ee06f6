"""OTTL statements as text, and a collector configuration as YAML; only what the generator needs of either.

Language: https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/pkg/ottl/LANGUAGE.md
(checked 2026-11-23, v0.161.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


def quoted(text: str) -> str:
    """A string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def attribute(name: str) -> str:
    """The path of a span attribute."""
    return f"span.attributes[{quoted(name)}]"


def cache(name: str) -> str:
    """The path of a value that lives in one group of statements, for one span."""
    return f"span.cache[{quoted(name)}]"


def assign(path: str, value: object, where: str = "") -> str:
    """`set(path, value) where ...`."""
    condition = f" where {where}" if where else ""
    return f"set({path}, {value}){condition}"


def first_of(*values: str) -> str:
    """The first value that is not nil."""
    return f"Coalesce([{', '.join(values)}])"


def joined(*values: str) -> str:
    """Strings one after the other."""
    return f'Concat([{", ".join(values)}], "")'


def one_of(path: str, values: Iterable[str]) -> str:
    """Whether a path is one of some strings."""
    return "(" + " or ".join(f"{path} == {quoted(value)}" for value in values) + ")"


@dataclass(slots=True)
class Statements:
    """A group of statements on spans; all `conditions` must hold."""

    conditions: Sequence[str]
    lines: list[str] = field(default_factory=list)
    comment: str = ""

    def add(self, *lines: str) -> None:
        """Append statements."""
        self.lines.extend(lines)

    def yaml(self, indent: str) -> Iterable[str]:
        """The group as an item of `trace_statements`."""
        if self.comment:
            yield f"{indent}# {self.comment}"
        yield f"{indent}- context: span"
        if self.conditions:
            yield f"{indent}  conditions:"
            yield f"{indent}    - {single(' and '.join(self.conditions))}"
        yield f"{indent}  statements:"
        for line in self.lines:
            yield from _item(line, f"{indent}    ")


PIECE = "\x00"
"""Where a long literal may be broken into lines of the file; not part of the text."""


def _item(line: str, indent: str) -> Iterable[str]:
    if PIECE not in line:
        yield f"{indent}- {single(line)}"
        return
    # A double-quoted scalar: a backslash at the end of a line joins it to the next without a blank.
    pieces = line.replace("\\", "\\\\").replace('"', '\\"').split(PIECE)
    yield f'{indent}- "{pieces[0]}\\'
    for piece in pieces[1:-1]:
        yield f"{indent}  {piece}\\"
    yield f'{indent}  {pieces[-1]}"'


def single(text: str) -> str:
    """A single-quoted YAML scalar."""
    return "'" + text.replace("'", "''") + "'"

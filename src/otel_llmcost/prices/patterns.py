"""Regular expressions that people write: refused where one name could keep the matcher busy for minutes.

Python's matcher tries every way to split a text. Here at most three repetitions may vary, alternatives and options
may multiply to few ways, and nothing that is repeated may repeat or choose inside.
"""

from __future__ import annotations

import re

_QUANTIFIER = re.compile(r"([*+?]|\{(\d*)(,?)(\d*)\})[?+]?")
_OPENING = re.compile(r"\((?:\?(?:P<\w+>|<?[=!]|[aimsu-]*:))?")
_FLAGS = re.compile(r"\(\?[aimsu]+\)")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_MOST_VARYING, _MOST_WAYS = 3, 256


class _Group:
    __slots__ = ("branches", "varies")

    def __init__(self) -> None:
        self.branches, self.varies = 1, False


class _Scan:
    """One pass over a regular expression that compiles; `hazard` is what is wrong with it, or ""."""

    def __init__(self, regex: str) -> None:
        self.regex, self.hazard = regex, ""
        self.groups, self.closed = [_Group()], None
        self.varying, self.ways = 0, 1
        at = 0
        while at < len(regex) and not self.hazard:
            at = self._step(at)
        self.ways *= self.groups[0].branches
        if not self.hazard and self.varying > _MOST_VARYING:
            self.hazard = f"{self.varying} repetitions; at most {_MOST_VARYING} may vary"
        if not self.hazard and self.ways > _MOST_WAYS:
            self.hazard = f"options and alternatives in {self.ways} combinations; at most {_MOST_WAYS}"

    groups: list[_Group]
    closed: _Group | None
    """The group that ended just before this place."""

    def _step(self, at: int) -> int:
        character = self.regex[at]
        quantifier = _QUANTIFIER.match(self.regex, at)
        if quantifier is not None:
            self._repeat(quantifier)
            self.closed = None
            return quantifier.end()
        self.closed = None
        if character == "\\":
            if self.regex[at + 1 : at + 2] in tuple("123456789"):
                self.hazard = "a reference to a group"
            return at + 2
        if character == "[" and (found := _CLASS.match(self.regex, at)):
            return found.end()
        if character == "(":
            return self._open(at)
        if character == ")" and len(self.groups) > 1:
            self._close()
        elif character == "|":
            self.groups[-1].branches += 1
        return at + 1

    def _open(self, at: int) -> int:
        if flags := _FLAGS.match(self.regex, at):
            return flags.end()
        opening = _OPENING.match(self.regex, at)
        end = opening.end() if opening is not None else at + 1
        if self.regex[end : end + 1] == "?":
            self.hazard = "a group of a kind that is not supported here"
        self.groups.append(_Group())
        return end

    def _close(self) -> None:
        self.closed = self.groups.pop()
        self.ways *= self.closed.branches
        if self.closed.varies or self.closed.branches > 1:
            self.groups[-1].varies = True

    def _repeat(self, quantifier: re.Match[str]) -> None:
        sign, least, comma, most = quantifier.groups()
        once = sign == "?" or (comma and most in ("0", "1")) or (not comma and least in ("0", "1"))
        inner = self.closed
        if inner is not None and not once and (inner.varies or inner.branches > 1):
            self.hazard = "a repeated group that repeats or chooses inside"
        if sign == "?" or (comma and once):
            self.ways *= 2
        elif not sign.startswith("{") or (comma and least != most):
            self.varying += 1
        elif not comma:
            return
        self.groups[-1].varies = True


def hazard_of(regex: str) -> str:
    """Why a regular expression may take too long on some name, "" where it does not. Raises `re.error`."""
    re.compile(regex)
    return _Scan(regex).hazard

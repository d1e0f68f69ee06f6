"""Text that commands neither a terminal nor a spreadsheet, whoever named the model."""

from __future__ import annotations

import json
import re
import unicodedata

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_FORMULA = frozenset("=+-@")
_JOINERS = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
_LAYOUT = frozenset("\t\n")
# json leaves these as they are: some terminals take U+009B for the start of a command, as they take ESC [, and
# half of a pair of surrogates cannot be written
_LEFT_BY_JSON = re.compile(r"[\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    """Text without what a terminal might obey: each such character is a replacement character.

    Joiners between visible characters stay: families of emoji and several scripts are written with them, plain
    names of models never.
    """
    if text.isprintable():
        return text  # as nearly all are
    return "".join(
        letter if letter.isprintable() or _joins(text, place) else "\N{REPLACEMENT CHARACTER}"
        for place, letter in enumerate(text)
    )


def _joins(text: str, place: int) -> bool:
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    visible = len(around) == 2 and around.isprintable() and " " not in around
    return text[place] in _JOINERS and visible and not around.isascii()


def json_text(value: object, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """A value as JSON in which every control character is an escape."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    return _LEFT_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def csv_text(text: str) -> str:
    """Text for a cell: an apostrophe before what a spreadsheet would run, no control characters but tab and newline.

    A bare carriage return is a blank: it ends a line for some readers, quoted or not.
    """
    if text.isascii() and text.isprintable() and text[:1].isalnum():
        return text  # as nearly all are
    harmless = "".join(map(_in_a_cell, text))
    return f"'{harmless}" if _would_run(text) else harmless


def _in_a_cell(letter: str) -> str:
    if letter == "\r":
        return " "
    is_control = unicodedata.category(letter) in ("Cc", "Cs")
    return "\N{REPLACEMENT CHARACTER}" if is_control and letter not in _LAYOUT else letter


def _would_run(text: str) -> bool:
    """Whether a formula begins here: spreadsheets skip blanks before it, and some read wide signs as plain ones."""
    if _NUMBER.fullmatch(text):
        return False
    start = next((letter for letter in text if not _is_skipped(letter)), "")
    return text.startswith(("\t", "\r", "\n")) or unicodedata.normalize("NFKC", start) in _FORMULA


def _is_skipped(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter).startswith("C")

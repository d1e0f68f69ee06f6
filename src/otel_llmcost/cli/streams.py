"""Standard output: what its encoding lacks is no failure, and what could not be written is one."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def prepare_output() -> None:
    """Lets a table have a "?" for each letter that the encoding of the terminal lacks."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not _is_unicode(stream.encoding):
            stream.reconfigure(errors="replace")


def writes_unicode() -> bool:
    """Whether standard output can have any letter."""
    return _is_unicode(sys.stdout.encoding)


def write_unicode() -> None:
    """What follows is UTF-8, whatever the locale: a file for other programs loses no letter."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not writes_unicode():
        sys.stdout.reconfigure(encoding="utf-8")


def flushed(code: int, say: Callable[[str, int], int], failure: int) -> int:
    """The exit code after all output is written: `failure`, told by `say`, where a command that succeeded lost some."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _discard()
        if code == 0:
            return failure if isinstance(error, BrokenPipeError) else say(of_output(error), failure)
    return code


def of_output(error: OSError) -> str:
    """What the system says of a file, or of standard output, which has no name."""
    return f"{error.filename or 'standard output'}: {error.strerror or error}"


def _discard() -> None:
    """What is left goes nowhere: the interpreter would try to write it once more, and say that it failed."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _is_unicode(encoding: str | None) -> bool:
    return (encoding or "").lower().startswith("utf")

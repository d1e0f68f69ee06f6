"""Which other instrumentations' spans were seen: a note beside the ledger, for `otel-llmcost doctor`."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .location import FILE_MODE

FILE_NAME = "scopes.json"
_SCOPES_KEPT = 1000


class SeenScope(NamedTuple):
    """Spans of one instrumentation: how many were priced, and when the last program that saw some ended (ns UTC)."""

    scope: str
    priced: int
    last_ns: int


def keep_seen(directory: Path, seen: Mapping[str, int], now_ns: int | None = None) -> None:
    """Adds what a process saw (scope -> priced spans) to the note.

    Waits for nobody: where another process is writing, this one's part is left out. Raises `OSError`.
    """
    if not seen:
        return
    descriptor = os.open(directory / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        kept = {known.scope: known for known in _parsed(file.read())}
        now = time.time_ns() if now_ns is None else now_ns
        for scope, priced in seen.items():
            before = kept.pop(scope, None)
            kept[scope] = SeenScope(scope, priced + (before.priced if before is not None else 0), now)
        latest = list(kept.values())[-_SCOPES_KEPT:]
        text = json.dumps({known.scope: [known.priced, known.last_ns] for known in latest})
        file.seek(0)
        file.truncate()
        file.write(text)


def read_seen(directory: Path) -> list[SeenScope]:
    """What was noted, the longest unseen first; nothing where there is no readable note."""
    try:
        return _parsed((directory / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeError):
        return []


def _parsed(text: str) -> list[SeenScope]:
    """The scopes in a note; a damaged one counts as empty."""
    try:
        return [
            SeenScope(str(scope), int(priced), int(last))
            for scope, (priced, last) in json.loads(text).items()
        ]
    except (ValueError, TypeError, AttributeError):
        return []

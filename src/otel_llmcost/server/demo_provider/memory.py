"""What the demo provider remembers between requests: cached prompts, stored responses, batches."""

from __future__ import annotations

import copy
import json
import secrets
import threading
from importlib import resources
from typing import Any

Body = dict[str, Any]


class Memory:
    """State of one provider; every method is safe for parallel requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached_prompts: set[str] = set()
        self._stored: dict[str, Body] = {}
        self._polls_left: dict[str, int] = {}

    def prompt_was_cached(self, prompt: object) -> bool:
        """Whether this prompt (any JSON value) came before; it counts as cached from now on."""
        key = json.dumps(prompt, sort_keys=True, default=str)
        with self._lock:
            known = key in self._cached_prompts
            self._cached_prompts.add(key)
            return known

    def store(self, kept: Body, *, polls: int = 0) -> None:
        """Keeps an object by its `id`; `polls` look-ups find it unfinished."""
        with self._lock:
            self._stored[kept["id"]] = kept
            self._polls_left[kept["id"]] = polls

    def find(self, ident: str) -> tuple[Body | None, bool]:
        """The stored object (None when unknown) and whether it is finished; each look-up counts as a poll."""
        with self._lock:
            left = self._polls_left.get(ident, 0)
            self._polls_left[ident] = max(left - 1, 0)
            return self._stored.get(ident), left == 0


def template(name: str) -> Body:
    """A fresh copy of the body in `bodies/<name>.json`."""
    if name not in _TEMPLATES:
        file = resources.files(__package__).joinpath("bodies", f"{name}.json")
        _TEMPLATES[name] = json.loads(file.read_text(encoding="utf-8"))
    return copy.deepcopy(_TEMPLATES[name])


def new_id(prefix: str) -> str:
    """An id that no other run of the demo has used, so that its calls are never taken for old ones."""
    return f"{prefix}{secrets.token_hex(12)}"


_TEMPLATES: dict[str, Body] = {}

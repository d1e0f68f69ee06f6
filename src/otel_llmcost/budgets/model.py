"""What a budget says: how much, over which window, for which calls, and what happens at its limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from ..call import TAG_FIELDS, Tags
from .windows import Window, parse_window

OBSERVE = "observe"
WARN = "warn"
BLOCK = "block"
ACTIONS = (OBSERVE, WARN, BLOCK)

PROCESS = "process"
MACHINE = "machine"
SCOPES = (PROCESS, MACHINE)

REFUSE = "refuse"
ALLOW = "allow"
ON_UNPRICED = (REFUSE, ALLOW)

OPEN = "open"
CLOSED = "closed"
ON_UNREACHABLE = (OPEN, CLOSED)

DEFAULT_THRESHOLDS = (80, 90, 100)
DEFAULT_CONVERSATIONS = 10_000
"""The tags with a field of their own on `Tags`; every other key is looked up in `Tags.own`."""

_NO_SELECTORS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on spending. `amount` is femto-dollars; `thresholds` are per cent of it, ascending.

    Selectors narrow it to calls whose provider, model and tags all match; empty ones match every call.
    Models and tag values may hold `*`. Every field is described in docs/budgets.md.
    """

    name: str
    amount: int
    window: Window = field(default_factory=lambda: parse_window("month"))
    providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_SELECTORS)
    thresholds: tuple[int, ...] = DEFAULT_THRESHOLDS
    action: str = WARN
    on_unpriced: str = REFUSE
    scope: str = PROCESS
    on_unreachable: str = OPEN
    conversations: int = DEFAULT_CONVERSATIONS
    """How many conversations a per-conversation budget remembers; the longest unused is forgotten first."""
    carry_over: bool = True
    """Whether a process goes on from what the ledger knows of the window, or starts at zero (process scope)."""

    @property
    def blocks(self) -> bool:
        """Whether it refuses calls."""
        return self.action == BLOCK

    def covers_model(self, provider: str, model: str) -> bool:
        """Whether its provider and model selectors match; what a request does not tell matches no selector."""
        if self.providers and provider not in self.providers:
            return False
        return not self.models or any(_matches(model, pattern) for pattern in self.models)

    def covers_tags(self, tags: Tags) -> bool:
        """Whether every tag selector matches; a per-conversation budget also needs a conversation."""
        if self.window.per_conversation and not tags.conversation:
            return False
        for key, wanted in self.tags.items():
            value = getattr(tags, key) if key in TAG_FIELDS else tags.own.get(key, "")
            if value not in wanted and not any(_matches(value, pattern) for pattern in wanted):
                return False
        return True


def _matches(value: str, pattern: str) -> bool:
    if "*" in pattern:
        # Only the star is special, as in the ledger's filters.
        return bool(value) and fnmatchcase(value, pattern.replace("[", "[[]").replace("?", "[?]"))
    return value == pattern

"""Rules of the configuration: tags by the client's host, the model, the module of the caller. Pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from ..call import NO_TAGS, Tags
from ..errors import ConfigurationError
from .tags import fill, from_mapping


class RequestFacts(NamedTuple):
    """What rules look at: `host` of the request, `model` asked for, `module` that called ("" where
    unknown)."""

    host: str = ""
    model: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Tags for the calls that match all of the patterns ("" matches everything, `*` and `?` as in file
    names).

    A module pattern also matches the modules below it: "shop.search" covers "shop.search.rank".
    """

    tags: Tags
    host: str = ""
    model: str = ""
    module: str = ""

    def matches(self, facts: RequestFacts) -> bool:
        """Whether all of the rule's patterns fit."""
        return (
            _fits(self.host, facts.host)
            and _fits(self.model, facts.model)
            and (_fits(self.module, facts.module) or facts.module.startswith(self.module + "."))
        )


def _fits(pattern: str, value: str) -> bool:
    return not pattern or fnmatchcase(value.lower(), pattern.lower())


def resolve(tags: Tags, facts: RequestFacts, rules: Sequence[Rule]) -> Tags:
    """`tags`, with what they leave empty taken from the rules that match; of two rules the earlier one
    wins."""
    for rule in rules:
        if rule.matches(facts):
            tags = fill(tags, rule.tags)
    return tags


_PATTERNS = ("host", "model", "module")
_ALLOWED = "host, model, module (patterns) and set = { team = ..., feature = ..., ... }"


def parse_rules(entries: Sequence[Mapping[str, object]], key: str = "attribution.rules") -> tuple[Rule, ...]:
    """Rules of a configuration's tables `{host=, model=, module=, set={...}}`. Raises ConfigurationError."""
    return tuple(_parse_rule(entry, f"{key}[{number}]") for number, entry in enumerate(entries))


def _parse_rule(entry: Mapping[str, object], key: str) -> Rule:
    for name in entry:
        if name not in (*_PATTERNS, "set"):
            raise ConfigurationError("no such setting", key=f"{key}.{name}", allowed=_ALLOWED)
    patterns: dict[str, str] = {}
    for name in _PATTERNS:
        value = entry.get(name, "")
        if not isinstance(value, str):
            raise ConfigurationError("must be text", key=f"{key}.{name}", value=value, allowed="a pattern")
        patterns[name] = value
    wanted = entry.get("set")
    tags = from_mapping(wanted) if isinstance(wanted, Mapping) else NO_TAGS
    if tags is NO_TAGS:
        raise ConfigurationError(
            "a rule sets at least one tag", key=f"{key}.set", value=wanted, allowed=_ALLOWED
        )
    if not any(patterns.values()):
        raise ConfigurationError("a rule needs a pattern", key=key, allowed=_ALLOWED)
    return Rule(tags, **patterns)


_LIBRARIES = frozenset(
    {
        "agents",
        "anthropic",
        "anyio",
        "asyncio",
        "backoff",
        "concurrent",
        "contextlib",
        "contextvars",
        "functools",
        "groq",
        "httpx",
        "httpx2",
        "instructor",
        "langchain",
        "langchain_anthropic",
        "langchain_core",
        "langchain_openai",
        "langgraph",
        "langsmith",
        "litellm",
        "llama_index",
        "openai",
        "opentelemetry",
        "otel_llmcost",
        "pydantic_ai",
        "tenacity",
        "threading",
        "together",
        "uvloop",
        "wrapt",
    }
)
_FRAMES = 80


def caller_module(depth: int = 1) -> str:
    """The module of the nearest frame that is neither ours nor an SDK's, framework's or event loop's; "" if
    none.

    Looks at most 80 frames up. Inside a task that was made from an SDK call itself there is no such frame.
    """
    frame = sys._getframe(depth)
    for _ in range(_FRAMES):
        name = frame.f_globals.get("__name__", "")
        if isinstance(name, str) and name.partition(".")[0] not in _LIBRARIES:
            return name
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""

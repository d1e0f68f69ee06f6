"""Rules of the configuration: tags by the client's host, the model, the module of the caller. Pure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from ..call import NO_TAGS, Tags
from ..errors import ConfigurationError
from ..toml_source import TomlTable
from .tags import fill, from_mapping


class RequestFacts(NamedTuple):
    """What rules look at: `host` of the request, `model` asked for, `module` that called ("" where
    unknown)."""

    host: str = ""
    model: str = ""
    module: str = ""


class Rule(NamedTuple):
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


def by_rules(rules: Sequence[Rule]) -> Callable[[Tags, str, str], Tags]:
    """What fills the tags of a call (tags, host, model) by these rules; it looks for the caller where one asks for it."""
    asks_caller = any(rule.module for rule in rules)

    def filled(tags: Tags, host: str, model: str) -> Tags:
        module = caller_module(2) if asks_caller else ""
        return resolve(tags, RequestFacts(host, model, module), rules)

    return filled


_PATTERNS = ("host", "model", "module")
_ALLOWED = "host, model, module (patterns) and set = { team = ..., feature = ..., ... }"


def parse_rules(entries: object, *, key: str = "rules", file: str = "") -> tuple[Rule, ...]:
    """Rules of a configuration's `[[rules]]` tables `{host=, model=, module=, set={...}}` (None: no rules).

    Raises `ConfigurationError` for the first mistake, with the line where the tables know theirs.
    """
    rules, problems = read_rules(entries, key=key, file=file)
    if problems:
        raise problems[0]
    return rules


def read_rules(
    entries: object, *, key: str = "rules", file: str = ""
) -> tuple[tuple[Rule, ...], list[ConfigurationError]]:
    """The rules that are right, and what is wrong with the others."""
    if entries is None:
        return (), []
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return (), [ConfigurationError("must be a list of tables", file=file, key=key, allowed=f"[[{key}]]")]
    rules: list[Rule] = []
    problems: list[ConfigurationError] = []
    for number, entry in enumerate(entries):
        reader = _RuleReader(entry, f"{key}[{number}]", file)
        rule = reader.read()
        if rule is not None and not reader.problems:
            rules.append(rule)
        problems.extend(reader.problems)
    return tuple(rules), problems


class _RuleReader:
    """Reads one table."""

    def __init__(self, entry: object, key: str, file: str) -> None:
        self.entry: Mapping[str, object] = entry if isinstance(entry, Mapping) else {}
        self.key, self.file = key, file
        self.problems: list[ConfigurationError] = []

    def read(self) -> Rule | None:
        for name in self.entry:
            if name not in (*_PATTERNS, "set"):
                self.wrong("no such setting", name, _ALLOWED)
        patterns = {name: self.pattern(name) for name in _PATTERNS}
        wanted = self.entry.get("set")
        tags = from_mapping(wanted) if isinstance(wanted, Mapping) else NO_TAGS
        if tags is NO_TAGS:
            self.wrong("a rule sets at least one tag", "set", _ALLOWED, wanted)
        if not any(patterns.values()):
            self.wrong("a rule needs a pattern", "", _ALLOWED)
        return Rule(tags, **patterns)

    def pattern(self, name: str) -> str:
        value = self.entry.get(name, "")
        if isinstance(value, str):
            return value
        self.wrong("must be text", name, "a pattern", value)
        return ""

    def wrong(self, message: str, name: str, allowed: str, value: object = None) -> None:
        line = self.entry.line(name) if isinstance(self.entry, TomlTable) else 0
        key = f"{self.key}.{name}" if name else self.key
        self.problems.append(
            ConfigurationError(message, file=self.file, line=line, key=key, value=value, allowed=allowed)
        )


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

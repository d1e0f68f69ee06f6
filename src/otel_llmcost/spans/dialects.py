"""Who writes spans how: one row per instrumentation, by the scope of its spans.

Seen by running each package against a loopback server (`tests/spans/record.py`, versions in `tests/spans/recorded`).
Where nobody looked, `inclusive` is None: then a call with cached tokens is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from . import litellm, openinference, vercel
from .aliases import by_aliases

Attributes = Mapping[str, object]
Translate = Callable[[str, Attributes], "dict[str, object] | None"]
"""Span name and attributes to attributes by the conventions; None where the span is no model call."""


class Dialect(NamedTuple):
    """How one instrumentation writes its spans."""

    scope: str
    """The scope's name, or its beginning up to a dot or an underscore."""
    inclusive: bool | None
    """Whether its input count includes cached tokens; None: not known."""
    leaves_out: tuple[str, ...] = ()
    """What decides a price and is never on its spans."""
    translate: Translate = by_aliases
    since: tuple[int, ...] = ()
    """The first version for which `inclusive` was seen to hold; for older ones it is not known."""
    proven_by: str = ""
    """An attribute that only versions write for which `inclusive` holds (where spans tell no version)."""


CACHE = "cached tokens"
WRITES = "cache writes"
TIER = "the service tier"
LIFETIMES = "the lifetime of cache writes"
SEARCHES = "searches"
REGION = "the region"
TERMS = "speed"

DIALECTS = (
    Dialect("com.anthropic.sdk.python", True, (SEARCHES, REGION, TERMS)),
    Dialect("opentelemetry.instrumentation.genai.openai", True, (LIFETIMES, SEARCHES)),
    Dialect(
        "opentelemetry.instrumentation.genai.anthropic", True, (TIER, LIFETIMES, SEARCHES, REGION, TERMS)
    ),
    Dialect("opentelemetry.instrumentation.genai", None),
    Dialect("opentelemetry.instrumentation.openai_v2", True, (CACHE, SEARCHES)),
    Dialect("opentelemetry.instrumentation.openai", True, (TIER, LIFETIMES, SEARCHES)),
    Dialect(
        "opentelemetry.instrumentation.anthropic",
        True,
        (TIER, LIFETIMES, SEARCHES, REGION, TERMS),
        since=(0, 62),
    ),
    Dialect("openinference.instrumentation.openai", True, (), openinference.by_conventions),
    Dialect("openinference.instrumentation.anthropic", True, (), openinference.by_conventions, since=(3,)),
    Dialect("openinference.instrumentation", None, (TIER,), openinference.by_conventions),
    Dialect("openinference", None, (TIER,), openinference.by_conventions),
    Dialect("@arizeai/openinference", None, (TIER,), openinference.by_conventions),
    Dialect("opentelemetry.instrumentation.langchain", True, (CACHE, WRITES, TIER, SEARCHES, REGION, TERMS)),
    Dialect("openlit.instrumentation.openai", True, (SEARCHES,)),
    Dialect("openlit.instrumentation.anthropic", False, (CACHE, TIER, LIFETIMES, SEARCHES, REGION, TERMS)),
    Dialect("litellm", True, (), litellm.by_conventions),
    Dialect("logfire.openai", True, (TIER, SEARCHES)),
    Dialect("logfire.anthropic", True),
    Dialect("pydantic-ai", True, (TIER, REGION, TERMS)),
    Dialect("ai", True, (TIER, SEARCHES), vercel.by_conventions, proven_by=vercel.UNCACHED),
    Dialect("@opentelemetry/instrumentation-openai", True, (CACHE, TIER, SEARCHES)),
)

CONVENTIONS = Dialect("", True)
"""A line of JSON without a scope, or a scope that nobody names: taken as the conventions say."""
UNKNOWN = Dialect("?", None)


def dialect_of(scope: str, attributes: Attributes) -> Dialect:
    """The row of a scope; for an unknown scope the names on the span decide how it is read."""
    for known in DIALECTS:
        if scope == known.scope or scope.startswith(
            (known.scope + ".", known.scope + "_", known.scope + "/")
        ):
            return known
    if openinference.KIND in attributes:
        return Dialect("openinference", None, (), openinference.by_conventions)
    return UNKNOWN if scope else CONVENTIONS


def counts_inclusively(dialect: Dialect, version: str, attributes: Attributes) -> bool | None:
    """Whether a span's input includes cached tokens, by its instrumentation and version; None: not known."""
    if dialect.since and _numbers(version) < dialect.since:
        return None
    if dialect.proven_by and dialect.proven_by not in attributes:
        return None
    return dialect.inclusive


def _numbers(version: str) -> tuple[int, ...]:
    parts = []
    for part in version.split("."):
        if not part.isdecimal() or len(part) > 9:
            break
        parts.append(int(part))
    return tuple(parts)

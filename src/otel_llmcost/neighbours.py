"""Other instrumentations beside us: which SDK their spans stand for, and which histograms they record.

Facts of these packages, checked 2026-11-23 by running them (`tests/coexistence`, `docs/together.md`); their scopes are
the names of their modules. A new neighbour is a row.
"""

from __future__ import annotations

import sys

DURATION, TOKENS = 1, 2
"""`gen_ai.client.operation.duration` and `gen_ai.client.token.usage`, as flags."""
BOTH = DURATION | TOKENS


class Neighbour:
    """One instrumentation, by the prefix of its scope."""

    __slots__ = ("detached", "histograms", "scope", "sdk")

    def __init__(self, scope: str, sdk: str, histograms: int = 0, detached: str = "") -> None:
        self.scope = scope
        self.sdk = sdk
        """The SDK that it wraps: while that one is watched, its spans are no calls of their own. "" for frameworks."""
        self.histograms = histograms
        """Which of the conventions' histograms it records."""
        self.detached = detached
        """`module:Class` of its instrumentor, where it does not make its span current: nothing else tells us of it."""


NEIGHBOURS = (
    Neighbour("opentelemetry.instrumentation.openai_v2", "openai", BOTH),
    Neighbour("opentelemetry.instrumentation.openai_agents", ""),
    Neighbour("opentelemetry.instrumentation.openai", "openai", BOTH),
    Neighbour("opentelemetry.instrumentation.genai.openai_agents", "", BOTH),
    Neighbour("opentelemetry.instrumentation.genai.openai", "openai", BOTH),
    Neighbour("opentelemetry.instrumentation.genai.anthropic", "anthropic", BOTH),
    Neighbour("opentelemetry.instrumentation.genai.langchain", "", BOTH),
    Neighbour("opentelemetry.instrumentation.genai", "", BOTH),
    Neighbour(
        "opentelemetry.instrumentation.anthropic",
        "anthropic",
        BOTH,
        "opentelemetry.instrumentation.anthropic:AnthropicInstrumentor",
    ),
    Neighbour(
        "opentelemetry.instrumentation.langchain",
        "",
        BOTH,
        "opentelemetry.instrumentation.langchain:LangchainInstrumentor",
    ),
    Neighbour("opentelemetry.instrumentation.google_genai", "", BOTH),
    Neighbour("opentelemetry.util.genai", "", BOTH),
    Neighbour("openinference.instrumentation.openai", "openai"),
    Neighbour("openinference.instrumentation.anthropic", "anthropic"),
    Neighbour("openinference.instrumentation", ""),
    Neighbour("logfire.openai", "openai"),
    Neighbour("logfire.anthropic", "anthropic"),
    Neighbour("logfire", ""),
    Neighbour("pydantic-ai", "", TOKENS),
    Neighbour("litellm", ""),
    Neighbour("openlit", "", BOTH),
    Neighbour("langsmith", ""),
    Neighbour("com.anthropic.sdk.python", "anthropic"),
)
_DETACHED = tuple(known for known in NEIGHBOURS if known.detached)


def neighbour(scope: str) -> Neighbour | None:
    """The instrumentation that a scope belongs to; None for a scope that we do not know."""
    for known in NEIGHBOURS:
        # "openinference.instrumentation.openai_agents" is no part of "openinference.instrumentation.openai"
        if scope == known.scope or scope.startswith(known.scope + "."):
            return known
    return None


def recorded_out_of_sight(sdk: str, suppressed: bool = False) -> int:
    """Histograms of calls of this SDK that an active instrumentation records whose spans never stand around the call.

    A framework's instrumentation stands for those calls inside which it suppresses others.
    """
    found = 0
    for known in _DETACHED:
        if (known.sdk == sdk or (suppressed and not known.sdk)) and _is_active(known.detached):
            found |= known.histograms
    return found


def _is_active(instrumentor: str) -> bool:
    # asked at every call, because it can be switched on and off at any time: two dictionary look-ups where it is absent
    module, _, name = instrumentor.partition(":")
    loaded = sys.modules.get(module)
    if loaded is None:
        return False
    # OpenTelemetry's instrumentors are singletons that remember whether they are on
    singleton = getattr(getattr(loaded, name, None), "_instance", None)
    return bool(getattr(singleton, "_is_instrumented_by_opentelemetry", False))

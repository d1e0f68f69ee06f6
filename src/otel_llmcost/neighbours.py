"""Other instrumentations beside us: which SDK their spans stand for, and whether they record the histograms.

Facts of these packages, checked 2026-11-22 (their scopes are the names of their modules). A new neighbour is a row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One instrumentation, by the prefix of its scope."""

    scope: str
    sdk: str
    """The SDK that it wraps: while that one is watched, its spans carry no cost. "" for frameworks."""
    metrics: bool
    """Whether it records `gen_ai.client.operation.duration` and `gen_ai.client.token.usage`."""


NEIGHBOURS = (
    Neighbour("opentelemetry.instrumentation.openai_v2", "openai", True),
    Neighbour("opentelemetry.instrumentation.openai_agents", "", True),
    Neighbour("opentelemetry.instrumentation.openai", "openai", True),
    Neighbour("opentelemetry.instrumentation.genai.openai_agents", "", True),
    Neighbour("opentelemetry.instrumentation.genai.openai", "openai", True),
    Neighbour("opentelemetry.instrumentation.genai.anthropic", "anthropic", True),
    Neighbour("opentelemetry.instrumentation.genai.langchain", "", True),
    Neighbour("opentelemetry.instrumentation.genai", "", True),
    Neighbour("opentelemetry.instrumentation.anthropic", "anthropic", True),
    Neighbour("opentelemetry.instrumentation.langchain", "", True),
    Neighbour("opentelemetry.instrumentation.google_genai", "", True),
    Neighbour("opentelemetry.util.genai", "", True),
    Neighbour("openinference.instrumentation.openai", "openai", False),
    Neighbour("openinference.instrumentation.anthropic", "anthropic", False),
    Neighbour("openinference.instrumentation", "", False),
    Neighbour("logfire.openai", "openai", False),
    Neighbour("logfire.anthropic", "anthropic", False),
    Neighbour("logfire", "", False),
    Neighbour("pydantic-ai", "", True),
    Neighbour("litellm", "", False),
    Neighbour("openlit", "", True),
    Neighbour("langsmith", "", False),
    Neighbour("com.anthropic.sdk.python", "anthropic", False),
)


def neighbour(scope: str) -> Neighbour | None:
    """The instrumentation that a scope belongs to; None for a scope that we do not know."""
    for known in NEIGHBOURS:
        if scope == known.scope or scope.startswith((known.scope + ".", known.scope + "_")):
            return known
    return None

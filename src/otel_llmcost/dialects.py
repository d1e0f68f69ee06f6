"""Extra spellings of the cost for backends that read other names; chosen by `OTEL_LLMCOST_DIALECTS`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .call import REPORTED, Priced
from .money import as_float

Spelling = Callable[[Priced], dict[str, Any]]


def _openinference(priced: Priced) -> dict[str, Any]:
    """OpenInference `llm.cost.*` (Phoenix, Arize)."""
    if priced.amount is None:
        return {}
    parts = priced.components
    prompt = sum(parts.get(name, 0) for name in ("input", "cache_read", "cache_write"))
    named = {
        "llm.cost.prompt_details.input": parts.get("input"),
        "llm.cost.prompt_details.cache_read": parts.get("cache_read"),
        "llm.cost.prompt_details.cache_write": parts.get("cache_write"),
        "llm.cost.completion_details.output": parts.get("output"),
    }
    return {
        "llm.cost.total": as_float(priced.amount),
        "llm.cost.prompt": as_float(prompt),
        "llm.cost.completion": as_float(parts.get("output", 0)),
        **{name: as_float(amount) for name, amount in named.items() if amount},
    }


def _logfire(priced: Priced) -> dict[str, Any]:
    """Logfire and pydantic-ai `operation.cost`."""
    return {} if priced.amount is None else {"operation.cost": as_float(priced.amount)}


def _langfuse(priced: Priced) -> dict[str, Any]:
    """Langfuse `langfuse.observation.cost_details`: JSON by kind, `total` beside them."""
    if priced.amount is None:
        return {}
    details = {name: as_float(amount) for name, amount in priced.components.items()}
    return {"langfuse.observation.cost_details": json.dumps({**details, "total": as_float(priced.amount)})}


def _draft(priced: Priced) -> dict[str, Any]:
    """The draft of the conventions (semantic-conventions-genai, pull request 443, open on 2026-11-22)."""
    if priced.amount is None:
        return {}
    return {
        "gen_ai.usage.cost.amount": as_float(priced.amount),
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "provider" if priced.status == REPORTED else "local",
    }


SPELLINGS: dict[str, Spelling] = {
    "openinference": _openinference,
    "logfire": _logfire,
    "langfuse": _langfuse,
    "draft": _draft,
}


def spellings(names: tuple[str, ...]) -> tuple[Spelling, ...]:
    """The spellings of these names; unknown names are left out."""
    return tuple(SPELLINGS[name] for name in names if name in SPELLINGS)

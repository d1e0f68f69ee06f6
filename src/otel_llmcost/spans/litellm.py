"""LiteLLM's own spans: the usage object stands on them whole, as Python writes a dictionary."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .. import semconv as s
from ..usage.quantities import table
from .aliases import RAW_USAGE, address_of, by_aliases
from .attributes import parsed

Attributes = Mapping[str, object]

_USAGE = "metadata.usage_object"
_LONGEST = 20_000


def by_conventions(name: str, attributes: Attributes) -> dict[str, object] | None:
    """The conventions' attributes of a `litellm_request`, with the usage as LiteLLM keeps it (OpenAI's shape)."""
    found = by_aliases(name, attributes)
    usage = _literal(attributes.get(_USAGE))
    if isinstance(usage, dict):
        found[RAW_USAGE] = usage
    if s.SERVER_ADDRESS not in found:
        found.update(address_of(table(parsed(attributes.get("hidden_params"))).get("api_base")))
    return found


def _literal(value: object) -> object:
    if not isinstance(value, str) or len(value) > _LONGEST:
        return value if isinstance(value, dict) else None
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None

"""Vercel's AI SDK: only the innermost spans are model calls, the outer ones repeat their sums."""

from __future__ import annotations

from collections.abc import Mapping

from .. import semconv as s
from ..usage import terms
from ..usage.quantities import table
from .aliases import RAW_USAGE, by_aliases
from .attributes import parsed

Attributes = Mapping[str, object]

UNCACHED = "ai.usage.inputTokenDetails.noCacheTokens"
"""Written since version 6, which brings all providers' counts to one meaning."""
_METADATA = "ai.response.providerMetadata"

_LEAVES = (".doGenerate", ".doStream")
_EMBEDDINGS = ".doEmbed"
NAMES: tuple[tuple[str, str], ...] = (
    ("ai.model.id", s.REQUEST_MODEL),
    ("ai.response.model", s.RESPONSE_MODEL),
    ("ai.response.id", s.RESPONSE_ID),
    ("ai.usage.inputTokens", s.INPUT_TOKENS),
    ("ai.usage.promptTokens", s.INPUT_TOKENS),
    ("ai.usage.tokens", s.INPUT_TOKENS),
    ("ai.usage.outputTokens", s.OUTPUT_TOKENS),
    ("ai.usage.completionTokens", s.OUTPUT_TOKENS),
    ("ai.usage.cachedInputTokens", s.CACHE_READ_TOKENS),
    ("ai.usage.inputTokenDetails.cacheReadTokens", s.CACHE_READ_TOKENS),
    ("ai.usage.inputTokenDetails.cacheWriteTokens", s.CACHE_WRITE_TOKENS),
    ("ai.usage.reasoningTokens", s.REASONING_TOKENS),
    ("ai.usage.outputTokenDetails.reasoningTokens", s.REASONING_TOKENS),
)


def by_conventions(name: str, attributes: Attributes) -> dict[str, object] | None:
    """The conventions' attributes of `ai.*.doGenerate`, `.doStream`, `.doEmbed`; None for all other spans."""
    if not name.endswith((*_LEAVES, _EMBEDDINGS)):
        return None
    found = by_aliases(name, attributes)
    found.setdefault(s.OPERATION, s.EMBEDDINGS if name.endswith(_EMBEDDINGS) else s.CHAT)
    for theirs, ours in NAMES:
        value = attributes.get(theirs)
        if value is not None and found.get(ours) is None:
            found[ours] = value
    provider = found.get(s.PROVIDER, attributes.get("ai.model.provider"))
    if isinstance(provider, str):
        found[s.PROVIDER] = provider.partition(".")[0]  # "openai.chat", "anthropic.messages"
    _add_metadata(found, table(parsed(attributes.get(_METADATA))))
    return found


def _add_metadata(found: dict[str, object], metadata: Attributes) -> None:
    """What the provider's adapter adds: OpenAI's served tier, Anthropic's usage as it came."""
    tier = table(metadata.get("openai")).get("serviceTier")
    if tier is not None:
        found[s.SERVICE_TIER] = terms.tier(tier)
    usage = table(table(metadata.get("anthropic")).get("usage"))
    if usage:
        found[RAW_USAGE] = usage

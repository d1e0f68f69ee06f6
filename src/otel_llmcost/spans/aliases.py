"""Names that instrumentations use where the conventions have another, older or none."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from .. import semconv as s
from ..usage import terms

Attributes = Mapping[str, object]

RAW_USAGE = "gen_ai.usage.raw"
"""The provider's own usage object, whole: Logfire writes it, other dialects are brought to it."""

# Other spelling -> ours. The first that is there wins; what stands under our name already is kept.
ALIASES: dict[str, str] = {
    "gen_ai.system": s.PROVIDER,
    "llm.vendor": s.PROVIDER,
    "llm.request.model": s.REQUEST_MODEL,
    "llm.response.model": s.RESPONSE_MODEL,
    "gen_ai.usage.prompt_tokens": s.INPUT_TOKENS,
    "llm.usage.prompt_tokens": s.INPUT_TOKENS,
    "gen_ai.usage.completion_tokens": s.OUTPUT_TOKENS,
    "llm.usage.completion_tokens": s.OUTPUT_TOKENS,
    "gen_ai.usage.cache_creation.input_tokens": s.CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_read_input_tokens": s.CACHE_READ_TOKENS,
    "gen_ai.usage.cached_input_tokens": s.CACHE_READ_TOKENS,
    "gen_ai.usage.cache_creation_input_tokens": s.CACHE_WRITE_TOKENS,
    "gen_ai.usage.reasoning_tokens": s.REASONING_TOKENS,
    "gen_ai.usage.output_tokens.reasoning": s.REASONING_TOKENS,
    # pydantic-ai
    "gen_ai.usage.details.reasoning_tokens": s.REASONING_TOKENS,
    "gen_ai.usage.details.thinking_tokens": s.REASONING_TOKENS,
    "gen_ai.usage.details.input_audio_tokens": s.AUDIO_INPUT_TOKENS,
    "gen_ai.usage.details.cache_audio_read_tokens": s.AUDIO_CACHE_READ_TOKENS,
    "gen_ai.usage.details.output_audio_tokens": s.AUDIO_OUTPUT_TOKENS,
    "gen_ai.usage.details.web_search_requests": s.USAGE_PREFIX + "web_search",
    "gen_ai.usage.details.ephemeral_5m_input_tokens": s.USAGE_PREFIX + "cache_write_5m",
    "gen_ai.usage.details.ephemeral_1h_input_tokens": s.USAGE_PREFIX + "cache_write_1h",
    # the anthropic SDK's own spans
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": s.USAGE_PREFIX + "cache_write_5m",
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": s.USAGE_PREFIX + "cache_write_1h",
    # served tiers
    s.OPENAI_RESPONSE_TIER: s.SERVICE_TIER,
    "gen_ai.openai.response.service_tier": s.SERVICE_TIER,
    "anthropic.response.service_tier": s.SERVICE_TIER,
}

_ADDRESSES = ("url.full", "http.url", "gen_ai.openai.api_base")
_LONGEST_ADDRESS = 2000

_OPERATIONS = {
    "completion": s.TEXT_COMPLETION,
    "acompletion": s.CHAT,
    "embedding": s.EMBEDDINGS,
    "aembedding": s.EMBEDDINGS,
    "responses": s.CHAT,
    "message": s.CHAT,
    "messages": s.CHAT,
    "image": s.IMAGE_GENERATION,
    "audio_transcription": s.TRANSCRIPTION,
}


def by_aliases(name: str, attributes: Attributes) -> dict[str, object]:
    """The attributes with the conventions' names beside the span's own."""
    found = dict(attributes)
    for other, ours in ALIASES.items():
        value = attributes.get(other)
        if value is not None and found.get(ours) is None:
            found[ours] = value
    _name_operation(found, attributes)
    _complete_lifetimes(found)
    tier = found.get(s.SERVICE_TIER)
    if isinstance(tier, str):
        found[s.SERVICE_TIER] = terms.tier(tier)
    _add_compactions(found, attributes)
    if s.SERVER_ADDRESS not in found:
        found.update(address_of(attributes.get("gen_ai.openai.api_base")))
    return found


def _name_operation(found: dict[str, object], attributes: Attributes) -> None:
    operation = attributes.get(s.OPERATION, attributes.get("llm.request.type"))
    if isinstance(operation, str):
        found[s.OPERATION] = _OPERATIONS.get(operation, operation)


def _complete_lifetimes(found: dict[str, object]) -> None:
    # pydantic-ai leaves out the five minutes where it tells the hour: the rest of the writes.
    written, hour = found.get(s.CACHE_WRITE_TOKENS), found.get(s.USAGE_PREFIX + "cache_write_1h")
    if (
        "gen_ai.usage.details.ephemeral_1h_input_tokens" in found
        and s.USAGE_PREFIX + "cache_write_5m" not in found
        and type(written) is type(hour) is int
        and written >= hour
    ):
        found[s.USAGE_PREFIX + "cache_write_5m"] = written - hour


def _add_compactions(found: dict[str, object], attributes: Attributes) -> None:
    # The anthropic SDK's own span tells compactions apart from the usage, as Anthropic's bodies do.
    for extra, ours in (
        ("anthropic.usage.compaction.input_tokens", s.INPUT_TOKENS),
        ("anthropic.usage.compaction.output_tokens", s.OUTPUT_TOKENS),
    ):
        more, known = attributes.get(extra), found.get(ours, 0)
        if type(more) is type(known) is int:
            found[ours] = known + more


def path_of(attributes: Attributes) -> str:
    """The path of the address that a span's request went to, or that its client has; "" where it tells none."""
    path = attributes.get("url.path")
    if isinstance(path, str) and path:
        return path
    for name in _ADDRESSES:
        url = attributes.get(name)
        if isinstance(url, str) and url:
            parts = _split(url)
            return parts.path if parts is not None else ""
    return ""


def address_of(url: object) -> dict[str, object]:
    """`server.address` and `server.port` of a base URL; nothing where it is none."""
    parts = _split(url) if isinstance(url, str) else None
    if parts is None or not parts.hostname:
        return {}
    return {s.SERVER_ADDRESS: parts.hostname} | ({s.SERVER_PORT: parts.port} if parts.port else {})


def _split(url: str) -> SplitResult | None:
    if len(url) > _LONGEST_ADDRESS:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return None
    return parts

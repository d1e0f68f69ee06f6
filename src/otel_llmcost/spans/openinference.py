"""OpenInference's names (https://arize-ai.github.io/openinference/spec/semantic_conventions.html, checked 2026-11-23)."""

from __future__ import annotations

from collections.abc import Mapping

from .. import semconv as s
from ..usage.quantities import table
from .attributes import parsed

Attributes = Mapping[str, object]

KIND = "openinference.span.kind"
_OPERATIONS = {"LLM": s.CHAT, "EMBEDDING": s.EMBEDDINGS}
NAMES: tuple[tuple[str, str], ...] = (
    ("llm.provider", s.PROVIDER),
    ("llm.system", s.PROVIDER),
    ("llm.request.model_name", s.REQUEST_MODEL),
    ("llm.response.model_name", s.RESPONSE_MODEL),
    ("llm.model_name", s.RESPONSE_MODEL),
    ("embedding.model_name", s.RESPONSE_MODEL),
    ("llm.finish_reason", s.FINISH_REASONS),
    ("llm.token_count.prompt", s.INPUT_TOKENS),
    ("llm.token_count.completion", s.OUTPUT_TOKENS),
    ("llm.token_count.prompt_details.cache_read", s.CACHE_READ_TOKENS),
    ("llm.token_count.prompt_details.cache_write", s.CACHE_WRITE_TOKENS),
    ("llm.token_count.prompt_details.audio", s.AUDIO_INPUT_TOKENS),
    ("llm.token_count.completion_details.reasoning", s.REASONING_TOKENS),
    ("llm.token_count.completion_details.audio", s.AUDIO_OUTPUT_TOKENS),
    ("session.id", s.SESSION_ID),
    ("user.id", s.USER_ID),
    (s.SERVER_ADDRESS, s.SERVER_ADDRESS),
    (s.SERVER_PORT, s.SERVER_PORT),
)


def by_conventions(name: str, attributes: Attributes) -> dict[str, object] | None:
    """The conventions' attributes of a model call or an embedding; chains, tools, agents are none."""
    kind = attributes.get(KIND)
    operation = _OPERATIONS.get(kind) if isinstance(kind, str) else None
    if operation is None:
        return None
    found: dict[str, object] = {s.OPERATION: operation}
    for theirs, ours in NAMES:
        value = attributes.get(theirs)
        if value is not None and ours not in found:
            found[ours] = value
    asked = table(parsed(attributes.get("llm.invocation_parameters")))
    tier = asked.get("service_tier")
    if isinstance(tier, str):
        found[s.OPENAI_REQUEST_TIER] = tier
    model = asked.get("model")
    if isinstance(model, str):
        found.setdefault(s.REQUEST_MODEL, model)
    searches = table(table(parsed(attributes.get("metadata"))).get("server_tool_use")).get(
        "web_search_requests"
    )
    if searches is not None:
        found[s.USAGE_PREFIX + "web_search"] = searches
    return found

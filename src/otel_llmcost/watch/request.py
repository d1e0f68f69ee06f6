"""What a request says about itself: its path, its body, its parameters under the conventions' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import semconv
from ..call import AttributeValue
from ..usage.quantities import encodable

_NO_BODY: Mapping[str, Any] = {}

REQUEST_ATTRIBUTES: dict[str, str] = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "stream": semconv.REQUEST_STREAM,
    "stop": "gen_ai.request.stop_sequences",
    "stop_sequences": "gen_ai.request.stop_sequences",
    "previous_response_id": "gen_ai.request.previous_response.id",
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "service_tier": semconv.OPENAI_REQUEST_TIER,
    "dimensions": "gen_ai.embeddings.dimension.count",
    "encoding_format": "gen_ai.request.encoding_formats",
}
_LISTS = frozenset({"gen_ai.request.stop_sequences", "gen_ai.request.encoding_formats"})


def path_of(url: str) -> str:
    """The path that routes are written in: no query, no host, no /v1 of an absolute address."""
    path = url.partition("?")[0]
    if path.startswith(("http://", "https://")):
        path = "/" + path.split("/", 3)[-1]
    return path if path.startswith("/") else f"/{path}"


def body_of(options: Any) -> Mapping[str, Any]:
    """The JSON that is sent, the program's extra fields over the SDK's own."""
    body = options.json_data
    extra = getattr(options, "extra_json", None)
    if extra is None and body.__class__ is dict:
        return body
    if not isinstance(body, Mapping):
        return extra if isinstance(extra, Mapping) else _NO_BODY
    return {**body, **extra} if isinstance(extra, Mapping) and extra else body


def asked_of(options: Any, kwargs: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The body of a request and its parameters as attributes; `kwargs` are those of the SDK's function."""
    body = body_of(options)
    attributes = request_attributes(body)
    if kwargs.get("stream"):
        attributes[semconv.REQUEST_STREAM] = True
    return body, attributes


def request_attributes(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request's parameters under the conventions' names; values of other types (sentinels, nulls) are left."""
    found: dict[str, AttributeValue] = {}
    for key, value in body.items():
        name = REQUEST_ATTRIBUTES.get(key)
        if name is None:
            continue
        if isinstance(value, list | tuple):
            if value and all(isinstance(part, str) for part in value):
                found[name] = tuple(encodable(part) for part in value)
        elif isinstance(value, str):
            found[name] = (encodable(value),) if name in _LISTS else encodable(value)
        elif isinstance(value, int | float):
            found[name] = value
    return found

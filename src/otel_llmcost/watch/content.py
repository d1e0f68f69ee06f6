"""Prompts and completions as the conventions' JSON attributes; only where the standard GenAI variable asks for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .. import semconv
from ..usage.quantities import encodable


def of_request(body: Mapping[str, Any]) -> dict[str, str]:
    """`gen_ai.input.messages` and `gen_ai.system_instructions` of a request."""
    found: dict[str, str] = {}
    messages = body.get("messages", body.get("input", body.get("prompt")))
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if isinstance(messages, Sequence):
        found[semconv.INPUT_MESSAGES] = _dump([_message(message) for message in messages])
    system = body.get("system", body.get("instructions"))
    if isinstance(system, str | list):
        found[semconv.SYSTEM_INSTRUCTIONS] = _dump(_parts(system))
    return found


def of_reply(body: Any, texts: Sequence[str]) -> dict[str, str]:
    """`gen_ai.output.messages` of a reply, or of the texts of a stream."""
    if texts:
        messages = [{"role": "assistant", "parts": [{"type": "text", "content": "".join(texts)}]}]
        return {semconv.OUTPUT_MESSAGES: _dump(messages)}
    if not isinstance(body, Mapping):
        return {}
    if isinstance(body.get("choices"), list):
        messages = [_choice(choice) for choice in body["choices"] if isinstance(choice, Mapping)]
    elif isinstance(body.get("content"), list):
        messages = [_message(body)]
    elif isinstance(body.get("output"), list):
        messages = [_message(item) for item in body["output"]]
    else:
        return {}
    return {semconv.OUTPUT_MESSAGES: _dump(messages)}


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    message = _message(choice.get("message") or {"role": "assistant", "content": choice.get("text")})
    return {**message, "finish_reason": choice.get("finish_reason")}


def _message(message: Any) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        return {"role": "user", "parts": _parts(message)}
    parts = _parts(message.get("content"))
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        parts.append(
            {
                "type": "tool_call",
                "id": call.get("id"),
                "name": function.get("name"),
                "arguments": function.get("arguments"),
            }
        )
    return {"role": message.get("role", "assistant"), "parts": parts}


def _parts(content: Any) -> list[Any]:
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    if isinstance(content, Sequence):
        return [
            part if isinstance(part, Mapping) else {"type": "text", "content": str(part)} for part in content
        ]
    return [{"type": "text", "content": str(content)}]


def _dump(value: Any) -> str:
    return encodable(json.dumps(value, ensure_ascii=False, default=str))

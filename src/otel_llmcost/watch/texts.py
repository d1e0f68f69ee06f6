"""Where a model's own words stand in a delta of a stream: each surface and host has its places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def texts_in(content: Any) -> Iterator[Any]:
    """The texts of `content`: one, or those of its parts, of which thoughts have parts of their own (Mistral)."""
    if content.__class__ is not list:
        yield content
        return
    for part in content:
        if part.__class__ is dict:
            yield part.get("text")
            yield from texts_in(part.get("thinking") or [])


def other_texts(delta: dict[str, Any]) -> Iterator[str]:
    """What a chat model writes where it writes no `content`."""
    yield from _named(delta, "reasoning_content", "reasoning", "refusal")
    for tool in delta.get("tool_calls") or ():
        yield from _named(tool.get("function") or {}, "name", "arguments")
        yield from _named(tool.get("custom") or {}, "name", "input")
    yield from _named(delta.get("function_call") or {}, "name", "arguments")
    yield from _named(delta.get("audio") or {}, "transcript")


def _named(told: dict[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        if told.get(name).__class__ is str:
            yield told[name]


def other_size(delta: dict[str, Any]) -> int:
    """The characters of `other_texts`. A piece of a tool's arguments alone, as most are, is not searched for others."""
    if "tool_calls" in delta and len(delta) == 1:
        [call] = delta["tool_calls"]
        if "name" not in call["function"]:
            return len("" + call["function"]["arguments"])
    return sum(map(len, other_texts(delta)))


def block_text(delta: dict[str, Any]) -> str:
    """What an Anthropic model writes in a delta of a content block: text, thought, or a tool's arguments."""
    for name in ("text", "thinking", "partial_json", "content"):
        if delta.get(name).__class__ is str and delta[name]:
            text: str = delta[name]
            return text
    return ""

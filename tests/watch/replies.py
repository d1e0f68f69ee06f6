"""Answers of providers without a network: an HTTP transport in the process, for sync and async clients."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Paris"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1000, "output_tokens": 100, "service_tier": "standard"},
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4.1",
    "status": "completed",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
}


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    return {**frame, "choices": choices, **more}


CHAT_EVENTS = [
    _chunk({"role": "assistant", "content": ""}),
    _chunk({"content": "Par"}),
    _chunk({"content": "is — ça"}),
    _chunk({}, "stop"),
    {**_chunk({}), "choices": [], "usage": CHAT["usage"]},
]
MESSAGE_EVENTS = [
    {
        "type": "message_start",
        "message": {
            **MESSAGE,
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 1000, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Par"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "is — ça"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 100},
    },
    {"type": "message_stop"},
]
_RUNNING = {**RESPONSE, "status": "in_progress", "usage": None}
RESPONSE_EVENTS = [
    {"type": "response.created", "sequence_number": 0, "response": _RUNNING},
    {
        "type": "response.output_text.delta",
        "sequence_number": 1,
        "item_id": "m",
        "output_index": 0,
        "content_index": 0,
        "delta": "Paris",
        "logprobs": [],
    },
    {"type": "response.completed", "sequence_number": 2, "response": RESPONSE},
]


def event_stream(events: list[dict[str, Any]], *, done: bool = True) -> bytes:
    """Server-sent events; `done` ends them as OpenAI does."""
    parts = []
    for event in events:
        name = f"event: {event['type']}\n" if "type" in event else ""
        parts.append(f"{name}data: {json.dumps(event, ensure_ascii=False)}\n\n")
    return ("".join(parts) + ("data: [DONE]\n\n" if done else "")).encode()


class Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that comes in pieces and may break off."""

    def __init__(self, pieces: list[bytes], broken: bool = False) -> None:
        self._pieces, self._broken = pieces, broken

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._broken:
            raise httpx2.RemoteProtocolError("the connection broke")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


Answer = Callable[[Any], httpx2.Response]


class InProcess(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers every request by a function."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.answer(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.answer(request)


def by_path(request: httpx2.Request) -> httpx2.Response:
    """The answer that fits the path, whole or streamed; a model named "gone" is a 404."""
    asked = json.loads(request.content or b"{}")
    if asked.get("model") == "gone":
        return httpx2.Response(404, json={"error": {"message": "no such model", "type": "not_found_error"}})
    body, events, done = {
        "/v1/messages": (MESSAGE, MESSAGE_EVENTS, False),
        "/v1/responses": (RESPONSE, RESPONSE_EVENTS, True),
    }.get(request.url.path, (CHAT, CHAT_EVENTS, True))
    if not asked.get("stream"):
        return httpx2.Response(200, json=body)
    lines = event_stream(events, done=done)
    half = len(lines) // 2
    return httpx2.Response(
        200, headers={"content-type": "text/event-stream"}, stream=Pieces([lines[:half], lines[half:]])
    )


def streamed(content: bytes, cut: int | None = None) -> Answer:
    """An event stream, broken off after `cut` bytes where that is given."""
    broken = cut is not None

    def answer(request: httpx2.Request) -> httpx2.Response:
        kind = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=kind, stream=Pieces([content[:cut]], broken))

    return answer

"""Streams as OpenAI and Anthropic send them, and what asks for them; the transport is in the process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import in_place

MESSAGES_USAGE = {"input_tokens": 1200, "output_tokens": 300, "cache_read_input_tokens": 400}
ANSWER = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5", "output": [], "tools": []}


class Surface(NamedTuple):
    """One way of streaming: the SDK's package, and the JSON of its events, `count` of them pieces of text."""

    sdk: str
    events: Any
    host: str = ""

    def body(self, count: int) -> bytes:
        return b"".join(
            b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode())
            if "type" in event
            else b"data: %s\n\n" % json.dumps(event).encode()
            for event in self.events(count)
        )

    def client(self, count: int) -> Any:
        """A client of the SDK whose every request is answered by this stream."""
        body, http = self.body(count), in_place.http_of(self.sdk)

        class Body(http.SyncByteStream):  # type: ignore[name-defined,misc]
            def __iter__(self) -> Iterator[bytes]:
                yield body

        def answer(request: Any) -> Any:
            return http.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())

        transport = http.Client(transport=http.MockTransport(answer))
        if self.sdk == "anthropic":
            import anthropic

            # the span that it emits by itself costs more than what is looked for
            return anthropic.Anthropic(api_key="x", http_client=transport, open_telemetry=False)
        import openai

        return openai.OpenAI(api_key="x", http_client=transport, base_url=self.host or None)


def open_stream(surface: str, client: Any) -> Iterator[Any]:
    """The events that the program sees."""
    if surface == "message":
        asked = {"model": "claude-haiku-4-5", "max_tokens": 300, "messages": in_place.MESSAGES}
        return iter(client.messages.create(**asked, stream=True))
    if surface == "response":
        return iter(client.responses.create(model="gpt-5", input="Why is the sky blue?", stream=True))
    asked = {"model": "gpt-4o-mini", "messages": in_place.MESSAGES, "stream": True}
    return iter(client.chat.completions.create(**asked, stream_options={"include_usage": True}))


def _chat(count: int) -> Iterator[dict[str, Any]]:
    return in_place.chunks({"content": f"word{number} "} for number in range(count))


def _tool(count: int) -> Iterator[dict[str, Any]]:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}
    yield from in_place.chunks(
        {"tool_calls": [call if not number else {"index": 0, "function": {"arguments": f"word{number} "}}]}
        for number in range(count)
    )


def _response(count: int) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": {**ANSWER, "status": "in_progress"}, "sequence_number": 0}
    piece = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0}
    for number in range(count):
        yield {
            **piece,
            "delta": f"word{number} ",
            "logprobs": [],
            "sequence_number": number,
            "obfuscation": "x",
        }
    usage = {"input_tokens": 1200, "output_tokens": 300, "total_tokens": 1500}
    yield {"type": "response.completed", "response": {**ANSWER, "status": "completed", "usage": usage}}


def _message(count: int) -> Iterator[dict[str, Any]]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude-haiku-4-5",
    }
    yield {"type": "message_start", "message": {**message, "usage": MESSAGES_USAGE}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for number in range(count):
        text = {"type": "text_delta", "text": f"word{number} "}
        yield {"type": "content_block_delta", "index": 0, "delta": text}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 300}}
    yield {"type": "message_stop"}


SURFACES = {
    "chat": Surface("openai", _chat),
    "elsewhere": Surface("openai", _chat, "https://api.groq.com/openai/v1"),
    "tool": Surface("openai", _tool),
    "response": Surface("openai", _response),
    "message": Surface("anthropic", _message),
}
"""Text of a chat, at OpenAI and at another host; arguments of a tool in one; text of a response; of a message."""

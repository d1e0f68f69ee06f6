"""Streams that the SDK itself gives up: the provider tells an error in the middle, or what is no JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from .conftest import World
from .replies import CHAT_EVENTS, MESSAGE_EVENTS, RESPONSE_EVENTS, InProcess, event_stream, streamed

ASK = [{"role": "user", "content": "Where?"}]
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
ODD = b"data: {no json\n\n"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def told(data: dict[str, Any], event: str = "") -> bytes:
    return (f"event: {event}\n" if event else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


CASES = {
    "chat-error": (CHAT_EVENTS[:3], told({"error": {"message": "gone", "code": "server_error"}}), "APIError"),
    "chat-odd": (CHAT_EVENTS[:3], ODD, "JSONDecodeError"),
    "response-error": (RESPONSE_EVENTS[:2], told({"error": {"message": "gone"}}), "APIError"),
    "message-error": (MESSAGE_EVENTS[:4], told(OVERLOADED, "error"), "APIStatusError"),
    "message-odd": (MESSAGE_EVENTS[:4], b"event: message_delta\n" + ODD, "JSONDecodeError"),
}


def arguments(case: str) -> dict[str, Any]:
    if case.startswith("message"):
        return {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": ASK, "stream": True}
    if case.startswith("response"):
        return {"model": "gpt-4.1", "input": "Where?", "stream": True}
    return {"model": "gpt-4o-mini", "messages": ASK, "stream": True}


def create(client: Any, case: str) -> Any:
    if case.startswith("message"):
        return client.messages.create(**arguments(case))
    if case.startswith("response"):
        return client.responses.create(**arguments(case))
    return client.chat.completions.create(**arguments(case))


def client(case: str, body: bytes, *, asynchronous: bool) -> Any:
    sdk = anthropic if case.startswith("message") else openai
    name = ("Async" if asynchronous else "") + ("Anthropic" if sdk is anthropic else "OpenAI")
    http = (httpx2.AsyncClient if asynchronous else httpx2.Client)(transport=InProcess(streamed(body)))
    return getattr(sdk, name)(api_key="none", max_retries=0, http_client=http)


def drain(case: str, body: bytes) -> None:
    for _ in create(client(case, body, asynchronous=False), case):
        pass


def drain_async(case: str, body: bytes) -> None:
    async def drained() -> None:
        async for _ in await create(client(case, body, asynchronous=True), case):
            pass

    asyncio.run(drained())


@pytest.mark.parametrize("way", [drain, drain_async])
@pytest.mark.parametrize("case", CASES)
def test_a_stream_that_the_sdk_gives_up_has_failed(
    world: World, case: str, way: Callable[[str, bytes], None]
) -> None:
    events, last, error = CASES[case]
    body = event_stream(events, done=False) + last
    with pytest.raises(Exception) as raised:
        way(case, body)
    assert type(raised.value).__name__ == error
    [(call, priced)] = world.calls
    assert call.error_type == error
    assert priced.status == "estimated"
    [reason] = [text for text in call.notes if text.startswith("estimated:")]
    assert reason.startswith("estimated: the stream failed before its usage came: ")


def test_an_error_that_the_program_has_in_hand_is_not_the_streams(world: World) -> None:
    stream = create(client("chat", event_stream(CHAT_EVENTS), asynchronous=False), "chat")
    try:
        raise ValueError("of the program")
    except ValueError:
        next(stream)
        stream.close()
    [(call, priced)] = world.calls
    assert call.error_type == ""
    assert priced.status == "estimated"
    assert "the stream was left before its usage came" in call.notes[-1]

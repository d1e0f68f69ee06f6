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
from .replies import (
    CHAT_EVENTS,
    MESSAGE_EVENTS,
    RESPONSE,
    RESPONSE_EVENTS,
    InProcess,
    event_stream,
    streamed,
)

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
    assert reason == "estimated: the stream failed before its usage came"


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


FAILED = {**RESPONSE, "status": "failed", "error": {"code": "server_error", "message": "gone"}, "usage": None}
CUT_SHORT = {  # what comes, `error.type`, why the cost is an estimate
    "chat": (CHAT_EVENTS[:3], "api_error", "failed"),
    "chat-done": (CHAT_EVENTS[:3], "api_error", "failed"),  # as the others, but for the last line
    "response": (RESPONSE_EVENTS[:2], "api_error", "failed"),
    "response-failed": (
        [*RESPONSE_EVENTS[:2], {"type": "response.failed", "sequence_number": 2, "response": FAILED}],
        "server_error",
        "failed",
    ),
    "response-error": (
        [
            *RESPONSE_EVENTS[:2],
            {
                "type": "error",
                "code": "rate_limit_exceeded",
                "message": "slow",
                "param": None,
                "sequence_number": 2,
            },
        ],
        "rate_limit_exceeded",
        "failed",
    ),
    "message": (MESSAGE_EVENTS[:4], "api_error", "failed"),
    "message-empty": ([], "api_error", "failed"),
}


@pytest.mark.parametrize("way", [drain, drain_async])
@pytest.mark.parametrize("case", CUT_SHORT)
def test_a_failure_that_raises_nothing_is_told(
    world: World, case: str, way: Callable[[str, bytes], None]
) -> None:
    events, error, how = CUT_SHORT[case]
    way(case, event_stream(events, done=case.endswith("done")))
    [(call, priced)] = world.calls
    assert call.error_type == error
    assert priced.status == "estimated"
    assert priced.reasons[-1] == f"estimated: the stream {how} before its usage came"
    assert "characters seen: " in priced.reasons[-2]
    [span] = world.spans.ended
    assert span.attributes is not None
    assert span.attributes.get("error.type", "") == error
    assert span.status.is_ok is not bool(error)


@pytest.mark.parametrize("case", ["response", "message"])
def test_a_stream_whose_end_the_program_does_not_wait_for_has_not_failed(world: World, case: str) -> None:
    events = RESPONSE_EVENTS if case == "response" else MESSAGE_EVENTS
    stream = create(client(case, event_stream(events[:2], done=False), asynchronous=False), case)
    next(iter(stream))
    stream.close()
    [(call, priced)] = world.calls
    assert call.error_type == ""
    assert "the stream was left before its usage came" in priced.reasons[-1]


def test_a_whole_response_that_failed_is_a_failed_call(world: World) -> None:
    http = httpx2.Client(transport=InProcess(lambda request: httpx2.Response(200, json=FAILED)))
    made = openai.OpenAI(api_key="none", http_client=http).responses.create(model="gpt-4.1", input="Where?")
    assert made.status == "failed"
    [(call, priced)] = world.calls
    assert (call.error_type, priced.status) == ("server_error", "unpriced")
    assert priced.reasons == ("no-usage: the body is an error",)
    [span] = world.spans.ended
    assert (span.status.is_ok, span.status.description) == (False, "server_error")


def test_a_background_response_whose_stream_ends_goes_on(world: World) -> None:
    ai = client("response", event_stream(RESPONSE_EVENTS[:2], done=False), asynchronous=False)
    for _ in ai.responses.create(model="gpt-4.1", input="Where?", stream=True, background=True):
        pass
    [(call, priced)] = world.calls
    assert (call.error_type, priced.status) == ("", "pending")


def test_an_error_in_the_place_of_an_answer_is_told_after_a_retry_too(world: World) -> None:
    answers = [httpx2.Response(503), httpx2.Response(200, json={"error": {"message": "gone"}})]
    http = httpx2.Client(transport=InProcess(lambda request: answers.pop(0)))
    openai.OpenAI(api_key="none", http_client=http).chat.completions.create(model="gpt-4o-mini", messages=ASK)
    [(call, priced)] = world.calls
    assert (call.attempts, call.error_type, priced.status) == (2, "error", "unpriced")
    assert "no-usage: the body is an error" in priced.reasons
    assert not any("no answer was read" in reason for reason in priced.reasons)

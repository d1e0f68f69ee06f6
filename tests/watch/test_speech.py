"""Speech: sound tells nothing of what it costs; where it comes as events, the last one does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx2
import openai
import pytest

from otel_llmcost.money import femto

from .conftest import World
from .replies import InProcess, event_stream

MINI = "gpt-4o-mini-tts"
DELTA = {"type": "speech.audio.delta", "audio": "AAAA"}
DONE = {
    "type": "speech.audio.done",
    "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115},
}
ASKED: Any = {"model": MINI, "voice": "coral", "input": "hello world", "stream_format": "sse"}


def sound(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": "audio/mpeg"}, content=b"ID3\x04")


def events(*told: dict[str, Any]) -> Callable[[httpx2.Request], httpx2.Response]:
    kind = {"content-type": "text/event-stream"}
    return lambda request: httpx2.Response(
        200, headers=kind, content=event_stream([DELTA, DELTA, *told], done=False)
    )


def plainly(client: openai.OpenAI) -> bytes:
    return client.audio.speech.create(**ASKED).content


def raw(client: openai.OpenAI) -> bytes:
    return client.audio.speech.with_raw_response.create(**ASKED).content


def as_it_comes(client: openai.OpenAI) -> bytes:
    with client.audio.speech.with_streaming_response.create(**ASKED) as response:
        return b"".join(response.iter_bytes())


def a_client(answer: Callable[[httpx2.Request], httpx2.Response]) -> openai.OpenAI:
    http = httpx2.Client(transport=InProcess(answer))
    return openai.OpenAI(api_key="none", max_retries=0, http_client=http)


WAYS = pytest.mark.parametrize("way", [plainly, raw, as_it_comes])


@WAYS
def test_the_last_event_tells_the_tokens(world: World, way: Callable[[openai.OpenAI], bytes]) -> None:
    """gpt-4o-mini-tts: 14 x 0.60 + 101 x 12 per million."""
    assert way(a_client(events(DONE))) == event_stream([DELTA, DELTA, DONE], done=False)
    call, priced = world.last
    assert call.usage == {"input": 14, "output_audio": 101}
    assert (priced.status, priced.amount) == ("exact", femto(Decimal("0.0012204")))


@WAYS
def test_events_that_end_without_it_leave_the_characters(
    world: World, way: Callable[[openai.OpenAI], bytes]
) -> None:
    way(a_client(events()))
    call, priced = world.last
    assert (call.usage, priced.status, priced.amount) == ({"character": 11}, "unpriced", None)
    assert any("by tokens, which the answer does not tell" in reason for reason in priced.reasons)


@WAYS
def test_of_sound_the_characters_of_the_request_are_known(
    world: World, way: Callable[[openai.OpenAI], bytes]
) -> None:
    way(a_client(sound))
    assert world.last[0].usage == {"character": 11}

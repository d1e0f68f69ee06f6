"""Answers and requests that leave out, contradict or hide something: what is not certain is not `exact`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from .conftest import World
from .replies import (
    CHAT,
    CHAT_EVENTS,
    MESSAGE,
    MESSAGE_EVENTS,
    RESPONSE,
    InProcess,
    event_stream,
    streamed,
)

ASK: Any = [{"role": "user", "content": "Where?"}]
Handler = Callable[[httpx2.Request], httpx2.Response]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def answering(body: Any) -> Handler:
    return lambda request: httpx2.Response(200, json=body)


def an_openai(answer: Handler, retries: int = 0) -> openai.OpenAI:
    http = httpx2.Client(transport=InProcess(answer))
    return openai.OpenAI(api_key="none", max_retries=retries, http_client=http)


def a_claude(answer: Handler) -> anthropic.Anthropic:
    http = httpx2.Client(transport=InProcess(answer))
    return anthropic.Anthropic(api_key="none", max_retries=0, http_client=http)


def ask(client: openai.OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "gpt-4o-mini", "messages": ASK, **more})


def ask_claude(client: anthropic.Anthropic, **more: Any) -> Any:
    return client.messages.create(
        **{"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": ASK, **more}
    )


# -- what cannot be encoded


def test_half_a_surrogate_pair_in_an_answer_loses_no_span(world: World) -> None:
    body: dict[str, Any] = {**CHAT, "id": "chat\ud800", "model": "gpt\udfff"}
    body["choices"] = [{**body["choices"][0], "finish_reason": "st\ud800p"}]
    raw, kind = json.dumps(body).encode(), {"content-type": "application/json"}
    ask(an_openai(lambda request: httpx2.Response(200, content=raw, headers=kind)))
    [span] = world.spans.ended
    assert encode_spans([span]).resource_spans
    call, _ = world.last
    assert (call.response_model, call.response_id, call.finish_reasons) == ("gpt?", "chat?", ("st?p",))


def test_half_a_surrogate_pair_in_a_request_loses_no_span(world: World) -> None:
    with pytest.raises(UnicodeEncodeError):  # raised by the SDK
        ask(an_openai(answering(CHAT)), model="gpt\ud800", stop=["\ud800"], service_tier="\ud800")
    [span] = world.spans.ended
    assert span.name == "chat gpt?"
    assert encode_spans([span]).resource_spans


# -- attempts


def attempts(*answers: Any) -> Handler:
    left = list(answers)

    def answer(request: httpx2.Request) -> httpx2.Response:
        told = left.pop(0)
        if isinstance(told, Exception):
            raise told
        return httpx2.Response(told, json=CHAT, headers={"retry-after-ms": "1"})

    return answer


LOST = (
    "incomplete: answered at attempt 2; no answer came to 1 before it ({}): the provider may bill that, too"
)


@pytest.mark.parametrize(
    ("first", "status", "reason"),
    [
        (429, "exact", "note: answered at attempt 2"),
        (500, "exact", "note: answered at attempt 2"),
        (httpx2.ConnectError("refused"), "exact", "note: answered at attempt 2"),
        (
            httpx2.ReadTimeout("slow"),
            "partial",
            LOST.format("ReadTimeout"),
        ),
        (
            httpx2.ReadError("reset"),
            "partial",
            LOST.format("ReadError"),
        ),
    ],
)
def test_an_attempt_that_got_no_answer_may_be_billed(
    world: World, first: Any, status: str, reason: str
) -> None:
    ask(an_openai(attempts(first, 200), retries=1))
    call, priced = world.last
    assert (priced.status, priced.reasons, call.attempts) == (status, (reason,), 2)
    assert priced.amount is not None


def test_a_refusal_after_a_lost_attempt_is_not_free(world: World) -> None:
    with pytest.raises(openai.RateLimitError):
        ask(an_openai(attempts(httpx2.ReadTimeout("slow"), 429), retries=1))
    _, priced = world.last
    assert (priced.status, priced.amount) == ("unpriced", None)


# -- caches


WRITTEN = {"input_tokens": 10, "output_tokens": 10, "cache_creation_input_tokens": 1000}


def cached(ttl: str | None) -> dict[str, Any]:
    control = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
    return {"type": "text", "text": "x", "cache_control": control}


@pytest.mark.parametrize(
    ("parts", "meter", "status"),
    [
        ([cached("1h"), {"type": "text", "text": "x"}], "cache_write_1h", "exact"),
        ([cached("1h"), cached("5m")], "cache_write", "estimated"),
        ([cached("1h"), cached(None)], "cache_write", "estimated"),
        ([cached(None)], "cache_write", "exact"),
    ],
)
def test_a_lifetime_that_the_answer_does_not_tell_is_the_requests(
    world: World, parts: list[Any], meter: str, status: str
) -> None:
    client = a_claude(answering({**MESSAGE, "usage": WRITTEN}))
    ask_claude(client, system=parts[:1], messages=[{"role": "user", "content": parts[1:] or "?"}])
    call, priced = world.last
    assert (call.usage[meter], priced.status) == (1000, status)


def test_the_lifetime_of_the_request_holds_for_every_iteration(world: World) -> None:
    """MESSAGE's model is claude-sonnet-4-5: 2 x (10 x 3 + 1000 x 6 + 10 x 15) = 12360."""
    usage = {**WRITTEN, "iterations": [{"type": "compaction", **WRITTEN}, {"type": "message", **WRITTEN}]}
    ask_claude(a_claude(answering({**MESSAGE, "usage": usage})), system=[cached("1h")])
    call, priced = world.last
    assert [line.usage["cache_write_1h"] for line in call.lines] == [1000, 1000]
    assert (call.usage["cache_write_1h"], priced.status) == (2000, "exact")


def test_lifetimes_beside_a_total_of_nothing_contradict_it(world: World) -> None:
    split = {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 400}
    usage = {**WRITTEN, "cache_creation_input_tokens": 0, "cache_creation": split}
    ask_claude(a_claude(answering({**MESSAGE, "usage": usage})))
    assert world.last[1].status == "partial"


@pytest.mark.parametrize(("later", "status"), [(0, "exact"), (900, "partial"), (1000, "exact")])
def test_input_that_was_told_does_not_fall(world: World, later: int, status: str) -> None:
    delta = {**MESSAGE_EVENTS[5], "usage": {"input_tokens": later, "output_tokens": 100}}
    events = [*MESSAGE_EVENTS[:5], delta, MESSAGE_EVENTS[6]]
    list(ask_claude(a_claude(streamed(event_stream(events, done=False))), stream=True))
    call, priced = world.last
    assert (call.usage, priced.status) == ({"input": 1000, "output": 100}, status)


def test_code_that_ran_in_a_container_is_mentioned(world: World) -> None:
    container = {"id": "c", "expires_at": "2026-01-01T00:00:00Z"}
    ask_claude(a_claude(answering({**MESSAGE, "container": container})))
    assert world.last[1].reasons == (
        "note: code ran in a container, whose hours beyond the free ones are billed apart",
    )


# -- images


def test_images_of_a_response_that_tells_no_usage_of_them(world: World) -> None:
    drawn = {"type": "image_generation_call", "id": "ig", "status": "completed", "result": ""}
    for output, status in (([drawn], "partial"), ([{**drawn, "status": "failed"}], "exact"), ([], "exact")):
        client = an_openai(answering({**RESPONSE, "output": output}))
        client.responses.create(model="gpt-4.1", input="Where?")
        assert world.last[1].status == status


def test_a_total_of_images_that_is_not_their_sum(world: World) -> None:
    for total, status in ((150, "exact"), (99, "partial")):
        usage = {"input_tokens": 50, "output_tokens": 100, "total_tokens": total}
        client = an_openai(answering({"created": 1, "data": [{"b64_json": ""}], "usage": usage}))
        client.images.generate(model="gpt-image-1", prompt="Paris")
        assert world.last[1].status == status


def test_an_estimate_says_that_it_leaves_out_images(world: World) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "What?"}, picture]}]
    list(ask(an_openai(streamed(event_stream(CHAT_EVENTS[:4]))), stream=True, messages=asked))
    _, priced = world.last
    assert priced.status == "partial"
    assert "incomplete: images, sound and files of the request are in no estimate" in priced.reasons


# -- bodies that nobody read, or that are not what was asked for


def test_json_in_the_place_of_a_stream_is_read(world: World) -> None:
    assert list(ask(an_openai(answering(CHAT)), stream=True)) == []
    call, priced = world.last
    assert (call.usage, priced.status) == ({"input": 1000, "output": 100}, "exact")


def test_an_answer_that_the_program_did_not_read(world: World) -> None:
    body = json.dumps(CHAT).encode()

    class Body(httpx2.SyncByteStream):
        def __iter__(self) -> Any:
            yield body

    client = an_openai(lambda request: httpx2.Response(200, stream=Body()))
    with client.chat.completions.with_streaming_response.create(model="gpt-4o-mini", messages=ASK):
        pass
    assert world.last[1].reasons == ("no-usage: the program left without reading the answer",)


def test_who_reads_the_bytes_gets_those_that_he_asked_for(world: World) -> None:
    seen: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.content)
        return streamed(event_stream(CHAT_EVENTS))(request)

    world.engine.include_usage = True
    client = an_openai(answer)
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4o-mini", messages=ASK, stream=True
    ) as response:
        assert any("Par" in line for line in response.iter_lines())
    list(ask(client, stream=True))
    assert [b"include_usage" in content for content in seen] == [False, True]

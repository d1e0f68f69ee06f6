"""Streams that break off at every byte: the program sees what it saw without us, the call is counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from .conftest import World
from .replies import (
    CHAT,
    CHAT_EVENTS,
    MESSAGE_EVENTS,
    RESPONSE_EVENTS,
    InProcess,
    by_path,
    event_stream,
    streamed,
)

ASK = [{"role": "user", "content": "Where?"}]


class Replay:
    """Clients whose every request gets the same stream; `transport.answer` changes it."""

    def __init__(self) -> None:
        self.transport = InProcess(streamed(b""))
        http = httpx2.Client(transport=self.transport)
        self.openai = openai.OpenAI(api_key="none", max_retries=0, http_client=http)
        self.anthropic = anthropic.Anthropic(api_key="none", max_retries=0, http_client=http)

    def chat(self) -> Any:
        return self.openai.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)

    def response(self) -> Any:
        return self.openai.responses.create(model="gpt-4.1", input="Where?", stream=True)

    def message(self) -> Any:
        return self.anthropic.messages.create(
            model="claude-sonnet-4-5", max_tokens=100, messages=ASK, stream=True
        )


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay()


def _seen(stream: Callable[[], Any]) -> Iterator[str]:
    try:
        for event in stream():
            yield repr(event)
    except Exception as error:
        yield f"{type(error).__name__}: {error}"


CASES = [
    ("chat", event_stream(CHAT_EVENTS), {"exact", "estimated"}),
    ("response", event_stream(RESPONSE_EVENTS), {"exact", "estimated"}),
    ("message", event_stream(MESSAGE_EVENTS, done=False), {"exact", "estimated"}),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "body", "statuses"), CASES, ids=[case[0] for case in CASES])
def test_broken_at_every_byte(
    world: World, replay: Replay, name: str, body: bytes, statuses: set[str]
) -> None:
    method = getattr(replay, name)
    for cut in range(len(body)):
        replay.transport.answer = streamed(body, cut)
        world.unwatch()
        plain = list(_seen(method))
        world.watch()
        assert list(_seen(method)) == plain, cut
        assert len(world.calls) == cut + 1, cut
        call, priced = world.last
        assert priced.status in statuses, (cut, priced.reasons)
        assert priced.amount is not None
        assert priced.amount > 0
        assert call.error_type, cut
    replay.transport.answer = streamed(body)
    list(_seen(method))
    assert world.last[1].status == "exact"
    assert world.last[0].usage == {"input": 1000, "output": 100}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_known_input_of_a_broken_message_is_exact(world: World, replay: Replay) -> None:
    body = event_stream(MESSAGE_EVENTS, done=False)
    replay.transport.answer = streamed(body, body.index(b"is \xe2\x80\x94"))
    list(_seen(replay.message))
    call, priced = world.last
    # "Par" are 3 characters: one token
    assert call.usage == {"input": 1000, "output": 1}
    assert priced.amount == (1000 * 3 + 1 * 15) * 10**9


class Slow(httpx2.SyncByteStream):
    """A stream whose pieces come when the clock says so."""

    def __init__(self, clock: list[int]) -> None:
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        for at, event in enumerate(event_stream(CHAT_EVENTS[:-2], done=False).split(b"\n\n")[:-1]):
            self._clock[0] = (at + 1) * 10**9
            yield event + b"\n\n"


def test_a_stream_that_is_left_ends_with_the_last_piece_that_came(
    world: World, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0]
    for module in ("body", "collectors"):
        monkeypatch.setattr(f"otel_llmcost.watch.{module}._now", lambda: clock[0])
    replay.transport.answer = lambda request: httpx2.Response(
        200, headers={"content-type": "text/event-stream"}, stream=Slow(clock)
    )
    stream = replay.chat()
    pieces = [next(stream) for _ in range(3)]
    clock[0] = 10**12  # it is found much later
    stream.close()
    assert len(pieces) == 3
    assert world.last[0].end_ns == 3 * 10**9


def test_tools_and_what_they_were_asked_count_towards_an_estimate(world: World, replay: Replay) -> None:
    replay.transport.answer = streamed(event_stream(CHAT_EVENTS[:-2], done=False))
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": {"description": "x" * 4000}}}
    asked = [
        {"role": "user", "content": "x" * 400},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "look", "arguments": "x" * 2000}}
            ],
        },
    ]
    for _ in replay.openai.chat.completions.create(
        model="gpt-4o-mini", messages=asked, tools=[tool], stream=True
    ):
        pass
    assert 1600 < world.last[0].usage["input"] < 1700


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_an_sdk_leaves_out_of_a_request_counts_nothing(world: World, replay: Replay) -> None:
    replay.transport.answer = streamed(b"")
    replay.message().close()  # the SDK's own sentinels stand for its tools and other parameters
    call, _ = world.last
    assert call.usage == {"input": 2}  # 6 characters were sent


SEARCH = {
    "type": "web_search_call",
    "id": "ws",
    "status": "completed",
    "action": {"type": "search", "query": "x"},
}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "t", "content": []}
FAILED = {**FOUND, "content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "events"),
    [
        (
            "response",
            [
                RESPONSE_EVENTS[0],
                *[
                    {
                        "type": "response.output_item.done",
                        "sequence_number": 1,
                        "output_index": 0,
                        "item": SEARCH,
                    }
                ]
                * 20,
                RESPONSE_EVENTS[1],
            ],
        ),
        (
            "message",
            [
                MESSAGE_EVENTS[0],
                *[{"type": "content_block_start", "index": 0, "content_block": FOUND}] * 20,
                {"type": "content_block_start", "index": 2, "content_block": FAILED},
                *MESSAGE_EVENTS[1:3],
            ],
        ),
    ],
)
def test_searches_of_a_broken_stream_are_billed(
    world: World, replay: Replay, name: str, events: list[dict[str, Any]]
) -> None:
    replay.transport.answer = streamed(event_stream(events, done=False))
    list(_seen(getattr(replay, name)))
    call, priced = world.last
    assert call.usage["web_search"] == 20
    assert priced.status == "estimated"
    assert priced.components["tools"] == 20 * 10**13  # 10 USD per 1,000


def test_what_tools_cost_stands_beside_the_estimate_of_a_broken_stream(world: World, replay: Replay) -> None:
    """20 searches by web_search_preview on a model without reasoning: 25 USD per 1,000, as a line of their own."""
    created = {
        **RESPONSE_EVENTS[0],
        "response": {**RESPONSE_EVENTS[0]["response"], "tools": [{"type": "web_search_preview"}]},
    }
    done = {"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": SEARCH}
    replay.transport.answer = streamed(event_stream([created, *[done] * 20, RESPONSE_EVENTS[1]], done=False))
    list(_seen(replay.response))
    call, priced = world.last
    assert call.usage["web_search"] == 20
    assert (priced.status, priced.components["tools"]) == ("estimated", 50 * 10**13)
    assert priced.components["input"] > 0
    assert priced.components["output"] > 0


def _told(event: dict[str, Any], written: int) -> dict[str, Any]:
    return {
        **event,
        "usage": {"prompt_tokens": 1000, "completion_tokens": written, "total_tokens": 1000 + written},
    }


HEAD, FIRST, SECOND, FINISH, USAGE = CHAT_EVENTS
WAYS_OF_TELLING = {
    "alone": ([HEAD, FIRST, FINISH, USAGE], 100, ""),
    "beside the finish": ([HEAD, FIRST, _told(FINISH, 7)], 7, ""),
    "after it, beside an empty choice": ([HEAD, FIRST, FINISH, _told(HEAD, 7)], 7, ""),
    "all the time": ([_told(HEAD, 0), _told(FIRST, 1), _told(FINISH, 2)], 2, ""),
    "beside the last text": ([HEAD, _told(FIRST, 7), FINISH], 7, ""),
    "beside the last text, unfinished": ([HEAD, _told(FIRST, 7)], 7, "the stream was left after"),
    "before the text": ([_told(HEAD, 1), FIRST, SECOND, FINISH], 1, "text came after"),
    "before some text": ([HEAD, _told(FIRST, 1), SECOND], 1, "text came after"),
}


@pytest.mark.parametrize("done", [True, False], ids=["[DONE]", "no [DONE]"])
@pytest.mark.parametrize("way", WAYS_OF_TELLING)
def test_usage_is_exact_where_it_is_the_last_word(
    world: World, replay: Replay, way: str, *, done: bool
) -> None:
    events, written, doubt = WAYS_OF_TELLING[way]
    model = "llama-3.3-70b-versatile"
    events = [{**event, "model": model} for event in events]
    replay.transport.answer = streamed(event_stream(events, done=done))
    elsewhere = replay.openai.with_options(base_url="https://api.groq.com/openai/v1")
    list(elsewhere.chat.completions.create(model=model, messages=ASK, stream=True))
    call, priced = world.last
    assert call.usage == {"input": 1000, **({"output": written} if written else {})}
    assert priced.status == ("estimated" if doubt else "exact")
    assert priced.reasons == (
        (f"estimated: {doubt} the usage that was told last: it is a lower bound",) if doubt else ()
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_delta_that_tells_no_output_leaves_it_unknown(world: World, replay: Replay) -> None:
    silent = {**MESSAGE_EVENTS[5], "usage": {}}
    replay.transport.answer = streamed(
        event_stream([*MESSAGE_EVENTS[:5], silent, MESSAGE_EVENTS[6]], done=False)
    )
    list(_seen(replay.message))
    call, priced = world.last
    assert (call.usage, priced.status) == ({"input": 1000, "output": 3}, "estimated")  # 10 characters


def test_a_tier_that_was_asked_for_and_is_not_told_leaves_a_doubt(world: World, replay: Replay) -> None:
    def ask(**more: Any) -> tuple[str, tuple[str, ...]]:
        body = {**CHAT, **more}
        replay.transport.answer = lambda request: httpx2.Response(200, json=body)
        replay.openai.chat.completions.create(model="gpt-5-mini", messages=ASK, service_tier="flex")
        return world.last[1].status, world.last[1].reasons

    assert ask(model="gpt-5-mini", service_tier="flex") == ("exact", ())
    status, reasons = ask(model="gpt-5-mini")
    assert status == "estimated"
    assert reasons == (
        "estimated: the tier 'flex' was asked for, and the answer does not say which one served it",
    )


def test_a_request_of_a_hook_is_no_part_of_the_call_around_it(world: World, replay: Replay) -> None:
    replay.transport.answer = by_path
    asked: list[int] = []

    def look(request: httpx2.Request) -> None:
        if request.url.path.endswith("/chat/completions"):
            asked.append(len(replay.openai.models.list().data))

    http = httpx2.Client(transport=replay.transport, event_hooks={"request": [look]})
    client = openai.OpenAI(api_key="none", max_retries=0, http_client=http)
    replay.transport.answer = lambda request: (
        httpx2.Response(200, json={"object": "list", "data": []})
        if request.url.path.endswith("/models")
        else by_path(request)
    )
    client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert asked == [0]
    [(call, priced)] = world.calls
    assert (call.usage, priced.status, call.notes) == ({"input": 1000, "output": 100}, "exact", ())

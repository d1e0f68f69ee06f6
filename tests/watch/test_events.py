"""Pieces of text that pass by: they come to the same as if the collector had looked at each of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost.watch.collectors import AnthropicCollector, ChatCollector, Collector, ResponsesCollector
from otel_llmcost.watch.events import Process, WatchedData, any_events, chats_and_responses, messages
from otel_llmcost.watch.exchange import EXTENSION

_odd = st.none() | st.integers() | st.lists(st.text(), max_size=2) | st.just({})
_text = st.text(max_size=40) | st.just("x" * 3000) | _odd
_usage = st.none() | st.just({"prompt_tokens": 1})
_delta = st.fixed_dictionaries(
    {},
    optional={
        "content": _text,
        "reasoning_content": _text,
        "refusal": _text,
        "text": _text,
        "thinking": _text,
        "partial_json": _text,
        "tool_calls": st.lists(
            st.fixed_dictionaries({"function": st.fixed_dictionaries({}, optional={"arguments": _text})})
        )
        | _odd,
    },
)
_choice = st.fixed_dictionaries(
    {},
    optional={"delta": _delta | _odd, "finish_reason": st.none() | st.just("stop"), "usage": _usage},
)
_event = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            [
                "content_block_delta",
                "message_start",
                "message_delta",
                "message_stop",
                "response.created",
                "response.output_text.delta",
                "response.completed",
            ]
        ),
        "choices": st.lists(_choice, max_size=2) | _odd,
        "delta": _delta | _text,
        "usage": _usage,
        "x_groq": st.fixed_dictionaries({}, optional={"id": st.just("1"), "usage": _usage}),
    },
)


class Response:
    """What the seam asks of a response: where to find who collects it."""

    def __init__(self, collector: Collector, stream: bool = True) -> None:
        self.extensions = {EXTENSION: self}
        self.collector, self.stream = collector, stream


class Client:
    """An SDK's client, whose function makes of an event what it was given."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def process(self, *, data: Any, cast_to: Any, response: Any) -> Any:
        self.made.append(data)
        return data


def watched(frame: Callable[[Process], Process], client: Client) -> Process:
    """What the SDK gets when it asks for that function, once for each stream."""
    watching: Process = WatchedData(Client.process, frame).__get__(client, Client)
    return watching


def seen(collector: Collector) -> tuple[Any, ...]:
    return collector.characters, collector.events, collector.complete, collector.lacks_usage()


@pytest.mark.parametrize("frame", [any_events, chats_and_responses, messages])
@pytest.mark.parametrize("kind", [Collector, ChatCollector, ResponsesCollector, AnthropicCollector])
@given(events=st.lists(_event | _odd, max_size=12))
def test_what_passes_by_is_counted(
    kind: type[Collector], frame: Callable[[Process], Process], events: list[Any]
) -> None:
    passing, looked_at, client = kind(), kind(), Client()
    process, response = watched(frame, client), Response(passing)
    for event in copy.deepcopy(events):
        process(data=event, cast_to=object, response=response)
        looked_at.take_event(event)
    assert client.made == events
    assert seen(passing) == seen(looked_at)


_piece = st.fixed_dictionaries(
    {"content": st.text(max_size=40) | st.just("x" * 3000)}
) | st.fixed_dictionaries(
    {
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {
                    "function": st.fixed_dictionaries(
                        {"arguments": st.text(max_size=9)}, optional={"name": st.just("look")}
                    )
                }
            ),
            min_size=1,
            max_size=2,
        )
    }
)
_openai_chunk = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({"delta": _piece, "finish_reason": st.none()})
            | st.just({"delta": {}, "finish_reason": "stop"}),
            max_size=2,
        )
    },
    optional={"usage": st.none()},
) | st.just({"choices": [], "usage": {"prompt_tokens": 1}})


@given(events=st.lists(_openai_chunk, max_size=12))
def test_what_passes_by_of_openai_itself_is_counted(events: list[Any]) -> None:
    passing, looked_at = ChatCollector(of_openai=True), ChatCollector(of_openai=True)
    process, response = watched(chats_and_responses, Client()), Response(passing)
    for event in copy.deepcopy(events):
        process(data=event, cast_to=object, response=response)
        looked_at.take_event(event)
    assert seen(passing) == seen(looked_at)


@pytest.mark.parametrize(
    ("frame", "collector", "head", "piece"),
    [
        (
            chats_and_responses,
            ChatCollector(of_openai=True),
            {"choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
            {"choices": [{"delta": {"content": "four"}, "finish_reason": None}], "usage": None},
        ),
        (
            chats_and_responses,
            ChatCollector(of_openai=True),
            {"choices": [{"delta": {"role": "assistant", "content": None}, "finish_reason": None}]},
            {
                "choices": [
                    {"delta": {"tool_calls": [{"function": {"arguments": "four"}}]}, "finish_reason": None}
                ]
            },
        ),
        (
            chats_and_responses,
            ChatCollector(),
            {"choices": [{"delta": {"content": ""}, "finish_reason": None}]},
            {"choices": [{"delta": {"content": None, "reasoning": "four"}, "finish_reason": None}]},
        ),
        (
            chats_and_responses,
            ResponsesCollector(),
            {"type": "response.created", "response": {}},
            {"type": "response.output_text.delta", "delta": "four"},
        ),
        (
            messages,
            AnthropicCollector(),
            {"type": "message_start", "message": {}},
            {"type": "content_block_delta", "delta": {"partial_json": "four"}},
        ),
    ],
    ids=["chat", "tool", "chat elsewhere", "response", "message"],
)
def test_the_common_event_is_not_looked_at(
    frame: Callable[[Process], Process], collector: Collector, head: Any, piece: Any
) -> None:
    process, response = watched(frame, Client()), Response(collector)
    process(data=head, cast_to=object, response=response)
    head_ns = collector.last_ns
    for _ in range(100):
        process(data=piece, cast_to=object, response=response)
    assert collector.last_ns == head_ns
    assert collector.characters == 400


def test_what_passes_by_is_looked_at_now_and_then() -> None:
    collector = AnthropicCollector()
    process, response = watched(messages, Client()), Response(collector)
    process(data={"type": "message_start", "message": {}}, cast_to=object, response=response)
    head_ns = collector.last_ns
    for _ in range(3):
        event = {"type": "content_block_delta", "delta": {"text": "x" * 1000}}
        process(data=event, cast_to=object, response=response)
    assert collector.last_ns > head_ns
    assert collector.characters == 3000


@pytest.mark.parametrize(
    "beside",
    [
        {"reasoning_content": "four"},
        {"refusal": "four"},
        {"tool_calls": [{"function": {"arguments": "four"}}]},
        {"tool_calls": [{"custom": {"input": "four"}}]},
        {"function_call": {"arguments": "four"}},
        {"audio": {"transcript": "four"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("of_openai", [True, False])
@pytest.mark.parametrize("content", [{}, {"content": ""}, {"content": None}], ids=str)
def test_what_stands_beside_an_empty_text_is_counted(
    beside: dict[str, Any], content: dict[str, Any], of_openai: bool
) -> None:
    collector = ChatCollector(of_openai=of_openai)
    process, response = watched(chats_and_responses, Client()), Response(collector)
    for _ in range(3):
        event = {"choices": [{"delta": {**content, **beside}, "finish_reason": None}]}
        process(data=event, cast_to=object, response=response)
    assert collector.characters == 12


def test_usage_beside_an_empty_text_is_seen() -> None:
    collector = ChatCollector(of_openai=True)
    process, response = watched(chats_and_responses, Client()), Response(collector)
    choice = {"delta": {"content": "x"}, "finish_reason": None}
    last = {"choices": [{**choice, "delta": {"content": ""}}], "usage": {"prompt_tokens": 1}}
    for event in ({"choices": [choice]}, {"choices": [choice]}, last):
        process(data=event, cast_to=object, response=response)
    assert not collector.lacks_usage()


def test_every_choice_of_a_chunk_is_counted_and_sound_is_no_text() -> None:
    collector, answer = ChatCollector(), ResponsesCollector()
    process, response = watched(chats_and_responses, Client()), Response(collector)
    choices = [{"index": n, "delta": {"content": "four"}, "finish_reason": None} for n in range(2)]
    for _ in range(3):
        process(data={"choices": choices}, cast_to=object, response=response)
    assert collector.characters == 24
    process, response = watched(chats_and_responses, Client()), Response(answer)
    for kind in ("audio", "audio.transcript", "output_audio", "output_text"):
        process(data={"type": f"response.{kind}.delta", "delta": "four"}, cast_to=object, response=response)
    assert answer.characters == 8


@pytest.mark.parametrize("where", ["usage", "choice", "other choice", "x_groq"])
def test_usage_beside_text_does_not_pass_by(where: str) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    choice: dict[str, Any] = {"delta": {"content": "x"}, "finish_reason": None}
    event: dict[str, Any] = {"choices": [choice]}
    if where == "x_groq":
        event["x_groq"] = {"usage": usage}
    elif where == "other choice":
        event["choices"].append({"usage": usage})
    else:
        (choice if where == "choice" else event)["usage"] = usage
    collector = ChatCollector()
    process, response = watched(chats_and_responses, Client()), Response(collector)
    for each in ({"choices": [{"delta": {"content": "x"}, "finish_reason": None}]}, event):
        assert collector.lacks_usage()
        process(data=each, cast_to=object, response=response)
    assert not collector.lacks_usage()


def test_a_function_that_is_kept_for_two_streams_counts_each() -> None:
    one, other = AnthropicCollector(), AnthropicCollector()
    process = watched(messages, Client())
    first, second = Response(one), Response(other)
    for response in (first, second):
        process(data={"type": "message_start", "message": {}}, cast_to=object, response=response)
    for response, text in ((first, "abc"), (second, "de"), (first, "f")):
        event = {"type": "content_block_delta", "delta": {"text": text}}
        process(data=event, cast_to=object, response=response)
    assert (one.characters, other.characters) == (4, 2)


def test_a_whole_body_is_taken() -> None:
    collector = Collector()
    response = Response(collector, stream=False)
    watched(chats_and_responses, Client())(data={"id": "1"}, cast_to=object, response=response)
    assert (collector.body, collector.complete) == ({"id": "1"}, True)


@pytest.mark.parametrize("frame", [any_events, chats_and_responses, messages])
def test_the_sdks_own_error_is_raised_once(frame: Callable[[Process], Process]) -> None:
    calls = []

    def fails(self: Any, *, data: Any, cast_to: Any, response: Any) -> Any:
        calls.append(data)
        raise KeyError("delta")

    watching: Process = WatchedData(fails, frame).__get__(Client(), Client)
    with pytest.raises(KeyError):
        watching(data={}, cast_to=object, response=Response(ChatCollector()))
    assert calls == [{}]


def test_a_response_of_nobody_is_let_through() -> None:
    assert watched(messages, Client())(data=1, cast_to=object, response=object()) == 1


def test_on_the_class_it_takes_the_client() -> None:
    class Watched(Client):
        process = WatchedData(Client.process, messages)  # type: ignore[assignment]

    client = Watched()
    assert Watched.process(client, data=1, cast_to=object, response=object()) == 1
    assert client.process(data=2, cast_to=object, response=object()) == 2
    assert client.made == [1, 2]

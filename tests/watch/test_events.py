"""Pieces of text that pass by: they come to the same as if the collector had looked at each of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost.watch.collectors import AnthropicCollector, ChatCollector, Collector, ResponsesCollector
from otel_llmcost.watch.events import watched_data
from otel_llmcost.watch.exchange import EXTENSION, PIECES

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

    def __init__(self, collector: Collector) -> None:
        self.extensions = {EXTENSION: self, PIECES: collector.pieces}
        self.take = collector.take_event


def seen(collector: Collector) -> tuple[Any, ...]:
    return collector.characters, collector.events, collector.complete, collector.lacks_usage()


@pytest.mark.parametrize("kind", [Collector, ChatCollector, ResponsesCollector, AnthropicCollector])
@given(events=st.lists(_event | _odd, max_size=12))
def test_what_passes_by_is_counted(kind: type[Collector], events: list[Any]) -> None:
    passing, looked_at = kind(), kind()
    response, made = Response(passing), []
    process = watched_data(lambda self, *, data, cast_to, response: made.append(data))
    for event in copy.deepcopy(events):
        process(None, data=event, cast_to=object, response=response)
        looked_at.take_event(event)
    assert made == events
    assert seen(passing) == seen(looked_at)


@pytest.mark.parametrize("where", ["usage", "choice", "x_groq"])
def test_usage_beside_text_does_not_pass_by(where: str) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    choice: dict[str, Any] = {"delta": {"content": "x"}, "finish_reason": None}
    event: dict[str, Any] = {"choices": [choice]}
    if where == "x_groq":
        event["x_groq"] = {"usage": usage}
    else:
        (choice if where == "choice" else event)["usage"] = usage
    collector = ChatCollector()
    process = watched_data(lambda self, *, data, cast_to, response: data)
    for each in ({"choices": [{"delta": {"content": "x"}, "finish_reason": None}]}, event):
        assert collector.lacks_usage()
        process(None, data=each, cast_to=object, response=Response(collector))
    assert not collector.lacks_usage()


def test_the_sdks_own_error_is_raised_once() -> None:
    calls = []

    def fails(self: Any, *, data: Any, cast_to: Any, response: Any) -> Any:
        calls.append(data)
        raise KeyError("delta")

    collector = ChatCollector()
    with pytest.raises(KeyError):
        watched_data(fails)(None, data={}, cast_to=object, response=Response(collector))
    assert calls == [{}]


def test_a_response_of_nobody_is_let_through() -> None:
    process = watched_data(lambda self, *, data, cast_to, response: data)
    assert process(None, data=1, cast_to=object, response=object()) == 1

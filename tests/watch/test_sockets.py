"""Websockets of the openai SDK with events handed in: each answer once, budgets, odd events, switched off."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from otel_llmcost.budgets import Budget, Gate, ProcessCounter
from otel_llmcost.money import femto
from otel_llmcost.prices import load_book

from .conftest import World

USAGE = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
COST = femto("0.00028")
"""gpt-4.1 at 2 and 8 USD per million tokens (openai.com/api/pricing, checked 2026-11-23)."""


def answer(number: int = 1, **more: Any) -> dict[str, Any]:
    response = {
        "id": f"resp_{number}",
        "object": "response",
        "model": "gpt-4.1",
        "output": [],
        "usage": USAGE,
    }
    return {"type": "response.completed", "response": {**response, **more}}


def connected(**options: Any) -> Any:
    """A connection that was made without the library for websockets: its events are handed in."""
    manager = openai.OpenAI(api_key="none", **options).responses.connect()
    manager._connect_ws = lambda *more: None  # type: ignore[assignment,method-assign,return-value]
    return manager.enter()


def read(messages: list[Any], connection: Any = None, **options: Any) -> None:
    connection = connection or connected(**options)
    for message in messages:
        connection.parse_event(json.dumps(message))


def test_each_answer_is_a_call_however_often_it_is_parsed(world: World) -> None:
    read([answer(1), answer(1), answer(2)])
    assert [priced.amount for _, priced in world.calls] == [COST, COST]
    assert [call.response_id for call, _ in world.calls] == ["resp_1", "resp_2"]
    assert {(call.provider, call.host) for call, _ in world.calls} == {("openai", "api.openai.com")}
    assert all(0 < call.start_ns <= call.end_ns for call, _ in world.calls)


def test_the_host_of_the_socket_decides(world: World) -> None:
    read([answer()], websocket_base_url="ws://127.0.0.1:8000/v1")
    call, priced = world.last
    assert (call.provider, call.host, call.port, priced.amount) == ("local", "127.0.0.1", 8000, None)


def test_a_call_lasts_from_its_first_event_to_its_last(world: World) -> None:
    read([{"type": "response.created", "response": {"id": "resp_1"}}, answer()])
    call, _ = world.last
    span = world.spans.priced[-1]
    assert (span.start_time, span.end_time) == (call.start_ns, call.end_ns)
    assert call.start_ns < call.end_ns


def test_budgets_learn_of_what_could_not_be_admitted(world: World) -> None:
    world.settler.gate = Gate([Budget("cap", femto("1"))], load_book(), {"process": ProcessCounter()})
    read([answer(1), answer(2)])
    assert [state.spent for state in world.settler.gate.snapshot()] == [2 * COST]


@pytest.mark.parametrize(
    "event",
    [
        {"type": ["response.completed"]},
        {"type": "response.completed"},
        {"type": "response.completed", "response": None},
        {"type": "response.completed", "response": []},
        {"type": None},
        {},
    ],
)
def test_events_of_odd_shapes_are_no_calls(world: World, event: dict[str, Any]) -> None:
    read([event])
    assert world.calls == []


def test_an_answer_without_usage_is_visible(world: World) -> None:
    read([answer(usage=None)])
    assert (world.last[1].status, world.last[1].amount) == ("unpriced", None)


def test_a_connection_of_a_client_that_is_not_watched_is_left_alone(world: World) -> None:
    world.engine.active.clear()
    read([answer()])
    assert world.calls == []
    connection = connected()
    world.engine.active.add("openai")
    read([answer(2)], connection)
    assert world.calls == []


def test_afterwards_the_very_functions_are_back(world: World) -> None:
    from openai.resources.responses import responses

    names = [(responses.ResponsesConnection, "parse_event")]
    names += [(responses.ResponsesConnectionManager, name) for name in ("__enter__", "enter")]
    names += [(responses.AsyncResponsesConnectionManager, name) for name in ("__aenter__", "enter")]
    watched = [vars(owner)[name] for owner, name in names]
    world.unwatch()
    plain = [vars(owner)[name] for owner, name in names]
    assert all(new is not old and new.__wrapped__ is old for new, old in zip(watched, plain, strict=True))
    read([answer()])
    assert world.calls == []

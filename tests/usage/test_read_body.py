"""`read_body` takes what users have: SDK objects, dictionaries, events; and readers of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace

import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from otel_llmcost.call import Reading
from otel_llmcost.usage import bodies, read_body, register_usage_reader

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
        "cost": 0.0125,
    },
}


@pytest.fixture
def own_readers() -> Iterator[None]:
    before = dict(bodies.registry)
    yield
    bodies.registry.clear()
    bodies.registry.update(before)


def test_an_openai_object_reads_like_its_json() -> None:
    read = read_body("openai", ChatCompletion.model_validate(CHAT))
    assert read == read_body("openai", CHAT)
    assert read.usage == {"input": 40, "cache_read": 60, "output": 20}


def test_fields_that_the_sdk_does_not_know_survive() -> None:
    assert read_body("openrouter", ChatCompletion.model_validate(CHAT)).reported == Decimal("0.0125")


def test_an_anthropic_object() -> None:
    message = Message.model_validate(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [{"type": "text", "text": "hi"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 7, "cache_creation_input_tokens": 11,
                      "cache_creation": {"ephemeral_5m_input_tokens": 11, "ephemeral_1h_input_tokens": 0}},
        }
    )  # fmt: skip
    assert read_body("anthropic", message).usage == {"input": 5, "output": 7, "cache_write_5m": 11}


def test_a_response_object_whose_server_sent_other_types_than_declared() -> None:
    usage = {"input_tokens": "5", "output_tokens": 7.0, "total_tokens": None}
    response = Response.model_construct(
        id="resp_1", object="response", model="gpt-5", status="completed", usage=usage
    )
    assert read_body("openai", response).usage == {"input": 5, "output": 7}


@dataclass
class _Usage:
    prompt_tokens: int
    completion_tokens: int


def test_a_dataclass_and_a_namespace() -> None:
    assert read_body("x", SimpleNamespace(model="m", usage=_Usage(3, 4))).usage == {"input": 3, "output": 4}


@pytest.mark.parametrize("body", [None, 3, "text", [], [1, "a"], {}, object(), {"usage": 5}, [[]], b"bytes"])
def test_a_body_of_another_kind_tells_no_usage(body: object) -> None:
    reading = read_body("openai", body)
    assert reading.usage == {}
    assert reading.notes[0].startswith("no-usage: ")


def test_an_object_that_cannot_be_dumped_is_taken_apart_by_its_attributes() -> None:
    class Odd:
        def __init__(self) -> None:
            self.usage = {"prompt_tokens": 1, "completion_tokens": 2}

        def model_dump(self, **_: object) -> None:
            raise ValueError("no")

    assert read_body("openai", Odd()).usage == {"input": 1, "output": 2}


@pytest.mark.usefixtures("own_readers")
def test_a_registered_reader_reads_every_body_of_its_provider() -> None:
    register_usage_reader("mine", lambda body: {"input": body["in"], "image": Decimal("2"), "output": 0})
    assert read_body("mine", {"in": 7}).usage == {"input": 7, "image": 2}
    assert read_body("openai", CHAT).usage["input"] == 40


@pytest.mark.usefixtures("own_readers")
def test_a_registered_reader_may_answer_a_whole_reading() -> None:
    register_usage_reader("mine", lambda body: Reading(model="m", usage={"input": 1}))
    assert read_body("mine", object()).model == "m"


@pytest.mark.usefixtures("own_readers")
def test_what_a_registered_reader_finds_is_checked_like_a_body() -> None:
    register_usage_reader("mine", lambda body: {"input": -7})
    reading = read_body("mine", {})
    assert reading.usage == {}
    assert reading.notes == (
        "incomplete: input is negative: -7",
        "no-usage: the registered reader found no usage",
    )

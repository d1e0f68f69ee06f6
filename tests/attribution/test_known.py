from __future__ import annotations

import sys
import types
from contextvars import ContextVar

import pytest

from otel_llmcost.attribution import Conversations, known_ids
from otel_llmcost.attribution.known import conversation_around
from otel_llmcost.call import NO_TAGS, Reading, Tags


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"model": "gpt-5"}, NO_TAGS),
        ({"conversation": "conv_1"}, Tags(conversation="conv_1")),
        ({"conversation": {"id": "conv_1"}}, Tags(conversation="conv_1")),
        ({"user": "u1"}, Tags(user="u1")),
        ({"safety_identifier": "safe", "user": "u1"}, Tags(user="safe")),
        ({"metadata": {"user_id": "u1"}}, Tags(user="u1")),
        ({"metadata": {"topic": "x"}, "conversation": None}, NO_TAGS),
        ({"conversation": 7, "user": ["u"], "metadata": "text"}, NO_TAGS),
    ],
)
def test_ids_in_bodies(body: dict[str, object], expected: Tags) -> None:
    assert known_ids("openai", body) == expected


def test_the_answer_names_a_conversation_too() -> None:
    assert known_ids("openai", {}, Reading(conversation="conv_2")) == Tags(conversation="conv_2")


def test_chains_are_remembered_up_to_a_bound() -> None:
    chains = Conversations(limit=3)
    chains.after("", "root")
    for n in range(3):
        chains.after("other", f"r{n}")
    assert chains.before({"previous_response_id": "root"}) == "root"
    assert chains.before({"previous_response_id": "r2"}) == "other"
    for n in range(10):
        chains.after("many", f"m{n}")
    assert chains.before({"previous_response_id": "r2"}) == "r2", "forgotten: it names itself"
    assert chains.before({"previous_response_id": 3}) == ""
    assert chains.after("kept", "") == "kept"


def test_a_langgraph_thread_is_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shape that langgraph 1.2 with langchain-core 1.7 really sets (checked with both, 2026-11-23)."""
    module = types.ModuleType("langchain_core.runnables.config")
    variable: ContextVar[object] = ContextVar("child_runnable_config", default=None)
    module.var_child_runnable_config = variable  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert conversation_around(None) == ""
    token = variable.set({"configurable": {"thread_id": "thread-7"}, "metadata": {}})
    assert conversation_around(None) == "thread-7"
    variable.reset(token)

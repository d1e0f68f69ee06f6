"""Which spans stand around and inside which, and for which counted call somebody else's span stands."""

from __future__ import annotations

import time
from typing import Any

import pytest

from otel_llmcost.call import EXACT, Call, Priced
from otel_llmcost.lineage import Lineage, Remembered

MS = 1_000_000
PRICED = Priced(EXACT, 7, {"input": 7})
LOGFIRE, LANGCHAIN, LLAMA = "logfire.openai", "openinference.instrumentation.langchain", "openlit.llm"


def call(start_ms: int, end_ms: int, **more: Any) -> Call:
    """A call of so many milliseconds from now."""
    now = time.time_ns()
    told: dict[str, Any] = {"request_model": "gpt-5", "usage": {"input": 10, "output": 3}, **more}
    return Call(start_ns=now + start_ms * MS, end_ns=now + end_ms * MS, **told)


def remembering(counted: Call, scope: str = "", around: int = 0) -> Remembered:
    made = Remembered()
    made.add(counted, PRICED, True, around, scope)
    return made


def found(memory: Remembered, scope: str, told: Call, span_id: int = 1) -> bool:
    return memory.find(span_id, scope, told) is not None


# -- spans around and inside


def test_a_call_covers_what_stands_around_it_and_only_that() -> None:
    lines = Lineage()
    for span, parent in ((1, 0), (2, 1), (3, 2), (4, 1)):
        lines.born(span, parent, "s")
    lines.cover(2)
    assert [span for span in (1, 2, 3, 4) if lines.is_covered(span)] == [1, 2]
    assert [span for span, _ in lines.around(3)] == [3, 2, 1]


def test_what_starts_inside_a_watched_call_belongs_to_it() -> None:
    lines = Lineage()
    for span, parent in ((1, 0), (2, 1), (3, 2)):
        lines.born(span, parent, "s")
    lines.watch(1)
    assert [span for span in (1, 2, 3) if lines.is_covered(span)] == [2, 3]
    lines.gone(1)
    assert not lines.is_covered(2)


def test_a_child_knows_none_of_the_parents_spans() -> None:
    lines, memory = Lineage(), remembering(call(-100, -1))
    lines.born(1, 0, "s")
    lines.cover(1)
    lines.clear()
    memory.clear()
    assert not lines.is_covered(1)
    assert not found(memory, LANGCHAIN, call(-110, 0))


# -- counted calls


def test_a_span_around_a_counted_call_stands_for_it_once_for_each_scope() -> None:
    memory = remembering(call(-100, -1))
    told = call(-110, 0, request_model="openai/gpt-5")
    assert found(memory, LANGCHAIN, told)
    assert not found(memory, LANGCHAIN, told)
    assert found(memory, LOGFIRE, told)


@pytest.mark.parametrize(
    "told",
    [
        call(-110, 0, request_model="gpt-5-mini"),
        call(-110, 0, usage={"input": 11, "output": 4}),
        call(-50, 0),
        call(-110, -60),
    ],
    ids=["another model", "other tokens", "began later", "ended before"],
)
def test_a_span_of_something_else_does_not(told: Call) -> None:
    assert not found(remembering(call(-100, -1)), LANGCHAIN, told)


def test_the_id_of_the_response_decides_where_both_tell_it() -> None:
    memory = remembering(call(-100, -1, response_id="r1"))
    assert not found(memory, LANGCHAIN, call(-110, 0, response_id="r2"))
    assert found(memory, LANGCHAIN, call(-90, 0, response_id="r1", request_model="other", usage={}))


def test_the_span_in_which_spans_were_suppressed_stands_for_the_call() -> None:
    memory = remembering(call(-100, -1), around=77)
    assert not found(memory, "shop", call(-110, 0, request_model="other"), span_id=76)
    assert found(memory, "shop", call(-110, 0, request_model="other"), span_id=77)


def test_one_of_both_sums_of_tokens_is_enough() -> None:
    memory = remembering(call(-100, -1, usage={"input": 10, "cache_read": 90, "output": 3}))
    assert found(memory, LANGCHAIN, call(-110, 0, usage={"input": 10, "output": 3}))
    assert found(memory, LOGFIRE, call(-110, 0, usage={"input": 10, "cache_read": 90, "output": 4}))


def test_a_span_without_length_is_written_after_the_fact() -> None:
    memory = remembering(call(-100, -1))
    assert found(memory, LOGFIRE, call(1, 1))
    assert found(memory, "shop", call(1, 1)), "the program's own note of a call that was watched"


def test_two_notes_of_programs_own_are_two_calls_however_alike() -> None:
    for start, end in ((0, 0), (-100, -1)):
        memory = remembering(call(start, end), scope="shop.search")
        assert not found(memory, "shop.answers", call(start - 1, end + 1))
        assert not found(memory, "shop.answers", call(0, 0))


def test_a_programs_note_after_the_fact_is_no_span_of_somebody_elses_call() -> None:
    memory = remembering(call(-100, -1), scope=LLAMA)
    assert not found(memory, "shop", call(1, 1))
    assert found(memory, "shop", call(-110, 0)), "around it in time"


def test_the_same_scope_never_tells_of_one_call_twice() -> None:
    memory = remembering(call(-100, -1), scope=LANGCHAIN)
    assert not found(memory, LANGCHAIN, call(-110, 0))


def test_what_was_counted_long_ago_is_not_looked_at() -> None:
    memory = remembering(call(-5000, -4000))
    assert not found(memory, LOGFIRE, call(2000, 2000))

"""Settling: once by the key, told to everybody, and a failure of one keeps nothing from the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from otel_llmcost.budgets import Gate, ProcessCounter, define_budget
from otel_llmcost.call import EXACT, NO_TAGS, UNPRICED, Call, Priced, batch_key, code_of
from otel_llmcost.metrics import Counters
from otel_llmcost.semconv import SETTLE
from otel_llmcost.settle import Keys, Settler
from otel_llmcost.watch.later import Created

from .budgets.flat_book import FlatBook, request


class Book:
    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def price(self, call: Call) -> Priced:
        if self.failure is not None:
            raise self.failure
        return Priced(EXACT, 7, {"input": 7}, (), "v")


class Kept:
    """A ledger, an accumulator and a listener in one; fails where told to."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.seen: list[str] = []

    def _take(self, where: str) -> None:
        if where in self.failing:
            raise RuntimeError(where)
        self.seen.append(where)

    def record(self, call: Call, priced: Priced) -> None:
        self._take("ledger")

    def add(self, call: Call, priced: Priced) -> None:
        self._take("scope")

    def listen(self, call: Call, priced: Priced) -> None:
        self._take("listener")


def settler(kept: Kept, book: Book | None = None) -> Settler:
    made = Settler(book or Book(), Counters(("source",), "off", False), kept)
    made.listeners.append(kept.listen)
    return made


def call(key: str = "otel:1:2", **more: Any) -> Call:
    return Call(key=key, provider="openai", request_model="gpt-5", usage={"input": 1}, **more)


def test_a_key_counts_once() -> None:
    kept = Kept()
    desk = settler(kept)
    assert desk.settle_call(call()) is not None
    assert desk.settle_call(call()) is None
    assert desk.settle_call(call("otel:1:3")) is not None
    assert kept.seen == ["ledger", "listener"] * 2


@pytest.mark.parametrize("failing", ["ledger", "scope", "listener"])
def test_a_failure_of_one_keeps_nothing_from_the_others(failing: str) -> None:
    kept = Kept(failing)
    priced = settler(kept).settle_call(call(), scopes=(kept,))
    assert priced is not None
    assert sorted(kept.seen) == sorted({"ledger", "scope", "listener"} - {failing})


def test_a_call_that_cannot_be_priced_is_kept_all_the_same() -> None:
    kept = Kept()
    priced = settler(kept, Book(RuntimeError("x"))).settle_call(call())
    assert priced is not None
    assert (priced.status, priced.amount) == (UNPRICED, None)
    assert [code_of(reason) for reason in priced.reasons] == ["internal"]
    assert kept.seen == ["ledger", "listener"]


def test_a_response_that_was_settled_is_known_by_its_id() -> None:
    desk = settler(Kept())
    desk.settle_call(call(response_id="resp_1"))
    assert desk.answered("resp_1")
    assert not desk.answered("resp_2")


def test_replays_are_kept_out_of_the_ledger_on_wish() -> None:
    kept = Kept()
    desk = settler(kept)
    desk.keep_out_of_ledger = True
    desk.settle_call(call())
    assert kept.seen == ["listener"]


def test_keys_are_bounded_and_the_newest_stay() -> None:
    keys = Keys(10)
    for number in range(1000):
        assert keys.insert(str(number))
    assert all(not keys.insert(str(number)) for number in range(995, 1000))
    assert keys.insert("0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openinference", {"llm.cost.total": 9e-15, "llm.cost.prompt": 6e-15, "llm.cost.completion": 3e-15}),
        ("logfire", {"operation.cost": 9e-15}),
        (
            "langfuse",
            {
                "langfuse.observation.cost_details": (
                    '{"input": 4e-15, "cache_read": 2e-15, "output": 3e-15, "total": 9e-15}'
                )
            },
        ),
        (
            "draft",
            {
                "gen_ai.usage.cost.amount": 9e-15,
                "gen_ai.usage.cost.currency": "USD",
                "gen_ai.usage.cost.source": "local",
            },
        ),
    ],
)
def test_extra_spellings(name: str, expected: dict[str, Any]) -> None:
    desk = Settler(Book(), Counters(("source",), "off", False), None, extra_dialects=(name, "no-such"))
    found = desk.cost_attributes(Priced(EXACT, 9, {"input": 4, "cache_read": 2, "output": 3}))
    assert found["gen_ai.usage.cost"] == 9e-15
    assert {key: found[key] for key in expected} == expected
    unknown = desk.cost_attributes(Priced(UNPRICED, None, {}))
    assert not set(expected) & set(unknown)


@pytest.mark.parametrize("elsewhere", ["", "1", "2"])
def test_each_line_of_a_batch_is_spend_but_those_that_another_process_counts(elsewhere: str) -> None:
    budget = define_budget("batches", "1")
    gate = Gate([budget], FlatBook(), {"process": ProcessCounter()})
    desk = settler(Kept())
    desk.gate = gate
    desk.claim = lambda key: key != batch_key("batch_1", elsewhere)
    observation: Any = SimpleNamespace(
        span=None, scopes=(), asked_tags=NO_TAGS, reservation=gate.admit(request())
    )
    created = Created(call(response_id="batch_1"), observation)
    for line in ("1", "2", "3"):
        desk.settle_later(call(batch_key("batch_1", line), operation=SETTLE), created)
    (state,) = gate.snapshot()
    assert (state.spent, state.reserved) == (7 * (2 if elsewhere else 3), 0)

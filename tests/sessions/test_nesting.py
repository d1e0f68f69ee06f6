"""A call counts in its session and in those around it, in the program and in the listing alike."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.attribution import stage
from otel_llmcost.ledger import LedgerSettings, Recorder, open_recorder
from otel_llmcost.ledger.filters import CallFilter
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.metrics import Counters
from otel_llmcost.prices import load_book
from otel_llmcost.services import Services
from otel_llmcost.sessions import Session, SessionLog, session
from otel_llmcost.sessions.kept import KeptSession, kept_sessions
from otel_llmcost.settle import Settler
from otel_llmcost.tracker import CostTracker

BOOK = load_book()


class House:
    """A program with a ledger."""

    def __init__(self, directory: Path) -> None:
        recorder = open_recorder(LedgerSettings(directory))
        assert recorder is not None
        self.recorder: Recorder = recorder
        self.parts = Services(
            BOOK,
            Settler(BOOK, Counters(("source",), "off", False), recorder),
            keep_session=SessionLog(directory).keep,
        )
        self.tracker = CostTracker(self.parts)

    def session(self, id: str) -> Session:
        return session(id, parts=self.parts)

    def call(self, model: str = "gpt-5") -> None:
        # gpt-5: $1.25 a million
        self.tracker.record("openai", model, 1_000)

    def kept(self, limit: int = -1, against: str | None = None, **fields: str) -> dict[str, KeptSession]:
        self.recorder.close(5)
        with Ledger(self.recorder.directory) as ledger:
            found = kept_sessions(ledger, CallFilter(fields=fields), limit, against, BOOK)
        return {one.costs.session: one for one in found}

    def calls(self, **fields: str) -> dict[str, int]:
        return {id: one.costs.sums.calls for id, one in self.kept(**fields).items()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_listing_says_what_the_session_says(house: House) -> None:
    with house.session("outer") as outer:
        house.call()
        with stage("review"):
            house.call()
            with house.session("inner") as inner:
                house.call()
                with house.session("innermost"):
                    house.call()
    house.call()
    kept = house.kept(against="gpt-5")
    assert {id: one.costs.sums.calls for id, one in kept.items()} == {"outer": 4, "inner": 2, "innermost": 1}
    assert (outer.calls, inner.calls) == (4, 2)
    assert kept["outer"].costs.sums.cost == outer.usd == Decimal("0.005")
    assert {each.stage: each.sums.calls for each in kept["outer"].costs.stages} == {"": 1, "review": 3}
    assert [one.compared.compared for one in kept.values() if one.compared] == [4, 2, 1]
    assert kept["outer"].stages_compared["review"].compared == 3
    assert kept["outer"].compared is not None
    assert kept["outer"].compared.saved == 0


def test_a_session_whose_calls_are_all_in_others_is_listed(house: House) -> None:
    with house.session("outer"), house.session("inner"):
        house.call()
        house.call("gpt-5-mini")
    assert house.calls() == {"outer": 2, "inner": 2}
    assert house.calls(session="outer") == {"outer": 2}
    assert house.calls(session="out*") == {"outer": 2}
    assert house.calls(session="inner") == {"inner": 2}
    assert house.calls(model="gpt-5-mini") == {"outer": 1, "inner": 1}
    assert list(house.kept(limit=1)) == ["outer"]


def test_an_id_that_is_used_again_counts_where_it_was_used(house: House) -> None:
    for run, calls in (("run-1", 1), ("run-2", 2)):
        with house.session(run), house.session("plan"):
            for _ in range(calls):
                house.call()
    with house.session("plan"), house.session("plan"):
        house.call()
    assert house.calls() == {"plan": 4, "run-1": 1, "run-2": 2}
    assert house.calls(session="run-1") == {"run-1": 1}
    compared = house.kept(against="gpt-5-mini")
    assert [compared[id].compared.compared for id in ("run-1", "run-2", "plan")] == [1, 2, 4]  # type: ignore[union-attr]
    assert list(house.kept(limit=2)) == ["plan", "run-2"]


def test_sessions_that_once_stood_in_each_other_end(house: House) -> None:
    with house.session("a"), house.session("b"):
        house.call()
    with house.session("b"), house.session("a"):
        house.call()
    assert house.calls() == {"a": 2, "b": 2}


def test_a_session_that_ended_is_around_nobody(house: House) -> None:
    outer = house.session("outer").start()
    with house.session("between"):
        outer.finish()
        with house.session("inner"):
            house.call()
    assert house.calls() == {"between": 1, "inner": 1}
    assert outer.calls == 0

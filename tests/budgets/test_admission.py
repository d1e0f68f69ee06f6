"""The gate: refusals before the request leaves, exact settlement, thresholds, scopes, and what it never does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import time
from dataclasses import replace
from pathlib import Path

import pytest

from otel_llmcost.budgets import Budget, Gate, MachineCounter, ProcessCounter, parse_window
from otel_llmcost.budgets.bounds import bound_of
from otel_llmcost.budgets.from_ledger import reconcile
from otel_llmcost.budgets.machine import FILE_NAME
from otel_llmcost.budgets.shared_table import SharedTable
from otel_llmcost.budgets.windows import iso
from otel_llmcost.call import COMMITTED, DELEGATED, PARTIAL, PENDING, UNPRICED, Asked, Call, Priced, Tags
from otel_llmcost.errors import BudgetExceeded
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.money import femto

from .flat_book import FlatBook, cost, paid, request

NOON = 1_795_000_000 - 1_795_000_000 % 86_400 + 43_200  # a day in 2026, 12:00 UTC


class Clock:
    """Wall time that stands still until it is set."""

    def __init__(self, seconds: int = NOON) -> None:
        self.seconds = seconds

    def __call__(self) -> int:
        return self.seconds * 10**9


def gate(*budgets: Budget, clock: Clock | None = None, directory: Path | None = None) -> Gate:
    counters = {"process": ProcessCounter(), **({"machine": MachineCounter(directory)} if directory else {})}
    return Gate(budgets, FlatBook(), counters, clock_ns=clock or Clock())


def most(asked: Asked) -> int:
    return cost(bound_of(asked).input_tokens, 100)


def ask(text: str = "hello", at: int = NOON, **more: object) -> Asked:
    return request(text, at=at, **more)  # type: ignore[arg-type]


def block(amount: int, **more: object) -> Budget:
    return replace(Budget("cap", amount, action="block"), **more)


def test_a_call_that_fits_is_reserved_and_settled_exactly() -> None:
    one = gate(block(femto("1")))
    reservation = one.admit(ask())
    assert reservation is not None
    state = one.snapshot()[0]
    assert (state.spent, state.reserved, reservation.amount) == (0, most(ask()), most(ask()))
    reservation.settle(paid(123))
    state = one.snapshot()[0]
    assert (state.spent, state.reserved, state.remaining) == (123, 0, femto("1") - 123)


def test_a_call_that_may_exceed_the_limit_is_refused_by_name() -> None:
    limit = most(ask()) * 2 - 1
    one = gate(block(limit, window=parse_window("day", "Europe/Berlin")))
    one.admit(ask())
    with pytest.raises(BudgetExceeded) as refused:
        one.admit(ask())
    error = refused.value
    assert error.budget == "cap"
    assert femto(error.limit) == limit
    assert femto(error.spent) == femto(error.asked) == most(ask())
    assert error.resets_at == "2026-11-18T23:00:00Z"
    assert "resets at" in str(error)
    assert one.refused == {"cap": 1}
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_call_of_exactly_what_is_left_is_admitted() -> None:
    one = gate(block(most(ask())))
    assert one.admit(ask()) is not None


def test_no_budget_covers_no_reservation() -> None:
    assert gate().admit(ask()) is None
    assert gate(block(0, providers=("anthropic",))).admit(ask()) is None
    assert gate(block(0, models=("gpt-*",))).admit(ask()) is None
    assert gate(block(0, tags={"team": ("search",)})).admit(ask(tags=Tags(team="ads"))) is None


@pytest.mark.parametrize(
    "selectors",
    [
        {},
        {"providers": ("anthropic", "openai")},
        {"models": ("kn*",)},
        {"models": ("known",), "providers": ("openai",)},
        {"tags": {"team": ("ads", "search")}},
        {"tags": {"team": ("sea*",), "tier": ("gold",)}},
    ],
)
def test_selectors_that_all_match_cover_the_call(selectors: dict[str, object]) -> None:
    tags = Tags(team="search", own={"tier": "gold"})
    with pytest.raises(BudgetExceeded):
        gate(block(0, **selectors)).admit(ask(tags=tags))


def test_an_empty_tag_matches_no_pattern() -> None:
    assert gate(block(0, tags={"team": ("*",)})).admit(ask()) is None


def test_every_budget_that_covers_a_call_counts_it_and_the_tightest_refuses() -> None:
    wide, tight = block(femto("1"), name="wide"), block(most(ask()), name="tight", models=("known",))
    one = gate(wide, tight)
    first = one.admit(ask())
    assert first is not None
    assert first.budgets == ["wide", "tight"]
    with pytest.raises(BudgetExceeded, match="'tight'"):
        one.admit(ask())
    first.settle(paid(10))
    assert [(state.spent, state.reserved) for state in one.snapshot()] == [(10, 0), (10, 0)]


def test_warn_and_observe_never_refuse(caplog: pytest.LogCaptureFixture) -> None:
    one = gate(block(1, name="warning", action="warn"), block(1, name="watching", action="observe"))
    for _ in range(3):
        reservation = one.admit(ask(model="unheard-of"))
        assert reservation is not None
        reservation.settle(paid(10))
    assert [state.spent for state in one.snapshot()] == [30, 30]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3  # one a threshold, for the one that warns
    assert all("'warning'" in line for line in said)


def test_thresholds_are_met_once_each_window(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    one = gate(block(1000, action="warn", window=parse_window("day"), thresholds=(50, 80, 100)), clock=clock)

    def spend(amount: int) -> list[tuple[int, float]]:
        reservation = one.admit(ask(at=clock.seconds))
        assert reservation is not None
        return [(crossing.threshold, crossing.share) for crossing in reservation.settle(paid(amount))]

    assert spend(499) == []
    assert spend(1) == [(50, 0.5)]
    assert spend(200) == []
    assert spend(400) == [(80, 1.1), (100, 1.1)]
    assert spend(400) == []
    clock.seconds += 86_400
    assert spend(900) == [(50, 0.9), (80, 0.9)]
    assert len(caplog.records) == 5


def test_a_crossing_is_an_event_with_attributes() -> None:
    one = gate(block(femto("0.01"), action="observe"))
    reservation = one.admit(ask())
    assert reservation is not None
    (crossing, *_) = reservation.settle(paid(femto("0.02")))
    assert crossing.EVENT == "llmcost.budget.threshold"
    assert crossing.attributes() == {
        "llmcost.budget.name": "cap",
        "llmcost.budget.threshold": 80,
        "llmcost.budget.spent": 0.02,
        "llmcost.budget.limit": 0.01,
    }


def test_a_new_day_is_a_new_budget_and_yesterdays_calls_settle_yesterday() -> None:
    clock = Clock(NOON)
    midnight = NOON + 43_200
    one = gate(block(most(ask()), window=parse_window("day")), clock=clock)
    late = one.admit(ask(at=midnight - 1))
    assert late is not None
    with pytest.raises(BudgetExceeded):
        one.admit(ask(at=midnight - 1))
    clock.seconds = midnight
    early = one.admit(ask(at=midnight))
    assert early is not None
    late.settle(paid(most(ask())))
    early.settle(paid(5))
    assert one.snapshot()[0].spent == 5
    clock.seconds = midnight - 1
    assert one.snapshot()[0].spent == most(ask())


def test_the_day_of_25_hours_is_one_budget() -> None:
    start = 1_792_879_200  # 2026-10-24T22:00Z, midnight in Berlin
    clock = Clock(start)
    one = gate(block(most(ask()), window=parse_window("day", "Europe/Berlin")), clock=clock)
    first = one.admit(ask(at=start))
    assert first is not None
    first.settle(paid(1))
    with pytest.raises(BudgetExceeded) as refused:
        one.admit(ask(at=start + 25 * 3600 - 1))
    assert refused.value.resets_at == "2026-10-25T23:00:00Z"
    assert one.admit(ask(at=start + 25 * 3600)) is not None


def test_a_rolling_window_never_holds_more_than_its_limit() -> None:
    clock = Clock()
    limit = 3 * most(ask())
    one = gate(block(limit, window=parse_window("rolling 240s")), clock=clock)
    admitted: list[int] = []
    for at in range(NOON, NOON + 2000, 7):
        clock.seconds = at
        try:
            reservation = one.admit(ask(at=at))
        except BudgetExceeded:
            continue
        assert reservation is not None
        reservation.settle(paid(most(ask())))
        admitted.append(at)
    assert len(admitted) > 12
    for at in admitted:
        assert sum(1 for other in admitted if at - 240 < other <= at) <= 3


@pytest.mark.parametrize("scope", ["process", "machine"])
def test_a_rolling_window_says_when_there_is_room_for_the_call(scope: str, tmp_path: Path) -> None:
    clock = Clock()
    # steps of 10 s; three calls fit, a second apart from each other in steps
    window, amount = parse_window("rolling 240s"), 3 * most(ask())
    one = gate(block(amount, window=window, scope=scope), clock=clock, directory=tmp_path)
    for at in (NOON, NOON + 20, NOON + 40):
        clock.seconds = at
        reservation = one.admit(ask(at=at))
        assert reservation is not None
        reservation.settle(paid(most(ask())))
    clock.seconds = NOON + 45
    told = []
    for tokens in (100, 150, 10_000):
        with pytest.raises(BudgetExceeded) as refused:
            one.admit(ask(at=NOON + 45, max_tokens=tokens))
        told.append(refused.value.resets_at)
    # the first call leaves, the second one leaves, never
    assert told == [iso(NOON + 250), iso(NOON + 270), ""]
    with pytest.raises(BudgetExceeded):
        one.admit(ask(at=NOON + 249))
    assert one.admit(ask(at=NOON + 250)) is not None


def test_refusals_of_a_rolling_window_are_logged_once_in_its_length(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    one = gate(block(most(ask()), window=parse_window("rolling 240s")), clock=clock)
    for at in range(NOON, NOON + 480, 5):
        clock.seconds = at
        with contextlib.suppress(BudgetExceeded):
            one.admit(ask(at=at))
    assert len([line for line in caplog.messages if "are refused" in line]) == 2


def test_each_conversation_has_its_own_budget() -> None:
    one = gate(block(most(ask()), window=parse_window("conversation")))
    for talk in ("a", "b", "c"):
        assert one.admit(ask(tags=Tags(conversation=talk))) is not None
    with pytest.raises(BudgetExceeded):
        one.admit(ask(tags=Tags(conversation="b")))
    assert one.admit(ask()) is None  # no conversation, nothing to count on


def test_a_released_call_costs_nothing() -> None:
    one = gate(block(most(ask())))
    reservation = one.admit(ask())
    assert reservation is not None
    reservation.release()
    reservation.settle(paid(99))
    state = one.snapshot()[0]
    assert (state.spent, state.reserved) == (0, 0)


def test_a_reservation_is_settled_once() -> None:
    one = gate(block(femto("1")))
    reservation = one.admit(ask())
    assert reservation is not None
    for _ in range(3):
        reservation.settle(paid(7))
    assert one.snapshot()[0].spent == 7


@pytest.mark.parametrize(
    ("priced", "counted"),
    [
        (None, "bound"),
        (Priced(UNPRICED, None, {}), "bound"),
        (Priced(PARTIAL, 5, {"output": 5}), "bound"),
        (Priced(DELEGATED, None, {}), "nothing"),
        (Priced(COMMITTED, None, {}), "nothing"),
    ],
)
def test_what_nobody_can_know_counts_with_its_bound(priced: Priced | None, counted: str) -> None:
    one = gate(block(femto("1")), block(femto("1"), name="warning", action="warn"))
    reservation = one.admit(ask())
    assert reservation is not None
    reservation.settle(priced)
    blocking, warning = one.snapshot()
    assert blocking.spent == (most(ask()) if counted == "bound" else 0)
    assert warning.spent == (5 if priced is not None and priced.status == PARTIAL else 0)


def test_a_pending_call_keeps_its_reservation_until_its_result() -> None:
    one = gate(block(most(ask())))
    reservation = one.admit(ask())
    assert reservation is not None
    reservation.settle(Priced(PENDING, None, {}))
    with pytest.raises(BudgetExceeded):
        one.admit(ask())
    reservation.settle(paid(0))
    assert one.admit(ask()) is not None


def test_what_has_no_bound_is_refused_unless_allowed() -> None:
    with pytest.raises(BudgetExceeded, match="no price is known for openai/unheard-of"):
        gate(block(femto("1"))).admit(ask(model="unheard-of"))
    allowing = gate(block(femto("1"), on_unpriced="allow"))
    reservation = allowing.admit(ask(model="unheard-of"))
    assert reservation is not None
    reservation.settle(paid(5))
    assert allowing.snapshot()[0].spent == 5


def test_a_call_that_nobody_admitted_is_counted_when_it_is_seen() -> None:
    one = gate(block(100))
    crossed = one.spend(Call(provider="openai", request_model="known", start_ns=NOON * 10**9), paid(90))
    assert [crossing.threshold for crossing in crossed] == [80, 90]
    assert one.snapshot()[0].spent == 90


def test_forecast_says_when_the_limit_is_reached() -> None:
    clock = Clock(NOON)
    one = gate(block(1000, action="warn", window=parse_window("day")), clock=clock)
    assert one.snapshot()[0].runs_out_at == 0
    one.spend(Call(provider="openai", request_model="known", start_ns=(NOON - 3600) * 10**9), paid(500))
    # 500 in the hour since the budget was first charged: the other 500 last one hour more
    clock.seconds = NOON + 3600
    state = one.snapshot()[0]
    assert state.as_json()["runs_out_at"] == "2026-11-18T14:00:00Z"
    clock.seconds = NOON + 40_000
    assert one.snapshot()[0].runs_out_at == 0  # at that rate not before midnight


@pytest.mark.parametrize(
    ("window", "least"),
    [
        ("hour", 360),
        ("day", 864),
        ("week", 6048),
        ("total", 600),
        ("rolling 24h", 864),
        ("rolling 10s", 1),
        ("rolling 3h", 600),
    ],
)
def test_what_was_spent_in_a_moment_foretells_nothing(window: str, least: int) -> None:
    clock = Clock(NOON)
    one = gate(block(1000, action="warn", window=parse_window(window)), clock=clock)
    one.spend(Call(provider="openai", request_model="known", start_ns=NOON * 10**9), paid(999))
    clock.seconds = NOON + least - 1
    assert one.snapshot()[0].runs_out_at == 0
    clock.seconds = NOON + least
    assert NOON + least <= one.snapshot()[0].runs_out_at <= NOON + least + 7


def test_a_limit_that_is_spent_is_reached_and_nobody_says_when() -> None:
    clock = Clock(NOON)
    one = gate(block(1000, action="warn", window=parse_window("day")), clock=clock)
    assert not one.snapshot()[0].reached
    one.spend(Call(provider="openai", request_model="known", start_ns=(NOON - 3600) * 10**9), paid(1000))
    clock.seconds = NOON + 3600
    told = one.snapshot()[0].as_json()
    assert (told["reached"], told["runs_out_at"]) == (True, None)


def test_amounts_are_exact_text() -> None:
    one = gate(block(femto("12.5"), window=parse_window("month")))
    one.spend(
        Call(provider="openai", request_model="known", start_ns=NOON * 10**9),
        paid(femto("0.000000000000123")),
    )
    shown = one.snapshot()[0].as_json()
    assert (shown["limit"], shown["spent"], shown["remaining"]) == (
        "12.5",
        "0.000000000000123",
        "12.499999999999877",
    )
    assert one.amounts() == [("cap", femto("12.5"), 123)]


# -- machine scope


def machine(amount: int, **more: object) -> Budget:
    return block(amount, scope="machine", **more)


def test_two_gates_share_a_machine_budget(tmp_path: Path) -> None:
    here, there = (gate(machine(most(ask())), directory=tmp_path) for _ in range(2))
    reservation = here.admit(ask())
    assert reservation is not None
    with pytest.raises(BudgetExceeded):
        there.admit(ask())
    reservation.settle(paid(0))
    assert there.admit(ask()) is not None


def test_a_machine_that_refuses_gives_the_process_its_money_back(tmp_path: Path) -> None:
    one = gate(block(femto("1"), name="own"), machine(0), directory=tmp_path)
    with pytest.raises(BudgetExceeded, match="'cap'"):
        one.admit(ask())
    assert [state.reserved for state in one.snapshot()] == [0, 0]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_counter_that_stays_busy_is_waited_for_50_ms(
    tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = gate(machine(femto("1")), directory=tmp_path)
    one.snapshot()
    other = SharedTable(tmp_path / FILE_NAME)
    other.lock()
    started = time.monotonic()
    for _ in range(2):
        reservation = one.admit(ask()) if way == "sync" else asyncio.run(one.admit_async(ask()))
    took = (time.monotonic() - started) / 2
    assert reservation is not None
    assert took > 0.045
    assert len(caplog.records) == 1
    assert "calls are let through" in caplog.text
    reservation.settle(paid(7))
    other.unlock()
    assert one.flush(1)
    assert one.snapshot()[0].spent == 7


def test_the_event_loop_runs_on_while_admission_waits(tmp_path: Path) -> None:
    one = gate(machine(femto("1")), directory=tmp_path)
    one.snapshot()
    other = SharedTable(tmp_path / FILE_NAME)
    other.lock()

    async def both() -> int:
        ticks = 0
        admission = asyncio.ensure_future(one.admit_async(ask()))
        while not admission.done():
            await asyncio.sleep(0)
            ticks += 1
            if ticks == 3:
                other.unlock()
        assert (await admission) is not None
        return ticks

    assert asyncio.run(both()) >= 3
    assert one.snapshot()[0].reserved == most(ask())


def test_an_admission_that_is_cancelled_holds_nothing(tmp_path: Path) -> None:
    one = gate(block(femto("1"), name="own"), machine(femto("1")), directory=tmp_path)
    one.snapshot()
    other = SharedTable(tmp_path / FILE_NAME)
    other.lock()

    async def cancelled() -> None:
        admission = asyncio.ensure_future(one.admit_async(ask()))
        await asyncio.sleep(0.001)
        admission.cancel()
        with pytest.raises(asyncio.CancelledError):
            await admission

    asyncio.run(cancelled())
    other.unlock()
    assert [state.reserved for state in one.snapshot()] == [0, 0]


def test_an_unreachable_counter_refuses_where_it_is_closed(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    closed = gate(machine(femto("1"), on_unreachable="closed"), directory=tmp_path / "state")
    with pytest.raises(BudgetExceeded, match="on_unreachable = 'closed'"):
        closed.admit(ask())
    state = closed.snapshot()[0]
    assert not state.known
    assert state.as_json()["spent"] is None
    assert closed.amounts() == []


def test_an_outage_is_made_up_for_from_memory_and_from_the_ledger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    obstacle = tmp_path / "state"
    obstacle.write_text("in the way")
    one = gate(machine(1000, thresholds=()), directory=obstacle)
    for _ in range(3):
        reservation = one.admit(ask())
        assert reservation is not None
        reservation.settle(paid(100))
    assert len(caplog.records) == 1
    obstacle.unlink()
    assert one.snapshot()[0].spent == 300
    # Another process settled 50 in that time and is gone: only the ledger knows.
    with Ledger(obstacle) as ledger:
        ledger.add([LedgerRow("a", start_ns=NOON * 10**9, status="exact", amount=350)])
        assert reconcile(one, ledger, NOON) == {"cap": 50}
        assert reconcile(one, ledger, NOON) == {}
    assert one.snapshot()[0].spent == 350


def test_only_a_shared_block_budget_may_wait(tmp_path: Path) -> None:
    assert not gate(block(1)).waits
    assert not gate(machine(1, action="warn"), directory=tmp_path).waits
    assert gate(machine(1), directory=tmp_path).waits


def test_a_forked_child_does_not_make_up_for_its_parent(tmp_path: Path) -> None:
    one = gate(machine(1000, action="warn", thresholds=()), directory=tmp_path)
    one.snapshot()
    other = SharedTable(tmp_path / FILE_NAME)
    other.lock()
    one.spend(Call(provider="openai", request_model="known", start_ns=NOON * 10**9), paid(100))
    other.unlock()
    child = os.fork()
    if child == 0:
        try:
            one.flush(1)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert one.flush(1)
    assert one.snapshot()[0].spent == 100


def test_what_is_not_known_is_no_amount() -> None:
    told = str(BudgetExceeded("b", limit="1", spent="unknown", asked="unknown", reason="and why"))
    assert told == "budget 'b': limit $1, spent and reserved unknown, and why"

"""What every counter must do, for the one of a process and the one of a machine alike."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_llmcost.budgets.counter import Charge, CounterBusy, CounterStore, Move, Refusal, Sums
from otel_llmcost.budgets.machine import MachineCounter
from otel_llmcost.budgets.process import ProcessCounter
from otel_llmcost.budgets.windows import ALWAYS, Span, parse_window

LEASE = 600
Made = Callable[[], CounterStore]


@pytest.fixture(params=["process", "machine"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    if request.param == "process":
        return lambda: ProcessCounter(lease=LEASE)
    return lambda: MachineCounter(tmp_path / "state", lease=LEASE)


@pytest.fixture
def counter(made: Made) -> CounterStore:
    return made()


def charge(amount: int, limit: int | None = 100, account: str = "b", span: Span = ALWAYS) -> Charge:
    return Charge(account, span, amount, limit)


def held(answer: int | Refusal) -> int:
    assert isinstance(answer, int)
    return answer


def test_reserving_and_settling_moves_the_sums(counter: CounterStore) -> None:
    charges = [charge(60)]
    hold = held(counter.reserve(charges, 1000))
    assert counter.sums("b", ALWAYS) == Sums(0, 60, 1000)
    assert counter.settle(hold, charges, [25], 1001) == [Move(0, 25)]
    assert counter.sums("b", ALWAYS) == Sums(25, 0, 1000)


def test_what_is_reserved_leaves_no_room_and_what_is_settled_gives_it_back(counter: CounterStore) -> None:
    first = [charge(60)]
    hold = held(counter.reserve(first, 1))
    assert counter.reserve([charge(41)], 1) == Refusal(0, Sums(0, 60, 1))
    held(counter.reserve([charge(40)], 1))
    counter.settle(hold, first, [10], 1)
    assert counter.reserve([charge(51)], 1) == Refusal(0, Sums(10, 40, 1))
    held(counter.reserve([charge(50)], 1))


def test_several_charges_are_held_all_or_none(counter: CounterStore) -> None:
    assert counter.reserve([charge(10, account="a"), charge(200)], 1) == Refusal(1, Sums())
    assert counter.sums("a", ALWAYS) == Sums()
    charges = [charge(10, account="a"), charge(20)]
    hold = held(counter.reserve(charges, 1))
    assert counter.settle(hold, charges, [3, 4], 1) == [Move(0, 3), Move(0, 4)]


def test_without_a_limit_nothing_is_refused(counter: CounterStore) -> None:
    held(counter.reserve([charge(10**30, limit=None)], 1))
    assert counter.sums("b", ALWAYS).reserved == 10**30


def test_hold_zero_only_adds(counter: CounterStore) -> None:
    assert counter.settle(0, [charge(0, limit=None)], [7], 1) == [Move(0, 7)]
    assert counter.sums("b", ALWAYS) == Sums(7, 0, 1)


def test_a_second_settlement_of_one_hold_does_not_free_anothers(counter: CounterStore) -> None:
    mine = [charge(50)]
    hold = held(counter.reserve(mine, 1))
    counter.settle(hold, mine, [0], 1)
    held(counter.reserve([charge(50)], 1))
    counter.settle(hold, mine, [0], 1)
    assert counter.sums("b", ALWAYS).reserved == 50


def test_windows_are_counted_apart(counter: CounterStore) -> None:
    day = parse_window("day")
    today, tomorrow = day.at(100), day.at(86_500)
    late = [charge(100, span=today)]
    hold = held(counter.reserve(late, 86_399))
    held(counter.reserve([charge(100, span=tomorrow)], 86_401))
    counter.settle(hold, late, [80], 86_402)
    assert counter.sums("b", today) == Sums(80, 0, 86_399)
    assert counter.sums("b", tomorrow).reserved == 100
    assert counter.sums("b", tomorrow).spent == 0


def test_a_rolling_window_lets_go_of_what_is_too_old(counter: CounterStore) -> None:
    window = parse_window("rolling 240s")  # steps of 10 seconds
    for at in (1000, 1100, 1200):
        counter.settle(0, [charge(0, span=window.at(at))], [10], at)
    assert counter.sums("b", window.at(1200)).spent == 30
    assert counter.sums("b", window.at(1239)).spent == 30
    assert counter.sums("b", window.at(1255)).spent == 20
    assert counter.sums("b", window.at(1355)).spent == 10
    assert counter.sums("b", window.at(1455)).spent == 0


def test_a_lease_that_ends_gives_back_what_a_refused_call_needs(counter: CounterStore) -> None:
    lost = [charge(100)]
    hold = held(counter.reserve(lost, 1000))
    assert isinstance(counter.reserve([charge(1)], 1000 + LEASE - 1), Refusal)
    if isinstance(counter, MachineCounter):  # it looks at most every 20 ms
        counter.expire(1000 + LEASE)
    held(counter.reserve([charge(100)], 1000 + LEASE))
    # The lost call ends after all: it adds what it cost and frees nothing of others.
    counter.settle(hold, lost, [5], 1000 + LEASE)
    assert counter.sums("b", ALWAYS) == Sums(5, 100, 1000)


def test_expire_says_how_many_it_dropped(counter: CounterStore) -> None:
    for _ in range(3):
        held(counter.reserve([charge(1)], 1000))
    assert counter.expire(1000) == 0
    assert counter.expire(1000 + LEASE) == 3
    assert counter.sums("b", ALWAYS).reserved == 0


def test_spend_is_lifted_and_never_lowered(counter: CounterStore) -> None:
    counter.settle(0, [charge(0)], [30], 1)
    assert counter.raise_to(charge(50), 1) == 20
    assert counter.raise_to(charge(10), 1) == 0
    assert counter.sums("b", ALWAYS).spent == 50


def test_the_fullest_conversation_is_found(counter: CounterStore) -> None:
    for talk, amount in (("x", 3), ("y", 9), ("z", 5)):
        counter.settle(0, [charge(0, account=f"chat\0{talk}")], [amount], 1)
    counter.settle(0, [charge(0, account="other\0x")], [100], 1)
    assert counter.fullest("chat\0").spent == 9
    assert counter.fullest("none\0") == Sums()


def test_sums_beyond_64_bits_stay_exact(counter: CounterStore) -> None:
    for _ in range(3):
        counter.settle(0, [charge(0)], [10**19 + 1], 1)
    assert counter.sums("b", ALWAYS).spent == 3 * 10**19 + 3


def test_a_forked_child_does_not_settle_its_parents_holds(counter: CounterStore) -> None:
    charges = [charge(60)]
    hold = held(counter.reserve(charges, 1))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            moved = counter.settle(hold, charges, [60], 1)
            machine = isinstance(counter, MachineCounter)
            # A process counter starts anew in the child; a machine counter shows everybody's money.
            code = 0 if not moved and counter.sums("b", ALWAYS).reserved == (60 if machine else 0) else 2
            held(counter.reserve([charge(40)], 1))
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    counter.expire(1)
    assert counter.sums("b", ALWAYS) == Sums(0, 60, 1)
    assert counter.settle(hold, charges, [1], 1) == [Move(0, 1)]


def test_a_call_that_the_collector_ends_inside_another_disturbs_nothing(counter: CounterStore) -> None:
    heard: list[str] = []

    class Abandoned:
        def __del__(self) -> None:
            try:
                counter.settle(0, [charge(0)], [1], 1)
                heard.append("settled")
            except CounterBusy:
                heard.append("busy")

    kept = [Abandoned()]

    class Inside(int):
        """An amount that drops the last reference to an abandoned call in the middle of the reservation."""

        def __add__(self, other: int) -> int:
            kept.clear()
            gc.collect()
            return int(self) + other

        __radd__ = __add__

    held(counter.reserve([charge(Inside(5))], 1))
    # A machine counter lets it in and begins again itself; a process counter has it come back.
    assert heard == (["settled"] if isinstance(counter, MachineCounter) else ["busy"])
    assert counter.sums("b", ALWAYS) == Sums(1 if heard == ["settled"] else 0, 5, 1)


def test_a_process_counter_keeps_a_bounded_number_of_conversations() -> None:
    counter = ProcessCounter(conversations=100)
    busy = [charge(50, account="chat\0first")]
    held(counter.reserve(busy, 1))
    for talk in range(1000):
        counter.settle(0, [charge(0, account=f"chat\0{talk}")], [1], talk)
    assert counter.sums("chat\x00999", ALWAYS).spent == 1
    assert counter.sums("chat\x00100", ALWAYS).spent == 0
    assert counter.sums("chat\0first", ALWAYS).reserved == 50

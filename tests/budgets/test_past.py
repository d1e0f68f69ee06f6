"""A process's own budgets go on from what the ledger knows of their windows."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from otel_llmcost.budgets import Budget, Gate, MachineCounter, ProcessCounter, from_ledger, parse_window
from otel_llmcost.budgets.from_ledger import carry_over, reconcile
from otel_llmcost.budgets.past import Past
from otel_llmcost.call import Call, Tags
from otel_llmcost.errors import BudgetExceeded, LedgerError
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger

from .flat_book import FlatBook, paid, request

START = 1_795_000_000 - 1_795_000_000 % 86_400 + 43_200  # a day in November 2026, 12:00 UTC
HOUR, DAY = 3600, 86_400


class Clock:
    """Wall time that stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = START

    def __call__(self) -> int:
        return self.seconds * 10**9


def row(key: str, amount: int, ago: int, **more: object) -> LedgerRow:
    start = (START - ago) * 10**9
    fields = {"provider": "openai", "request_model": "known", "status": "exact", "service": "shop"}
    return LedgerRow(key, start_ns=start, end_ns=start + 1, amount=amount, **{**fields, **more})  # type: ignore[arg-type]


ROWS = (
    row("minutes", 1, 600, tags=Tags(team="search", conversation="a", own={"tier": "gold"})),
    row("hours", 2, 5 * HOUR, tags=Tags(team="ads", conversation="b", own={"tier": "iron"})),
    row("night", 4, 12 * HOUR + 60, tags=Tags(team="search", conversation="a")),
    row("days", 8, 3 * DAY, request_model="other"),
    row("month", 16, 40 * DAY),
    row("elsewhere", 32, 600, service="another"),
    row("now", 64, 0),
    row("later", 128, -60),
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as opened:
        opened.add(ROWS)
        yield opened


def budget(window: str = "total", zone: str = "UTC", **more: object) -> Budget:
    return replace(Budget("cap", 1000, parse_window(window, zone), thresholds=()), **more)  # type: ignore[arg-type]


def gate(one: Budget, clock: Callable[[], int] | None = None) -> Gate:
    return Gate([one], FlatBook(), {"process": ProcessCounter()}, clock_ns=clock or Clock())


@pytest.mark.parametrize(
    ("one", "spent"),
    [
        (budget(), 1 + 2 + 4 + 8 + 16),
        (budget("month"), 1 + 2 + 4 + 8),
        (budget("day"), 1 + 2),
        (budget("day", "Asia/Tokyo"), 1 + 2 + 4),  # began at 15:00 UTC of the day before ...
        (budget("day", "America/New_York"), 1 + 2),
        (budget("day", "Pacific/Auckland"), 1),  # ... here at 11:00 UTC
        (budget("rolling 1h"), 1),
        (budget("rolling 24h"), 1 + 2 + 4),
        (budget(tags={"team": ("search",)}), 1 + 4),
        (budget(tags={"tier": ("g*",)}), 1),
        (budget(models=("known",)), 1 + 2 + 4 + 16),
        (budget(providers=("anthropic",)), 0),
        (budget("conversation"), 1 + 4),
        (budget("conversation", tags={"tier": ("gold", "iron")}), 2),
        (budget(carry_over=False), 0),
    ],
)
def test_a_new_process_begins_with_what_the_ledger_knows(ledger: Ledger, one: Budget, spent: int) -> None:
    begun = gate(one)
    carry_over(begun, ledger, "shop")
    assert begun.snapshot()[0].spent == spent


def test_what_cannot_be_read_to_its_end_is_counted_once_it_can(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets = [replace(budget(), name=name) for name in ("one", "two")]
    begun = Gate(budgets, FlatBook(), {"process": ProcessCounter()}, clock_ns=Clock())
    read, locked = from_ledger.ledger_spend, [True]

    def busy_once(one: Budget, *args: object, **more: object) -> object:
        if one.name == "two" and locked:
            locked.pop()
            raise LedgerError("database is locked")
        return read(one, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(from_ledger, "ledger_spend", busy_once)
    with pytest.raises(LedgerError):
        carry_over(begun, ledger, "shop")
    carry_over(begun, ledger, "shop")
    assert [state.spent for state in begun.snapshot()] == [31, 31]


def test_the_past_is_read_once_however_often_it_is_asked_for() -> None:
    begun, read = gate(budget()), []
    for _ in range(3):
        begun.read_past(lambda: read.append(1))
        assert begun.past is not None
        assert begun.past.wait()
    assert read == [1]


def test_its_own_calls_come_on_top_whichever_is_first(ledger: Ledger) -> None:
    begun = gate(budget("month"))
    for number in range(2):
        reservation = begun.admit(request(at=START))
        assert reservation is not None
        reservation.settle(paid(100))
        if not number:
            carry_over(begun, ledger, "shop")
    assert begun.snapshot()[0].spent == 15 + 200


def test_a_tag_that_others_may_send_carries_nothing_over(ledger: Ledger) -> None:
    begun = gate(budget(tags={"team": ("search",)}))
    carry_over(begun, ledger, "shop", inbound=["team"])
    assert begun.snapshot()[0].spent == 0


def test_carried_spend_leaves_a_rolling_window_when_it_is_too_old(ledger: Ledger) -> None:
    clock = Clock()
    begun = gate(budget("rolling 24h"), clock)
    carry_over(begun, ledger, "shop")
    seen = []
    for hours in (11, 12, 19, 20, 23, 24):
        clock.seconds = START + hours * HOUR
        seen.append(begun.snapshot()[0].spent)
    assert seen == [7, 3, 3, 1, 1, 0]


def test_a_shared_counter_that_was_lost_is_lifted_step_by_step(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock()
    shared = budget("rolling 24h", scope="machine")
    begun = Gate([shared], FlatBook(), {"machine": MachineCounter(tmp_path)}, clock_ns=clock)
    begun.spend(Call(provider="openai", request_model="known", start_ns=(START - 600) * 10**9), paid(1))
    assert reconcile(begun, ledger, START) == {"cap": 2 + 4 + 32 + 64 + 128}
    seen = []
    for hours in (0, 12, 20, 24, 26):
        clock.seconds = START + hours * HOUR
        seen.append(begun.snapshot()[0].spent)
    assert seen == [1 + 2 + 4 + 32 + 64 + 128, 1 + 2 + 32 + 64 + 128, 1 + 32 + 64 + 128, 64 + 128, 0]


def test_the_forecast_reckons_with_the_time_before_the_process(ledger: Ledger) -> None:
    begun = gate(budget(amount=62))
    carry_over(begun, ledger, "shop")
    assert begun.snapshot()[0].runs_out_at == START + 40 * DAY


def test_a_conversation_that_spent_its_limit_stays_refused(ledger: Ledger) -> None:
    begun = gate(budget("conversation", action="block", amount=5))
    carry_over(begun, ledger, "shop")
    with pytest.raises(BudgetExceeded, match=r"spent and reserved \$0\.000000000000005"):
        begun.admit(request(at=START, tags=Tags(conversation="a")))


def test_where_a_budget_begins_is_told_once(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for limit in (31, 1000):
        carry_over(gate(budget(amount=limit, thresholds=(80, 90, 100))), ledger, "shop")
    assert [record.message for record in caplog.records] == [
        "budget 'cap' begins with $0.000000000000031 of $0.000000000000031 spent: the ledger's calls of this window"
    ]


def test_of_a_limit_of_nothing_that_nothing_was_spent_of_there_is_nothing_to_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with Ledger(tmp_path / "empty") as empty:
        carry_over(gate(budget(amount=0, thresholds=(80, 90, 100))), empty, "shop")
    assert caplog.records == []


# -- while the past is read


def blocked(take_up: Callable[[], None], **more: object) -> Gate:
    begun = gate(budget(action="block", amount=10**15, **more))
    begun.past = Past(take_up, longest_wait_s=30)
    begun.past.begin()
    return begun


def spend_all(begun: Gate) -> None:
    rule = begun.rules[0]
    rule.store.settle(0, [rule.charge(Tags(), START, 0)], [10**15], START)


def test_a_call_waits_until_the_past_is_counted() -> None:
    read = threading.Event()
    begun = blocked(lambda: spend_all(begun) if read.wait(30) else None)
    assert begun.waits
    threading.Timer(0.05, read.set).start()
    with pytest.raises(BudgetExceeded):
        begun.admit(request(at=START))
    assert not begun.waits


def test_an_event_loop_runs_on_meanwhile() -> None:
    read = threading.Event()
    begun = blocked(lambda: spend_all(begun) if read.wait(30) else None)

    async def both() -> None:
        admission = asyncio.ensure_future(begun.admit_async(request(at=START)))
        await asyncio.sleep(0)
        assert not admission.done()
        read.set()
        with pytest.raises(BudgetExceeded):
            await admission

    asyncio.run(both())


def test_only_budgets_that_go_on_and_block_wait() -> None:
    read = threading.Event()
    for one in (budget(), budget(action="block", amount=10**15, carry_over=False)):
        begun = gate(one)
        begun.read_past(lambda: read.wait(30) and None)
        assert not begun.waits
        assert begun.admit(request(at=START)) is not None
    read.set()


def test_a_past_that_takes_too_long_is_counted_when_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    read, counted = threading.Event(), threading.Event()

    def take_up() -> None:
        read.wait(30)
        spend_all(begun)
        counted.set()

    begun = gate(budget(action="block", amount=10**15))
    begun.past = Past(take_up, longest_wait_s=0.02)
    for _ in range(2):
        assert begun.admit(request(at=START)) is not None
    assert [record.message for record in caplog.records] == [
        "otel-llmcost: budgets start without what was spent before: the ledger was not read within 0.02 s; "
        "they are lifted when it is"
    ]
    read.set()
    assert counted.wait(30)
    with pytest.raises(BudgetExceeded):
        begun.admit(request(at=START))


@pytest.mark.parametrize("policy", ["open", "closed"])
def test_a_past_that_cannot_be_read_is_told_once_and_tried_again(
    policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    answers = iter([False, True])

    def take_up() -> None:
        if not next(answers):
            raise LedgerError("ledger /x: no; remedy: y")
        spend_all(begun)

    begun = gate(budget(action="block", amount=10**15, on_unreachable=policy))
    begun.past = Past(take_up, longest_wait_s=30, retry_s=0.2)
    if policy == "open":
        assert begun.admit(request(at=START)) is not None
    else:
        with pytest.raises(BudgetExceeded, match=r"ledger /x: no; remedy: y.*on_unreachable = 'closed'"):
            begun.admit(request(at=START))
    assert [record.message for record in caplog.records if "remedy: y; it is tried again" in record.message]
    deadline = time.monotonic() + 30
    while not begun.past.wait():
        assert time.monotonic() < deadline
    with pytest.raises(BudgetExceeded, match="reserved"):
        begun.admit(request(at=START))


def test_a_failure_of_our_own_holds_no_call_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    def take_up() -> None:
        raise ZeroDivisionError

    begun = blocked(take_up)
    started = time.monotonic()
    assert begun.admit(request(at=START)) is not None
    assert time.monotonic() - started < 20
    assert any("reading the ledger failed; it is tried again" in record.message for record in caplog.records)


def test_a_forked_child_reads_the_past_when_it_first_calls(tmp_path: Path) -> None:
    clock = Clock()
    begun = gate(budget("month", action="block", amount=10**15), clock)

    def take_up() -> None:
        with Ledger(tmp_path) as ledger:
            carry_over(begun, ledger, "shop")

    with Ledger(tmp_path) as ledger:
        ledger.add(ROWS[:2])
    begun.read_past(take_up)
    assert begun.admit(request(at=START)) is not None
    assert begun.snapshot()[0].spent == 1 + 2
    with Ledger(tmp_path) as ledger:
        ledger.add([row("parent", 10**15 - 100, -60)])
    clock.seconds += 120
    child = os.fork()
    if not child:
        begun.forked()
        try:
            begun.admit(request(at=clock.seconds))
        except BudgetExceeded as refused:
            os._exit(0 if refused.spent == "0.999999999999903" else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0

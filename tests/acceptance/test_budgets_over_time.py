"""Budgets of real programs over midnight, over the night when clocks change, and over the death of processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

from otel_llmcost.money import as_decimal

from .conftest import BIN, World
from .ledger_sum import ledger_calls
from .test_budgets import CHAT

CLOCK = """
import datetime, openai, otel_llmcost, time
real, moved = time.time_ns, [0]
time.time_ns = lambda: real() + moved[0]
def clock(text):
    moved[0] = int(datetime.datetime.fromisoformat(text).timestamp() * 10**9) - real()
client = openai.OpenAI(max_retries=0)
def spend_all(text):
    clock(text)
    for number in range(100):
        try:
            client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "x" * 1300}], max_tokens=300
            )
        except otel_llmcost.BudgetExceeded as refused:
            print(text, number, refused.resets_at)
            return
"""
BERLIN = """
[budgets.berlin]
amount = "{amount}"
window = "{window}"
timezone = "Europe/Berlin"
action = "block"
scope = "{scope}"
"""


def spent_by_window(world: World, window: str, scope: str, instants: list[str]) -> list[tuple[str, int, str]]:
    """(instant, calls that passed, when it resets) of a program that spends all it may at each instant."""
    text = BERLIN.format(amount=3 * CHAT, window=window, scope=scope)
    (world.folder / "otel-llmcost.toml").write_text(text, encoding="utf-8")
    done = world.run(CLOCK + "".join(f"spend_all({instant!r})\n" for instant in instants))
    return [(line[0], int(line[1]), line[2]) for line in map(str.split, done.stdout.splitlines())]


def test_a_clock_that_moves_over_midnight_and_the_end_of_summer_time(world: World) -> None:
    for scope in ("process", "machine"):
        found = spent_by_window(
            world,
            "day",
            scope,
            [
                "2026-10-24T23:59:50+02:00",  # the day before
                "2026-10-25T00:00:10+02:00",  # a day of 25 hours begins
                "2026-10-25T02:30:00+02:00",
                "2026-10-25T02:30:00+01:00",  # the second half past two
                "2026-10-25T23:59:50+01:00",
                "2026-10-26T00:00:10+01:00",
            ],
        )
        passed = [count for _, count, _ in found]
        assert passed[0] == passed[1] == passed[5] > 0
        assert passed[2:5] == [0, 0, 0]
        assert [resets for _, _, resets in found] == [
            "2026-10-24T22:00:00Z",
            *["2026-10-25T23:00:00Z"] * 4,
            "2026-10-26T23:00:00Z",
        ]


def test_the_hour_that_summer_time_leaves_out(world: World) -> None:
    found = spent_by_window(
        world,
        "hour",
        "machine",
        ["2027-03-28T01:59:50+01:00", "2027-03-28T03:00:10+02:00", "2027-03-28T03:59:50+02:00"],
    )
    assert [count > 0 for _, count, _ in found] == [True, True, False]
    assert [resets for _, _, resets in found] == [
        "2027-03-28T01:00:00Z",
        "2027-03-28T02:00:00Z",
        "2027-03-28T02:00:00Z",
    ]


HOLDS = """
import openai, sys, threading
def call():
    openai.OpenAI(max_retries=0).chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "x" * 1300}], max_tokens=300,
        extra_headers={"x-demo-delay": sys.argv[1]},
    )
threads = [threading.Thread(target=call) for _ in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("all passed")
"""


def status(world: World) -> dict[str, Any]:
    told = subprocess.run(
        [str(BIN / "otel-llmcost"), "budget", "status", "--json"],
        env=world.environment(),
        cwd=world.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    [state] = json.loads(told.stdout)
    return dict(state)


def test_what_a_killed_program_had_reserved_is_free_again(world: World) -> None:
    text = BERLIN.format(amount=10 * CHAT, window="day", scope="machine")
    (world.folder / "otel-llmcost.toml").write_text(text, encoding="utf-8")
    path = world.folder / "holds.py"
    path.write_text(HOLDS, encoding="utf-8")
    command = [str(BIN / "opentelemetry-instrument"), sys.executable, str(path)]
    held = subprocess.Popen([*command, "30"], env=world.environment(), cwd=world.folder)
    try:
        deadline = time.monotonic() + 60
        while len(world.openai.requests) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert float(status(world)["reserved"]) > 5 * float(CHAT)
    finally:
        held.kill()
        held.wait()
    again = subprocess.run(
        [*command, "0"],
        env=world.environment(),
        cwd=world.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.stdout == "all passed\n", again.stderr
    after = status(world)
    assert (Decimal(after["spent"]), Decimal(after["reserved"])) == (5 * CHAT, 0)
    assert as_decimal(sum(row.amount or 0 for row in ledger_calls(world.ledger))) == 5 * CHAT

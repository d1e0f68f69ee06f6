"""Hundreds of calls at once, against a provider that answers after 200 ms with lengths of its own choosing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from otel_llmcost.budgets import Budget, Gate, MachineCounter, ProcessCounter
from otel_llmcost.budgets.bounds import bound_of
from otel_llmcost.call import Asked
from otel_llmcost.errors import BudgetExceeded

from .flat_book import FlatBook, cost, paid, request
from .provider import Provider, post, post_async
from .spender import NOW

ROOT = Path(__file__).parents[2]
ROUNDS = 3


def one_call(number: int) -> Asked:
    return request(f"call {number} " + "x" * (number % 40), at=NOW)


def most(number: int = 39) -> int:
    return cost(bound_of(one_call(number)).input_tokens, 100)


def gate_of(scope: str, limit: int, directory: Path) -> Gate:
    counters = {"process": ProcessCounter(), "machine": MachineCounter(directory)}
    return Gate([Budget("cap", limit, action="block", scope=scope)], FlatBook(), counters)


def assert_never_overspent(gate: Gate, provider: Provider, limit: int, admitted: int, calls: int) -> None:
    billed = sum(cost(*usage) for usage in provider.usages)
    assert gate.flush(5)
    state = gate.snapshot()[0]
    assert billed <= limit
    assert (state.spent, state.reserved) == (billed, 0)
    assert admitted == len(provider.usages) > 0
    assert admitted + state.refused == calls
    assert state.refused > 0


@pytest.mark.parametrize("scope", ["process", "machine"])
def test_three_hundred_threads_never_overspend(scope: str, tmp_path: Path) -> None:
    calls, limit = 300, 60 * most()
    gate = gate_of(scope, limit, tmp_path)
    admitted: list[int] = []

    with Provider() as provider:

        def run(number: int) -> None:
            for _ in range(ROUNDS):
                asked = one_call(number)
                try:
                    reservation = gate.admit(asked)
                except BudgetExceeded:
                    continue
                assert reservation is not None
                usage = post(provider.port, asked.body)["usage"]
                reservation.settle(paid(cost(usage["prompt_tokens"], usage["completion_tokens"])))
                admitted.append(number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert_never_overspent(gate, provider, limit, len(admitted), calls * ROUNDS)


@pytest.mark.parametrize("scope", ["process", "machine"])
def test_three_hundred_tasks_never_overspend(scope: str, tmp_path: Path) -> None:
    calls, limit = 300, 60 * most()
    gate = gate_of(scope, limit, tmp_path)

    async def run(port: int, number: int) -> int:
        done = 0
        for _ in range(ROUNDS):
            asked = one_call(number)
            try:
                reservation = await gate.admit_async(asked)
            except BudgetExceeded:
                await asyncio.sleep(0.05)
                continue
            assert reservation is not None
            usage = (await post_async(port, asked.body))["usage"]
            reservation.settle(paid(cost(usage["prompt_tokens"], usage["completion_tokens"])))
            done += 1
        return done

    async def everything(port: int) -> int:
        return sum(await asyncio.gather(*(run(port, number) for number in range(calls))))

    with Provider() as provider:
        admitted = asyncio.run(everything(provider.port))
        assert_never_overspent(gate, provider, limit, admitted, calls * ROUNDS)


def spender(directory: Path, port: int, limit: int, calls: int) -> subprocess.Popen[str]:
    arguments = [str(directory), str(port), str(limit), str(calls)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.budgets.spender", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_four_processes_of_fifty_calls_never_overspend(tmp_path: Path) -> None:
    limit = 70 * most()
    with Provider() as provider:
        processes = [spender(tmp_path, provider.port, limit, 50) for _ in range(4)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        results = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    billed = sum(cost(*usage) for usage in provider.usages)
    sums = MachineCounter(tmp_path)
    gate = Gate([Budget("shared", limit, action="block", scope="machine")], FlatBook(), {"machine": sums})
    state = gate.snapshot()[0]
    assert sum(result["calls"] + result["refused"] for result in results) == 200
    assert sum(result["refused"] for result in results) > 0
    assert billed <= limit
    assert state.spent == billed == sum(result["spent"] for result in results)
    assert state.reserved == 0


def test_processes_killed_in_mid_call_give_back_what_they_held(tmp_path: Path) -> None:
    limit = 60 * most()
    with Provider() as provider:
        processes = [spender(tmp_path, provider.port, limit, 20) for _ in range(3)]
        counter = MachineCounter(tmp_path)
        gate = Gate(
            [Budget("shared", limit, action="block", scope="machine")],
            FlatBook(),
            {"machine": counter},
            clock_ns=lambda: NOW * 10**9,
        )
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        while gate.snapshot()[0].reserved < limit // 3:
            pass
        for process in processes[:2]:
            os.kill(process.pid, signal.SIGKILL)
        last = json.loads(processes[2].communicate(timeout=60)[0])
        for process in processes[:2]:
            process.communicate()
    counter.expire(NOW)
    state = gate.snapshot()[0]
    assert state.reserved == 0
    assert last["spent"] <= state.spent <= sum(cost(*usage) for usage in provider.usages)
    assert gate.admit(one_call(1)) is not None


def test_nothing_is_lost_where_a_writer_is_killed_at_any_moment(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from otel_llmcost.budgets.counter import Charge\n"
        "from otel_llmcost.budgets.machine import MachineCounter\n"
        "from otel_llmcost.budgets.windows import ALWAYS\n"
        "counter = MachineCounter(pathlib.Path(sys.argv[1]))\n"
        "for number in range(1, 1_000_000):\n"
        "    charges = [Charge('b', ALWAYS, 10, None)]\n"
        "    hold = counter.reserve(charges, 1)\n"
        "    counter.settle(hold, charges, [1], 1)\n"
        "    sys.stdout.write(f'{number}\\n')\n"
        "    sys.stdout.flush()\n"
    )
    from otel_llmcost.budgets.windows import ALWAYS

    spent = 0
    for lines in (1, 30, 77, 200, 501):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
        settled = lines + len(process.communicate()[0].split())
        counter = MachineCounter(tmp_path)
        counter.expire(1)
        sums = counter.sums("b", ALWAYS)
        # What was reported is there; of one more the report may have been cut off.
        assert sums.spent - spent in (settled, settled + 1)
        assert sums.reserved == 0
        spent = sums.spent

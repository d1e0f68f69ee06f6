"""Turns: one thing after another, and nobody waits, whatever comes in between."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from otel_llmcost.attribution.turns import Turns


def test_what_comes_in_the_middle_is_done_after_it() -> None:
    turns = Turns()
    done: list[str] = []

    def outer() -> None:
        turns.do(done.append, "inner")
        done.append("outer")

    turns.do(outer)
    assert done == ["outer", "inner"]


def test_a_failure_is_raised_and_the_next_has_its_turn() -> None:
    turns = Turns()
    done: list[int] = []
    with pytest.raises(ZeroDivisionError):
        turns.do(lambda: 1 // 0)
    turns.do(done.append, 1)
    assert done == [1]


def test_nothing_is_left_over_by_many_threads() -> None:
    turns = Turns()
    sums = [0]

    def add() -> None:
        sums[0] = sums[0] + 1

    def work() -> None:
        for _ in range(2_000):
            turns.do(add)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [16_000]


def test_a_forked_child_has_its_turn() -> None:
    """A thread of the parent that is not in the child may have the turn in the very moment of the fork."""
    turns = Turns()
    children: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            done: list[int] = []
            turns.do(done.append, 1)
            os._exit(len(done))
        children.append(child)

    turns.do(fork)
    _, status = os.waitpid(children[0], 0)
    assert os.waitstatus_to_exitcode(status) == 1

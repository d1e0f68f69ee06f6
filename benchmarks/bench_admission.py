"""What a budget costs on the calling thread: bounding the request, admission, settlement.

Run: python benchmarks/bench_admission.py [--check]. Prints microseconds of processor time a call (least of the
rounds, since other programs only ever add; garbage collection off). With --check it ends with 1 where warm
admission in the process, bounding apart, takes more than 5 microseconds, or a call that no budget covers more than 1.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time_ns

from otel_llmcost.budgets import Budget, Gate, MachineCounter, ProcessCounter, Reservation
from otel_llmcost.budgets.ceiling import Ceilings
from otel_llmcost.call import EXACT, NO_TAGS, Asked, Priced, Tags
from otel_llmcost.prices import load_book

USD = 10**15
NOW = 1_795_000_000 * 10**9
ADMISSION_LIMIT_US = 5.0
UNCOVERED_LIMIT_US = 1.0
ROUNDS, CALLS = 150, 100

BODY = {
    "model": "gpt-5",
    "messages": [
        {"role": "system", "content": "You answer in one sentence."},
        {"role": "user", "content": "Why is the sky blue? " * 20},
    ],
    "max_completion_tokens": 300,
    "temperature": 0.2,
}
PAID = Priced(EXACT, 2_425_200_000_000, {"output": 2_425_200_000_000})


def asked(body: dict[str, object], tags: Tags = NO_TAGS) -> Asked:
    """A chat call of this body."""
    return Asked("openai", "api.openai.com", "chat", "gpt-5", body, tags, NOW)


def per_call(work: Callable[[], object], after: Callable[[], None] | None = None) -> float:
    """Microseconds of processor time a call; `after` cleans up outside the measured time."""
    seen = []
    for _ in range(ROUNDS):
        begin = process_time_ns()
        for _ in range(CALLS):
            work()
        seen.append((process_time_ns() - begin) / CALLS / 1000)
        if after is not None:
            after()
    return min(seen)


class Bounded:
    """Stands for a call whose greatest cost is known already."""

    def of(self, asked: Asked) -> int:
        """A fixed amount."""
        return 10**12


def admission(gate: Gate, call: Asked) -> tuple[float, float]:
    """(admission, settlement) in microseconds."""
    open_calls: list[Reservation | None] = []

    def admit() -> None:
        open_calls.append(gate.admit(call))

    def settle() -> None:
        found = open_calls.pop()
        if found is not None:
            found.settle(PAID)

    seen = []
    for _ in range(ROUNDS):
        halves = []
        for work in (admit, settle):
            begin = process_time_ns()
            for _ in range(CALLS):
                work()
            halves.append((process_time_ns() - begin) / CALLS / 1000)
        seen.append(halves)
    return min(admitted for admitted, _ in seen), min(settled for _, settled in seen)


def main() -> int:
    """Prints the table."""
    gc.disable()
    book, call = load_book(), asked(BODY)
    long = asked({**BODY, "messages": [{"role": "user", "content": "x" * 500}] * 200})
    ceilings = Ceilings(book)
    own = ProcessCounter()
    budget = Budget("all", 10**9 * USD, action="block")
    tagged = Budget("team", 10**9 * USD, action="block", tags={"team": ("search",)})
    gates = {
        "one block budget": (Gate([budget], book, {"process": own}), call),
        "three of them, one by tag": (
            Gate([budget, Budget("b", 10**9 * USD, action="block"), tagged], book, {"process": own}),
            asked(BODY, Tags(team="search")),
        ),
        "one that only warns": (Gate([Budget("w", 10**9 * USD)], book, {"process": own}), call),
    }
    elsewhere = Gate([Budget("c", USD, action="block", providers=("anthropic",))], book, {"process": own})
    bounding = per_call(lambda: ceilings.of(call))
    uncovered = per_call(lambda: elsewhere.admit(call))
    print(f"bounding a body of 2 messages        {bounding:7.2f} us")
    print(f"bounding a body of 200 messages      {per_call(lambda: ceilings.of(long)):7.2f} us")
    print(f"a call that no budget covers         {uncovered:7.2f} us   (at most {UNCOVERED_LIMIT_US})")
    beyond = 0.0
    for name, (gate, covered) in gates.items():
        whole, _ = admission(gate, covered)
        gate.ceilings = Bounded()  # type: ignore[assignment]
        bare, settled = admission(gate, covered)
        beyond = beyond or bare
        limit = f"   (at most {ADMISSION_LIMIT_US} beyond)" if name == "one block budget" else ""
        print(
            f"{name:<27} admit {whole:6.2f} us, beyond bounding {bare:5.2f} us, settle {settled:5.2f} us{limit}"
        )
    with tempfile.TemporaryDirectory() as directory:
        shared = Gate(
            [Budget("m", 10**9 * USD, action="block", scope="machine")],
            book,
            {"machine": MachineCounter(Path(directory))},
        )
        shared.admit(call)
        took = per_call(lambda: shared.admit(call).settle(PAID))  # type: ignore[union-attr]
        print(f"machine scope, admit and settle      {took:7.2f} us")
    failed = beyond > ADMISSION_LIMIT_US or uncovered > UNCOVERED_LIMIT_US
    return int("--check" in sys.argv and failed)


if __name__ == "__main__":
    sys.exit(main())

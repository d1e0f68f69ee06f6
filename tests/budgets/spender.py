"""A program of its own that makes many calls at once against one machine budget: `python -m tests.budgets.spender`."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from otel_llmcost.budgets import Budget, Gate, MachineCounter
from otel_llmcost.errors import BudgetExceeded

from .flat_book import FlatBook, cost, paid, request
from .provider import post


def main() -> None:
    """Arguments: state directory, port, limit in femto-dollars, calls. Prints what was spent, one JSON line."""
    directory, port, limit, calls = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    budget = Budget("shared", limit, action="block", scope="machine")
    gate = Gate([budget], FlatBook(), {"machine": MachineCounter(directory)})
    spent, refused = [], []
    start = threading.Barrier(calls + 1)

    def call(number: int) -> None:
        asked = request(f"call {number} " + "x" * (number % 40), at=NOW)
        start.wait()
        try:
            reservation = gate.admit(asked)
        except BudgetExceeded:
            refused.append(number)
            return
        assert reservation is not None
        usage = post(port, asked.body)["usage"]
        amount = cost(usage["prompt_tokens"], usage["completion_tokens"])
        reservation.settle(paid(amount))
        spent.append(amount)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(calls)]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.readline()
    start.wait()
    for thread in threads:
        thread.join()
    assert gate.flush(5)
    print(json.dumps({"spent": sum(spent), "calls": len(spent), "refused": len(refused)}))


NOW = 1_795_000_000

if __name__ == "__main__":
    main()

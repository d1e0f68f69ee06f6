"""How all budgets stand, seen from outside the programs that spend: what `otel-llmcost budget status` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..ledger.store import Ledger
from .counter import patiently
from .from_ledger import refused_in_ledger, spent_in_ledger
from .machine import FILE_NAME, MachineCounter
from .model import MACHINE, Budget
from .state import BudgetState, state_of, sums_of, unknown_state

PROCESS_NOTE = "all processes together, from the ledger; each counts its own and what was there when it began"
MACHINE_NOTE = "the shared counter was not used yet; from the ledger"
OFF_NOTE = "no ledger is kept: only the programs themselves know what they spent"
NO_LEDGER_NOTE = "there is no ledger to read"


def budget_status(
    budgets: Sequence[Budget],
    ledger: Ledger | None,
    counter_directory: Path | None,
    now: int,
    *,
    kept: bool = True,
) -> list[BudgetState]:
    """The state of budgets at `now` (seconds since the epoch); creates nothing, counts nothing.

    A machine budget is read from its counter in `counter_directory`. A process keeps its own budgets' counter to
    itself: of those the ledger tells what all processes spent, and of all budgets how many calls they refused.
    `kept`: whether programs keep their calls in it; where not, it knows nothing of what they spend. Raises `LedgerError`.
    """
    counter = None
    if counter_directory is not None and (counter_directory / FILE_NAME).exists():
        counter = MachineCounter(counter_directory)
        patiently(partial(counter.expire, now))  # what the dead hold does not count at admission either
    try:
        refused = refused_in_ledger(budgets, ledger, now) if ledger is not None else {}
        return [
            replace(_state(budget, ledger, counter, now, kept), refused=refused.get(budget.name, 0))
            for budget in budgets
        ]
    finally:
        if counter is not None:
            counter.close()


def _state(
    budget: Budget, ledger: Ledger | None, counter: MachineCounter | None, now: int, kept: bool
) -> BudgetState:
    span = budget.window.at(now)
    if budget.scope == MACHINE and counter is not None:
        sums = sums_of(counter, budget, span)
        if isinstance(sums, str):
            return unknown_state(budget, span, sums)
        return state_of(budget, span, sums, now)
    if ledger is None or not kept:
        return unknown_state(budget, span, NO_LEDGER_NOTE if ledger is None else OFF_NOTE)
    state = state_of(budget, span, spent_in_ledger(budget, ledger, now), now)
    return replace(state, note=MACHINE_NOTE if budget.scope == MACHINE else PROCESS_NOTE)

"""What one run of a program cost: the summary after `otel-llmcost run`."""

from __future__ import annotations

from dataclasses import dataclass

from ..ledger.filters import CallFilter
from ..ledger.row import LedgerRow
from ..ledger.store import Ledger
from .costs import Report, cost_report
from .listings import dearest_calls, slowest_calls


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The calls of one run by model and source, its dearest and its slowest one (None: there were no calls).

    `report.total` has calls, tokens, cost and what caches saved; `report.reasons` why calls have no exact price.
    """

    run_id: str
    report: Report
    dearest: LedgerRow | None
    slowest: LedgerRow | None


def run_summary(ledger: Ledger, run_id: str) -> RunSummary:
    """The summary of the run that settings gave this id. Raises `LedgerError`."""
    wanted = CallFilter(fields={"run": run_id})
    report = cost_report(ledger, by=("model", "source"), wanted=wanted)
    dearest = dearest_calls(ledger, wanted, limit=1)
    slowest = slowest_calls(ledger, wanted, limit=1)
    return RunSummary(
        run_id,
        report,
        dearest[0] if dearest and dearest[0].amount is not None else None,
        slowest[0] if slowest else None,
    )

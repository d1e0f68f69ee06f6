"""Answers from the ledger as Python functions; the command line shows the same."""

from __future__ import annotations

from ..ledger.filters import CallFilter
from .costs import GROUPS, CostRow, Report, cost_report, is_cause
from .listings import dearest_calls, latest_calls, slowest_calls
from .ranges import TimeRange, between, parse_instant, parse_range, zone
from .runs import RunSummary, run_summary
from .sessions import SessionCost, StageCost, session_costs

__all__ = [
    "GROUPS",
    "CallFilter",
    "CostRow",
    "Report",
    "RunSummary",
    "SessionCost",
    "StageCost",
    "TimeRange",
    "between",
    "cost_report",
    "dearest_calls",
    "is_cause",
    "latest_calls",
    "parse_instant",
    "parse_range",
    "run_summary",
    "session_costs",
    "slowest_calls",
    "zone",
]

"""What every LLM call costs, exactly: counted once, priced to the last published digit.

Under `opentelemetry-instrument` nothing has to be called. From code: `otel_llmcost.instrument()`. Importing this
package does no I/O and starts no thread; each public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .activation import instrument, uninstrument, use_budgets
    from .answers import (
        budget_status,
        calls,
        open_ledger,
        report,
        savings,
        savings_by,
        session_list,
        session_metrics,
        totals,
    )
    from .attribution import carry, mark_client, stage, tag, track_call, track_source
    from .budgets import define_budget
    from .clients import define_use_case, get_llm_client, get_model_for_use_case
    from .costs import calculate_cost, cost_breakdown, estimate_cost, register_usage_reader
    from .errors import BudgetExceeded, ConfigurationError, LlmCostError
    from .pricing import price
    from .sessions import session
    from .tracker import CostTracker

_HOMES = {
    "BudgetExceeded": "errors",
    "ConfigurationError": "errors",
    "CostTracker": "tracker",
    "LlmCostError": "errors",
    "budget_status": "answers",
    "calculate_cost": "costs",
    "calls": "answers",
    "carry": "attribution",
    "cost_breakdown": "costs",
    "define_budget": "budgets",
    "define_use_case": "clients",
    "estimate_cost": "costs",
    "get_llm_client": "clients",
    "get_model_for_use_case": "clients",
    "instrument": "activation",
    "mark_client": "attribution",
    "open_ledger": "answers",
    "price": "pricing",
    "register_usage_reader": "costs",
    "report": "answers",
    "savings": "answers",
    "savings_by": "answers",
    "session": "sessions",
    "session_list": "answers",
    "session_metrics": "answers",
    "stage": "attribution",
    "tag": "attribution",
    "totals": "answers",
    "track_call": "attribution",
    "track_source": "attribution",
    "uninstrument": "activation",
    "use_budgets": "activation",
}

__all__ = [
    "BudgetExceeded",
    "ConfigurationError",
    "CostTracker",
    "LlmCostError",
    "__version__",
    "budget_status",
    "calculate_cost",
    "calls",
    "carry",
    "cost_breakdown",
    "define_budget",
    "define_use_case",
    "estimate_cost",
    "get_llm_client",
    "get_model_for_use_case",
    "instrument",
    "mark_client",
    "open_ledger",
    "price",
    "register_usage_reader",
    "report",
    "savings",
    "savings_by",
    "session",
    "session_list",
    "session_metrics",
    "stage",
    "tag",
    "totals",
    "track_call",
    "track_source",
    "uninstrument",
    "use_budgets",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)

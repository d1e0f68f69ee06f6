"""What every LLM call costs, exactly: counted once, priced to the last published digit.

Under `opentelemetry-instrument` nothing has to be called. From code: `otel_llmcost.instrument()`. Importing this
package does no I/O and starts no thread; each public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .attribution import stage, tag, track_call, track_source
    from .errors import BudgetExceeded, ConfigurationError, LlmCostError
    from .runtime import instrument, uninstrument

_HOMES = {
    "BudgetExceeded": "errors",
    "ConfigurationError": "errors",
    "LlmCostError": "errors",
    "instrument": "runtime",
    "stage": "attribution",
    "tag": "attribution",
    "track_call": "attribution",
    "track_source": "attribution",
    "uninstrument": "runtime",
}

__all__ = [
    "BudgetExceeded",
    "ConfigurationError",
    "LlmCostError",
    "__version__",
    "instrument",
    "stage",
    "tag",
    "track_call",
    "track_source",
    "uninstrument",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""What a program calls to have its calls watched, and its budgets in force."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .assembly import gate_of, ledger_settings, read_past, tell, unknown_in_budgets
from .errors import UsageError
from .process import enabled, process
from .runtime import Runtime, runtime
from .watch.guard import guarded
from .watch.supported import SDKS

if TYPE_CHECKING:
    from .budgets import Budget

_SETTLED_WITHIN_S = 1.0

_log = logging.getLogger("otel_llmcost")


def instrument(client: Any = None, *, sdks: Iterable[str] | None = None) -> None:
    """Watch every call of the supported SDKs, of the named ones, or of one `client` alone.

    Works before or after the SDKs are imported and their clients made. Raises `UsageError` (a `ValueError`) for a name
    that is no supported SDK and for a `client` that is none of theirs, `ConfigurationError` for a mistake in a budget
    that should block calls, or a settings file that cannot be read (calls are watched all the same). With
    `OTEL_LLMCOST_DISABLED=true` nothing happens.
    """
    if not enabled():
        return
    names = tuple(SDKS) if sdks is None else tuple(sdks)
    unknown = [name for name in names if name not in SDKS]
    if unknown:
        raise UsageError(f"no such SDK: {', '.join(unknown)}; supported: {', '.join(SDKS)}")
    made = runtime()
    if client is not None:
        made.watch_client(client)
    else:
        made.asked.update(names)
        made.watch(names)
    if made.config.fatal:  # the rest is in force: calls are counted, and other budgets hold
        raise made.config.fatal[0]


def uninstrument(*, sdks: Iterable[str] | None = None) -> None:
    """Stop watching; the SDKs are as they were."""
    made = process.runtime
    if made is not None:
        made.unwatch(sdks)


def use_budgets(*budgets: Budget) -> None:
    """Put these budgets in force, in the place of those of the settings (none: there are none any more).

    `define_budget` makes them. A process's own budgets go on from what the ledger knows of their windows, shared
    counters from where they stand. They see the calls that are watched (`instrument`) and those that trackers record.
    """
    made = runtime()
    if not made.config.enabled:
        return
    before = made.gate
    directory = ledger_settings(made.config).directory
    tell(unknown_in_budgets(made.book, budgets))
    made.gate = made.settler.gate = gate_of(budgets, made.book, directory)
    if made.gate is not None:
        guarded(read_past, made.gate, made.config)
        _say_if_unwatched(made)
    if before is not None:
        guarded(before.flush, _SETTLED_WITHIN_S)  # what its calls spent and a busy counter has not taken yet


def _say_if_unwatched(made: Runtime) -> None:
    if not made.engine.active and not any(made.engine.only):
        _log.warning(
            "otel-llmcost: budgets are in force, but no SDK is watched yet: they see what trackers record, and other "
            "calls only from then on; remedy: otel_llmcost.instrument(), otel-llmcost run or opentelemetry-instrument"
        )

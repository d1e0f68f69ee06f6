"""Every answer of the command line as a Python function, from the ledger and the budgets of the settings.

`period` is what `otel-llmcost report` takes: "today", "week", "month", "7d", "2026-11", "2026-11-01..2026-11-15",
"all". Filters are named like the command's options (`team="search"`, `model=["gpt-5*", "gpt-4*"]`), own tags go
into `tags={"tenant": "acme"}`. `directory` is the ledger's, where it is not that of the settings.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from . import comparison, reports
from .assembly import ledger_settings, open_book
from .budgets.parse import parse_budgets
from .budgets.state import BudgetState
from .budgets.status import budget_status as status_from_outside
from .comparison import Savings
from .config import Config, load_config
from .errors import UsageError
from .ledger.drain import open_up_to_date
from .ledger.filters import CallFilter, column
from .ledger.groups import grouping
from .ledger.location import place_to_read
from .ledger.row import LedgerRow
from .ledger.store import Ledger
from .process import assembled
from .reports import CostRow, Report
from .services import Prices
from .sessions.kept import KeptSession, kept_sessions

_log = logging.getLogger("otel_llmcost")
Words = str | Sequence[str]
Order = Literal["latest", "dearest", "slowest"]
_ORDERS = {
    "latest": reports.latest_calls,
    "dearest": reports.dearest_calls,
    "slowest": reports.slowest_calls,
}


class Filters(TypedDict, total=False):
    """Which calls are meant; several words are alternatives, `*` in a word stands for any text."""

    tz: str
    """The time zone of days in `period`: UTC, unless said."""
    directory: Path | str
    tags: Mapping[str, str]
    failed: bool
    model: Words
    provider: Words
    operation: Words
    tier: Words
    source: Words
    stage: Words
    team: Words
    feature: Words
    conversation: Words
    session: Words
    user: Words
    service: Words
    status: Words
    error: Words
    run: Words


_NOT_FIELDS = frozenset({"tz", "directory", "tags", "failed"})


def open_ledger(directory: Path | str | None = None) -> Ledger:
    """The ledger with every call in it that any program has kept until now; close it, or use it in `with`.

    Where it cannot be written it is read as it is, and its `remark` says what is missing. Raises `LedgerError`, also
    where there is no such directory and where the ledger is switched off.
    """
    return _opened(directory)


def _opened(directory: Path | str | None, *, though_off: bool = False) -> Ledger:
    settings = ledger_settings(_config())
    place = place_to_read(
        None if directory is None else Path(directory),
        settings.directory,
        enabled=settings.enabled or though_off,
    )
    opened = open_up_to_date(
        place, busy_timeout_s=settings.busy_timeout_s, retention_days=settings.retention_days
    )
    if opened.remark:
        _log.warning("otel-llmcost: %s", opened.remark)
    return opened


def report(period: str = "7d", *, by: str | Sequence[str] = ("model",), **filters: Unpack[Filters]) -> Report:
    """What calls cost, grouped: `report("month", by=("stage", "day"), team="search")`.

    `by` takes a call's fields, "hour", "day", "week", "month" and "tag:NAME" (phases are "tag:phase"). Every row
    has `keys`, `calls`, tokens and `cost` (USD, a `Decimal`, or None where nothing is known); `total` is the sum.
    Raises `ConfigurationError` for an unknown name or period, `LedgerError`.
    """
    groups = tuple(part.strip() for part in by.split(",")) if isinstance(by, str) else tuple(by)
    wanted = _wanted(period, filters)
    with open_ledger(filters.get("directory")) as ledger:
        return reports.cost_report(
            ledger,
            since=wanted.since_ns,
            until=wanted.until_ns,
            by=groups,
            tz=filters.get("tz", "UTC"),
            wanted=wanted,
        )


def totals(period: str = "all", **filters: Unpack[Filters]) -> CostRow:
    """Calls, tokens and cost of a period in one row: `totals("today", team="search").cost`."""
    return report(period, by=(), **filters).total


def calls(
    period: str = "all", *, order: Order = "latest", limit: int = 20, **filters: Unpack[Filters]
) -> list[LedgerRow]:
    """Single calls, the latest, the dearest or the slowest first; `limit` below 0: all.

    Raises `UsageError` for another order, `ConfigurationError` for an unknown name or period, `LedgerError`.
    """
    if order not in _ORDERS:
        raise UsageError(f"order is {order!r}; allowed: {', '.join(_ORDERS)}")
    wanted = _wanted(period, filters)
    with open_ledger(filters.get("directory")) as ledger:
        return _ORDERS[order](ledger, wanted, limit)


def session_list(
    period: str = "all", *, limit: int = 20, against: str | None = None, **filters: Unpack[Filters]
) -> list[KeptSession]:
    """Sessions with their stages, the latest first; `against` names a model to compare their cost with.

    Raises `PriceError` where that model has no price.
    """
    wanted = _wanted(period, filters)
    book = _book() if against is not None else None
    with open_ledger(filters.get("directory")) as ledger:
        return kept_sessions(ledger, wanted, limit, against, book)


def session_metrics(
    id: str, *, against: str | None = None, directory: Path | str | None = None
) -> KeptSession | None:
    """One session of any program, while it runs and afterwards; None where no call has its id."""
    wanted = CallFilter(fields={"session": id})
    book = _book() if against is not None else None
    with open_ledger(directory) as ledger:
        found = kept_sessions(ledger, wanted, -1, against, book)
    return next((one for one in found if one.costs.session == id), None)


def savings(against: str, period: str = "month", **filters: Unpack[Filters]) -> Savings:
    """What the same tokens would have cost with another model: `savings("gpt-5", "week", session="run-42")`.

    Each call is priced at that model's standard price of its own day. Raises `PriceError` where it has none.
    """
    wanted, book = _wanted(period, filters), _book()
    with open_ledger(filters.get("directory")) as ledger:
        return comparison.savings(ledger.rows(wanted), against, book)


def savings_by(
    by: str, against: str, period: str = "month", **filters: Unpack[Filters]
) -> dict[str, Savings]:
    """`savings` for each "model", "provider", tag ("source", "session", ...) or own tag ("tag:tenant").

    Raises `ConfigurationError` for another group, `PriceError` where the model has no price.
    """
    group = grouping(by)
    wanted, book = _wanted(period, filters), _book()
    with open_ledger(filters.get("directory")) as ledger:
        return comparison.savings_by(ledger.rows(wanted), group, against, book)


def budget_status(directory: Path | str | None = None) -> list[BudgetState]:
    """How every budget stands: limit, spent, reserved, remaining, refused, when it resets and runs out.

    Inside a program whose calls are watched, its own budgets are meant; elsewhere those of the settings, as
    `otel-llmcost budget status` shows them. Raises `LedgerError`, and `ConfigurationError` for a settings file that
    cannot be read.
    """
    made = assembled()
    if made is not None and made.gate is not None and directory is None:
        if made.gate.past is not None:
            made.gate.past.wait()
        return made.gate.snapshot()
    config = _config()
    if config.document is None and config.fatal:
        raise config.fatal[0]
    file = str(config.document.path) if config.document is not None else ""
    parsed = parse_budgets(config.table("budgets"), file)
    if not parsed.budgets:
        return []
    with _opened(directory, though_off=True) as ledger:
        kept = config.ledger_enabled or directory is not None
        return status_from_outside(parsed.budgets, ledger, ledger.directory, int(time.time()), kept=kept)


def _config() -> Config:
    made = assembled()
    return made.config if made is not None else load_config()


def _book() -> Prices:
    made = assembled()
    return made.book if made is not None else open_book(load_config())


def _wanted(period: str, filters: Filters) -> CallFilter:
    fields = {name: words for name, words in filters.items() if name not in _NOT_FIELDS}
    for name in fields:
        column(name)
    stretch = reports.parse_range(period, reports.zone(filters.get("tz", "UTC")), datetime.now(UTC))
    return CallFilter(
        since_ns=stretch.since_ns,
        until_ns=stretch.until_ns,
        fields=fields,  # type: ignore[arg-type]  # everything else of Filters is in _NOT_FIELDS
        tags=filters.get("tags", {}),
        failed=filters.get("failed"),
    )

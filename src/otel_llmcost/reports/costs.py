"""The cost report: what calls cost over a stretch of time, by whatever they can be told apart by."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from decimal import Decimal

from ..call import COMMITTED, DELEGATED, ESTIMATED, NOTED, PARTIAL, PENDING, UNPRICED, code_of
from ..errors import ConfigurationError
from ..ledger.filters import COLUMN_OF, CallFilter, call_conditions, where
from ..ledger.store import Ledger
from ..money import Femto, as_decimal, join_nano
from .buckets import BUCKETS, Labels
from .ranges import Instant, as_instant, between, zone
from .sums import TAG_PREFIX, grouped_sums

_NO_PRICE = frozenset({UNPRICED, PENDING, COMMITTED, DELEGATED})
_EXPLAINED = (UNPRICED, PARTIAL, ESTIMATED, DELEGATED, COMMITTED)


def is_cause(reason: str, status: str) -> bool:
    """Whether a reason is why a call has its status, not something else that is worth saying of it."""
    code = code_of(reason)
    return status in _EXPLAINED and code != NOTED and (code != "matched" or status == ESTIMATED)


@dataclass(slots=True)
class CostRow:
    """Calls of one group. `keys` has a value for each `by` of the report ("" where a call has none).

    `calls` leaves out those that are paid later and settled under a key of their own (`pending`). Tokens are
    disjoint: `input` was neither read from nor written to a cache. Amounts are femto-dollars, durations
    microseconds inside calls.
    """

    keys: tuple[str, ...] = ()
    statuses: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    amount: Femto = 0
    savings: Femto = 0
    duration_us: int = 0

    @property
    def calls(self) -> int:
        """How many calls were made and are not merely waiting to be settled."""
        return self.statuses.total() - self.statuses[PENDING]

    @property
    def unpriced(self) -> int:
        """How many calls have no price although they should."""
        return self.statuses[UNPRICED]

    @property
    def is_lower_bound(self) -> bool:
        """Whether the true cost is above `amount`, because something has no price."""
        return self.statuses[UNPRICED] > 0 or self.statuses[PARTIAL] > 0

    @property
    def is_known(self) -> bool:
        """Whether at least one call has a price; otherwise there is nothing to show, also no zero."""
        return any(count for status, count in self.statuses.items() if status not in _NO_PRICE)

    @property
    def cost(self) -> Decimal | None:
        """The cost in USD, exactly (see `is_lower_bound`); None when nothing is known."""
        return as_decimal(self.amount) if self.is_known else None

    def add(self, other: CostRow) -> None:
        """Adds the calls of another group."""
        self.statuses.update(other.statuses)
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_SUMMED = ("failed", "input", "cache_read", "cache_write", "output", "amount", "savings", "duration_us")


@dataclass(slots=True)
class Report:
    """Costs by group. `reasons` says why calls are unpriced, partial, estimated, delegated, committed; how often."""

    by: tuple[str, ...]
    since_ns: int | None
    until_ns: int | None
    rows: list[CostRow]
    total: CostRow
    reasons: Counter[str]
    currency: str = "USD"


def cost_report(
    ledger: Ledger,
    *,
    since: Instant = None,
    until: Instant = None,
    by: Sequence[str] = ("model",),
    tz: str | tzinfo = "UTC",
    wanted: CallFilter | None = None,
) -> Report:
    """What the calls between two instants cost, by fields of a call, tags and time.

    `since` (inclusive) and `until` (exclusive) are ns since the epoch, a datetime with a time zone, or text as
    `parse_instant` takes it; a day given as text for `until` is included. `by` takes the names of `GROUPS` and
    `tag:<name>`. Groups of time come in order of time, others dearest first; `tz` says where a day begins.
    Raises `ConfigurationError` for an unknown name and where `until` is before `since`, `LedgerError`.
    """
    place = zone(tz) if isinstance(tz, str) else tz
    stretch = between(since, until, as_instant(since, place), as_instant(until, place, end=True))
    since_ns, until_ns = stretch.since_ns, stretch.until_ns
    asked = replace(wanted or CallFilter(), since_ns=since_ns, until_ns=until_ns)
    by = tuple(dict.fromkeys(by))  # a name that is said twice groups once
    fields = [name for name in by if name not in BUCKETS]
    _check(by)
    labels = {name: Labels(name, place) for name in by if name in BUCKETS}
    groups: dict[tuple[str, ...], CostRow] = {}
    total = CostRow()
    for found in grouped_sums(ledger, fields, quarters=bool(labels), wanted=asked):
        values = dict(zip(fields, tuple(found), strict=False))
        keys = tuple(
            labels[name].of(found["quarter"]) if name in labels else str(values[name] or "") for name in by
        )
        part = _row(found, keys)
        groups.setdefault(keys, CostRow(keys)).add(part)
        total.add(part)
    rows, reasons = _ordered(by, groups.values(), labels), _reasons(ledger, asked, total)
    return Report(by, since_ns, until_ns, rows, total, reasons)


GROUPS = (*COLUMN_OF, *BUCKETS)
"""What a report can be grouped by, beside `tag:<name>`."""


def _check(by: Sequence[str]) -> None:
    for name in by:
        if name not in GROUPS and not (name.startswith(TAG_PREFIX) and name != TAG_PREFIX):
            allowed = ", ".join((*sorted(GROUPS), "tag:NAME"))
            raise ConfigurationError("cannot group by this", value=name, allowed=allowed)


def _row(found: sqlite3.Row, keys: tuple[str, ...]) -> CostRow:
    sums: dict[str, int] = {name: found[name] for name in _FROM_SUMS}
    calls: int = found["calls"]
    return CostRow(
        keys,
        Counter({str(found["status"]): calls}),
        failed=calls if found["failed"] else 0,
        amount=join_nano(sums.pop("cost_nano"), sums.pop("cost_femto_rest")),
        savings=join_nano(sums.pop("savings_nano"), sums.pop("savings_femto_rest")),
        **sums,
    )


_FROM_SUMS = (
    "cost_nano", "cost_femto_rest", "savings_nano", "savings_femto_rest",
    "input", "cache_read", "cache_write", "output", "duration_us",
)  # fmt: skip


def _ordered(by: Sequence[str], rows: Iterable[CostRow], labels: Mapping[str, Labels]) -> list[CostRow]:
    times = [(place, labels[name]) for place, name in enumerate(by) if name in labels]
    return sorted(
        rows,
        key=lambda row: (
            [of.place(row.keys[place]) for place, of in times],
            -row.amount,
            -row.calls,
            row.keys,
        ),
    )


def _reasons(ledger: Ledger, wanted: CallFilter, total: CostRow) -> Counter[str]:
    if not any(total.statuses[status] for status in _EXPLAINED):
        return Counter()
    conditions, values = call_conditions(wanted)
    conditions.append(f"status IN ({', '.join('?' * len(_EXPLAINED))})")
    statement = (
        f"SELECT reasons, status, count(*) AS calls FROM calls{where(conditions)} GROUP BY reasons, status"
    )
    reasons: Counter[str] = Counter()
    for found in ledger.query(statement, [*values, *_EXPLAINED]):
        for reason in json.loads(found["reasons"] or "[]"):
            if is_cause(reason, found["status"]):
                reasons[reason] += found["calls"]
    return reasons

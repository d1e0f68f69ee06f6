"""Sums over calls, grouped by fields and quarter-hours: from roll-ups where they know the answer, else from rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..ledger.columns import MOST_MICROSECONDS
from ..ledger.filters import (
    ROLLUP_FIELDS,
    TAG_VALUE,
    CallFilter,
    call_conditions,
    column,
    field_conditions,
    where,
)
from ..ledger.rollups import QUARTER_NS
from ..ledger.store import Ledger

TAG_PREFIX = "tag:"
SUMS = (
    "calls", "cost_nano", "cost_femto_rest", "savings_nano", "savings_femto_rest",
    "input", "cache_read", "cache_write", "output", "duration_us",
)  # fmt: skip
_OF_ROW = {
    "quarter": f"start_ns / {QUARTER_NS}",
    "failed": "error_type <> ''",
    "calls": "1",
    "cost_nano": "coalesce(cost_nano, 0)",
    "cost_femto_rest": "coalesce(cost_femto_rest, 0)",
    "duration_us": f"min(max(end_ns - start_ns, 0) / 1000, {MOST_MICROSECONDS})",
}
Part = tuple[str, list[object]]
"""A piece of SQL with its parameters."""


def grouped_sums(
    ledger: Ledger, fields: Sequence[str], *, quarters: bool, wanted: CallFilter
) -> Iterator[sqlite3.Row]:
    """Sums of the calls that match: columns g0, g1, ... (a field each), `quarter`, `status`, `failed`, `SUMS`.

    `fields` are names of a call's fields or `tag:<name>`; `quarter` is 0 unless `quarters`.
    Raises `ConfigurationError` for an unknown field, `LedgerError`.
    """
    parts = _from_rollups(fields, wanted) if _rollups_know(fields, wanted) else [_from_rows(fields, wanted)]
    groups = [f"g{place}" for place in range(len(fields))] + ["status", "failed"]
    quarter = "quarter" if quarters else "0"
    sums = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
    by = ", ".join([*groups, "quarter"] if quarters else groups)
    statement = (
        f"SELECT {', '.join(groups)}, {quarter} AS quarter, {sums} "
        f"FROM ({' UNION ALL '.join(text for text, _ in parts)}) GROUP BY {by}"
    )
    return ledger.query(statement, [value for _, values in parts for value in values])


def _rollups_know(fields: Sequence[str], wanted: CallFilter) -> bool:
    return wanted.fits_rollups and ROLLUP_FIELDS.issuperset(fields)


def _from_rollups(fields: Sequence[str], wanted: CallFilter) -> list[Part]:
    """The whole quarter-hours from roll-ups, what is left at both ends from rows."""
    since, until = wanted.since_ns, wanted.until_ns
    first = None if since is None else -(-since // QUARTER_NS)
    after = None if until is None else until // QUARTER_NS
    if first is not None and after is not None and first >= after:
        return [_from_rows(fields, wanted)]
    conditions, values = field_conditions(wanted)
    if wanted.failed is not None:
        conditions.append(f"failed = {int(wanted.failed)}")
    if first is not None:
        conditions.append("quarter >= ?")
        values.append(first)
    if after is not None:
        conditions.append("quarter < ?")
        values.append(after)
    chosen = [f"{column(name)} AS g{place}" for place, name in enumerate(fields)]
    columns = ", ".join([*chosen, "quarter", "status", "failed", *SUMS])
    parts: list[Part] = [(f"SELECT {columns} FROM rollups{where(conditions)}", values)]
    if first is not None and since != first * QUARTER_NS:
        parts.append(_from_rows(fields, replace(wanted, until_ns=first * QUARTER_NS)))
    if after is not None and until != after * QUARTER_NS:
        parts.append(_from_rows(fields, replace(wanted, since_ns=after * QUARTER_NS)))
    return parts


def _from_rows(fields: Sequence[str], wanted: CallFilter) -> Part:
    values: list[object] = []
    chosen = []
    for place, name in enumerate(fields):
        if name.startswith(TAG_PREFIX):
            chosen.append(f"{TAG_VALUE} AS g{place}")
            values.append(name.removeprefix(TAG_PREFIX))
        else:
            chosen.append(f"{column(name)} AS g{place}")
    chosen += [f"{_OF_ROW.get(name, name)} AS {name}" for name in ("quarter", "status", "failed", *SUMS)]
    conditions, limits = call_conditions(wanted)
    return f"SELECT {', '.join(chosen)} FROM calls{where(conditions)}", values + limits

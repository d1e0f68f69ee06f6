"""Sums of calls per quarter of an hour of UTC: of these every time zone's hours and days are made."""

from __future__ import annotations

import sqlite3

from ..money import split_nano
from .columns import MOST_MICROSECONDS, token_counts
from .row import LedgerRow

QUARTER_NS = 900 * 10**9

_KEYS = (
    "quarter", "provider", "model", "operation", "tier", "source", "stage", "team", "feature", "service",
    "currency", "status", "failed",
)  # fmt: skip
_SUMS = (
    "calls", "cost_nano", "cost_femto_rest", "savings_nano", "savings_femto_rest",
    "input", "cache_read", "cache_write", "output", "duration_us",
)  # fmt: skip
_UPSERT = (
    f"INSERT INTO rollups ({', '.join(_KEYS + _SUMS)}) VALUES ({', '.join('?' * len(_KEYS + _SUMS))}) "
    f"ON CONFLICT ({', '.join(_KEYS)}) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
)


class Rollups:
    """Collects what changed, then adds it to the table in the caller's transaction."""

    def __init__(self) -> None:
        self._sums: dict[tuple[object, ...], list[int]] = {}

    def count(self, row: LedgerRow, sign: int = 1) -> None:
        """Counts a call, or takes it out again (`sign` -1)."""
        tags = row.tags
        key = (
            row.start_ns // QUARTER_NS, row.provider, row.model, row.operation, row.tier,
            tags.source, tags.stage, tags.team, tags.feature,
            row.service, row.currency, row.status, int(bool(row.error_type)),
        )  # fmt: skip
        values = (
            1,
            *split_nano(row.amount or 0),
            *split_nano(row.savings),
            *token_counts(row.usage).values(),
            min(max(row.end_ns - row.start_ns, 0) // 1000, MOST_MICROSECONDS),
        )
        sums = self._sums.setdefault(key, [0] * len(values))
        for place, value in enumerate(values):
            sums[place] += sign * value

    def write(self, database: sqlite3.Connection) -> None:
        """Adds the collected sums to the table."""
        database.executemany(_UPSERT, [(*key, *sums) for key, sums in self._sums.items()])
        if any(sums[0] < 0 for sums in self._sums.values()):
            database.execute("DELETE FROM rollups WHERE calls = 0")
        self._sums.clear()

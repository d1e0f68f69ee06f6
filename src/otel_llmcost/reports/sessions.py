"""Sessions with their stages: time, share of time, tokens, cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..ledger.filters import CallFilter, call_conditions, where
from ..ledger.store import Ledger
from .costs import CostRow, cost_report


@dataclass(slots=True)
class StageCost:
    """A stage of a session ("" for calls outside of any). `time_share` is of the session's time in calls, 0 to 1."""

    stage: str
    sums: CostRow
    time_share: float


@dataclass(slots=True)
class SessionCost:
    """A session: its first and last instant (ns UTC), its sums and its stages, the longest first."""

    session: str
    first_ns: int
    last_ns: int
    sums: CostRow
    stages: list[StageCost] = field(default_factory=list)


def session_costs(ledger: Ledger, wanted: CallFilter | None = None, limit: int = 20) -> list[SessionCost]:
    """The sessions with calls that match, the latest first. `limit` below 0: all. Raises `LedgerError`."""
    asked = wanted or CallFilter()
    spans = list(_latest_sessions(ledger, asked, limit))
    chosen = asked
    if limit >= 0:
        chosen = replace(asked, fields={**asked.fields, "session": [session for session, _, _ in spans]})
    report = cost_report(
        ledger, since=asked.since_ns, until=asked.until_ns, by=("session", "stage"), wanted=chosen
    )
    found = {
        session: SessionCost(session, first, last, CostRow((session,))) for session, first, last in spans
    }
    for row in report.rows:
        one = found.get(row.keys[0])
        if one is not None:  # else calls outside of sessions, or an id with a `*` matched another one
            one.sums.add(row)
            one.stages.append(StageCost(row.keys[1], row, 0.0))
    for one in found.values():
        for stage in one.stages:
            stage.time_share = stage.sums.duration_us / one.sums.duration_us if one.sums.duration_us else 0.0
        one.stages.sort(key=lambda stage: -stage.sums.duration_us)
    return list(found.values())


def _latest_sessions(ledger: Ledger, wanted: CallFilter, limit: int) -> Iterator[tuple[str, int, int]]:
    conditions, values = call_conditions(wanted)
    conditions.append("session <> ''")
    statement = (
        f"SELECT session, min(start_ns), max(end_ns) FROM calls{where(conditions)} "
        "GROUP BY session ORDER BY max(start_ns) DESC, session LIMIT ?"
    )
    for found in ledger.query(statement, [*values, limit]):
        yield found[0], found[1], found[2]

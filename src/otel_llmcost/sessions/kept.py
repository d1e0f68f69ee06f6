"""Sessions as the ledger keeps them: what their calls cost, what they said about themselves, and a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..comparison import Model, Savings, find_model, savings_by
from ..ledger.filters import CallFilter
from ..ledger.row import LedgerRow
from ..ledger.store import Ledger
from ..reports import SessionCost, session_costs
from ..services import Prices
from .log import SessionLog, SessionRecord
from .nesting import Nesting, nested_costs


@dataclass(slots=True)
class KeptSession:
    """One session. `record` is None for calls that only carried its id; `compared` is None unless asked for.

    `costs` counts the time inside calls, `record` the wall time. `stages_compared`: stage -> comparison.
    """

    costs: SessionCost
    record: SessionRecord | None = None
    compared: Savings | None = None
    stages_compared: Mapping[str, Savings] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """ "running", "completed", "failed", or "" where the session told nothing."""
        return self.record.status if self.record is not None else ""

    @property
    def wall_s(self) -> float | None:
        """Seconds from start to finish; None for a session that runs, was killed, or told nothing."""
        record = self.record
        return (record.ended_ns - record.started_ns) / 1e9 if record is not None and record.ended_ns else None

    def stage_wall_s(self, stage: str) -> float | None:
        """Seconds of wall time of a stage, nested stages apart; None where it is not known."""
        return self.record.stages.get(stage) if self.record is not None else None


def kept_sessions(
    ledger: Ledger, wanted: CallFilter, limit: int, against: Model | str | None, book: Prices | None
) -> list[KeptSession]:
    """The sessions with calls that match, the latest first (`limit` below 0: all), compared with a model.

    A call counts in its session and in every session around that one, as in `Session`'s own totals. Raises
    `LedgerError`, and `PriceError` for a model that `book` has no price for.
    """
    runs = SessionLog(ledger.directory).runs()
    nesting, records = Nesting(runs), {record.id: record for record in runs}
    inside = bool(nesting.inner)
    costs = nested_costs(ledger, wanted, limit, nesting) if inside else session_costs(ledger, wanted, limit)
    found = [KeptSession(one, records.get(one.session)) for one in costs]
    if against is None or book is None:
        return found
    model = against if isinstance(against, Model) else find_model(against, book)
    _compare(found, ledger, wanted, model, book, nesting)
    return found


def _compare(
    found: list[KeptSession],
    ledger: Ledger,
    wanted: CallFilter,
    model: Model,
    book: Prices,
    nesting: Nesting,
) -> None:
    """Adds to each session what its calls would have cost with a model."""
    chosen = [one.costs.session for one in found]
    inside = [id for id in nesting.inner if id not in chosen]
    rows = (
        ledger.rows(replace(wanted, fields={**wanted.fields, "session": [*chosen, *inside]}))
        if chosen
        else ()
    )

    def counts_in(row: LedgerRow) -> tuple[frozenset[str], str]:
        session = row.tags.session
        return frozenset((session, *nesting.around(session, row.start_ns))), row.tags.stage

    stages: dict[str, dict[str, Savings]] = {session: {} for session in chosen}
    for (sessions, stage), savings in savings_by(rows, counts_in, model, book).items():
        for session in sessions.intersection(stages):
            stages[session].setdefault(stage, Savings(model)).merge(savings)
    for one in found:
        one.stages_compared, one.compared = stages[one.costs.session], Savings(model)
        for savings in one.stages_compared.values():
            one.compared.merge(savings)

"""Which sessions stood inside which: a call's row knows one session, the sessions around it are in their log."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from ..ledger.filters import CallFilter
from ..ledger.store import Ledger
from ..reports import CostRow, SessionCost, StageCost, session_costs
from .log import SessionRecord


class Nesting:
    """What stood around each session, by the runs that its log tells of."""

    def __init__(self, runs: Iterable[SessionRecord]) -> None:
        self._runs: dict[str, list[SessionRecord]] = {}
        for run in sorted(runs, key=lambda run: run.started_ns):
            self._runs.setdefault(run.id, []).append(run)
        self.inner = {id for id, found in self._runs.items() if any(run.within for run in found)}
        """The sessions that ever stood inside another one."""

    def around(self, session: str, at_ns: int) -> tuple[str, ...]:
        """The sessions around the one that ran at an instant (ns since the epoch), the next one first."""
        run = first = self._run(session, at_ns)
        seen: list[str] = []
        found: list[str] = []
        while run is not None and first is not None and run.within and run.within not in seen:
            seen.append(run.within)
            run = self._run(run.within, run.started_ns)
            # one that had ended by then hears of nothing that was started afterwards
            if run is not None and not 0 < run.ended_ns <= first.started_ns:
                found.append(run.id)
        return tuple(found)

    def _run(self, session: str, at_ns: int) -> SessionRecord | None:
        runs = self._runs.get(session)
        if runs is None:
            return None
        return runs[max(bisect_right(runs, at_ns, key=lambda run: run.started_ns) - 1, 0)]

    def stretches(self, session: str) -> list[tuple[int | None, int | None, tuple[str, ...]]]:
        """(from, until, what stood around it) over all time: one stretch unless the same id was used in several."""
        found: list[tuple[int | None, int | None, tuple[str, ...]]] = []
        for start in [run.started_ns for run in self._runs.get(session, ())]:
            around = self.around(session, start)
            if found and found[-1][2] == around:
                continue
            if found:
                found[-1] = (found[-1][0], start, found[-1][2])
            found.append((start if found else None, None, around))
        return found or [(None, None, ())]


def nested_costs(ledger: Ledger, wanted: CallFilter, limit: int, nesting: Nesting) -> list[SessionCost]:
    """As `session_costs`; the calls of a session count in those around it, too. Raises `LedgerError`."""
    asked = _asked(wanted)
    wider = wanted
    if asked:
        inside = [id for id in nesting.inner if _is_inside(nesting, id, asked)]
        wider = replace(wanted, fields={**wanted.fields, "session": [*asked, *inside]})
    whole: dict[str, _Whole] = {}
    for cost in session_costs(ledger, wider, -1):
        around = [id for *_, ids in nesting.stretches(cost.session) for id in reversed(ids)]
        for id in (*around, cost.session):
            whole.setdefault(id, _Whole(id))
        whole[cost.session].add(cost)
        for part, ids in _parts(ledger, wider, cost, nesting):
            for id in ids:
                if id != cost.session:
                    whole[id].add(part)
    found = [one.cost() for id, one in whole.items() if one.began and (not asked or _matches(id, asked))]
    found.sort(key=lambda one: -one.last_ns)
    return found if limit < 0 else found[:limit]


def _parts(
    ledger: Ledger, wanted: CallFilter, cost: SessionCost, nesting: Nesting
) -> Iterator[tuple[SessionCost, tuple[str, ...]]]:
    """The parts of a session with the sessions that each stood in."""
    stretches = nesting.stretches(cost.session)
    if len(stretches) == 1:
        yield cost, stretches[0][2]
        return
    for since, until, around in stretches:
        if around:
            stretch = replace(
                wanted,
                since_ns=max((one for one in (wanted.since_ns, since) if one is not None), default=None),
                until_ns=min((one for one in (wanted.until_ns, until) if one is not None), default=None),
                fields={**wanted.fields, "session": [cost.session]},
            )
            if stretch.since_ns is None or stretch.until_ns is None or stretch.since_ns < stretch.until_ns:
                yield from ((one, around) for one in session_costs(ledger, stretch, -1))


class _Whole:
    """A session with those that stood inside it."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.began = False
        self._first_ns = self._last_ns = 0
        self._stages: dict[str, CostRow] = {}

    def add(self, part: SessionCost) -> None:
        """Adds the calls of one session."""
        self._first_ns = min(self._first_ns, part.first_ns) if self.began else part.first_ns
        self._last_ns = max(self._last_ns, part.last_ns)
        self.began = True
        for stage in part.stages:
            self._stages.setdefault(stage.stage, CostRow((self.session, stage.stage))).add(stage.sums)

    def cost(self) -> SessionCost:
        """Its sums and stages."""
        sums = CostRow((self.session,))
        for row in self._stages.values():
            sums.add(row)
        stages = [
            StageCost(name, row, row.duration_us / sums.duration_us if sums.duration_us else 0.0)
            for name, row in sorted(self._stages.items(), key=lambda stage: -stage[1].duration_us)
        ]
        return SessionCost(self.session, self._first_ns, self._last_ns, sums, stages)


def _asked(wanted: CallFilter) -> Sequence[str]:
    asked = wanted.fields.get("session", ())
    return [asked] if isinstance(asked, str) else list(asked)


def _is_inside(nesting: Nesting, session: str, asked: Sequence[str]) -> bool:
    return any(_matches(id, asked) for *_, around in nesting.stretches(session) for id in around)


def _matches(session: str, asked: Sequence[str]) -> bool:
    # only the star is special, as in the ledger's filters
    return any(fnmatchcase(session, word.replace("[", "[[]").replace("?", "[?]")) for word in asked)

"""Sessions: a span of work with live totals, stages and phases, a status and a summary line."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TextIO

from .. import semconv
from ..attribution import Block, Rollup, enter, leave, rollups, stage, tags_of
from ..attribution.scope import StageBlock
from ..attribution.tags import clean, from_mapping
from ..attribution.totals import Totals
from ..attribution.turns import Turns
from ..call import Call, Priced
from ..comparison import Savings, Settled, find_model
from ..errors import UsageError
from ..services import Services, services
from .log import COMPLETED, FAILED, RUNNING, STATUSES, SessionRecord
from .totals import Latencies, StageTotals

_STAGES = 1000
_METADATA = 50
_MORE = "(more)"

Summary = bool | logging.Logger | TextIO | None


class Session(Totals):
    """A running session. Everything it tells is up to date at any moment; reading costs microseconds.

    A call belongs to the session in which it was started, however late it ends. Thread-safe. Use it with
    `with`, `async with`, or call `start()` and `finish()`.
    """

    def __init__(
        self, record: SessionRecord, *, against: str, summary: Summary, parts: Services | None
    ) -> None:
        self.record = record
        self.closed = False
        self.rollup = Rollup()
        self._turns = Turns()
        self._latencies = Latencies()
        self._stages: dict[str, StageTotals] = {}
        self._summary = summary
        self._parts = parts
        self._comparison: Savings | None = None
        self._against = against
        self._started_s = self._ended_s = 0.0

    # -- beginning and end

    def start(self) -> Session:
        """Begins the session here: calls started from now on, in this context, belong to it."""
        parts = self._parts = self._parts or services()
        if self._against:
            self._comparison = Savings(find_model(self._against, parts.book))
        self.record.started_ns = time.time_ns()
        self.record.within = _around()
        self._started_s = time.monotonic()
        enter(from_mapping({"session": self.record.id}), self, self)
        self._keep()
        return self

    def finish(self, status: str = COMPLETED) -> None:
        """Ends the session with a status ("completed", "failed"); a second time changes nothing."""
        if status not in STATUSES:
            raise UsageError(f"status is {status!r}; allowed: {', '.join(STATUSES)}")
        leave(self)
        if self.closed or status == RUNNING:
            return
        self._ended_s = time.monotonic()
        self.closed = True
        self.record.status = status
        self.record.ended_ns = time.time_ns()
        self._keep()
        self._tell()

    def __enter__(self) -> Session:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(FAILED if error is not None else COMPLETED)

    async def __aenter__(self) -> Session:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(FAILED if error is not None else COMPLETED)

    # -- parts

    def stage(self, name: str) -> StageBlock:
        """A stage of the session, for `with`: its calls and its time are told apart."""
        return stage(name)

    def phase(self, number: int, name: str = "") -> Block:
        """A phase of a build: a stage ("phase 3" unless named) whose calls also carry the tag `phase`."""
        self.record.phase = number
        return StageBlock(tags_of(stage=name or f"phase {number}", phase=number))

    # -- what settling calls

    def add(self, call: Call, priced: Priced) -> None:
        """One settled call."""
        self._turns.do(self._add, call, priced)

    def _add(self, call: Call, priced: Priced) -> None:
        self.rollup.add(call, priced)
        self._stage(call.tags.stage).rollup.add(call, priced)
        if not call.error_type and call.operation != semconv.SETTLE:
            self._latencies.add((call.end_ns - call.start_ns) / 1e9)
        if self._comparison is not None and self._parts is not None:
            self._comparison.add(Settled(call, priced), self._parts.book)

    def stage_passed(self, name: str, seconds: float) -> None:
        """A stage ended after so many seconds of its own."""
        self._turns.do(self._pass, name, seconds)

    def _pass(self, name: str, seconds: float) -> None:
        self._stage(name).seconds += seconds

    def _stage(self, name: str) -> StageTotals:
        found = self._stages.get(name)
        if found is None:
            if len(self._stages) >= _STAGES:
                name = _MORE
            found = self._stages.setdefault(name, StageTotals(name))
        return found

    # -- live totals

    @property
    def id(self) -> str:
        """The session's id."""
        return self.record.id

    @property
    def status(self) -> str:
        """ "running", "completed" or "failed"."""
        return self.record.status

    @property
    def seconds(self) -> float:
        """Wall time so far, or of the whole session once it ended."""
        return (self._ended_s or time.monotonic()) - self._started_s if self._started_s else 0.0

    @property
    def mean_latency_s(self) -> float | None:
        """Mean duration of the calls that succeeded."""
        return self._latencies.mean()

    def latency_s(self, share: float = 0.5) -> float | None:
        """A percentile of the calls' durations (0.95: nearest rank, over the newest 4,096 calls)."""
        return self._latencies.percentile(share)

    @property
    def output_tokens_per_s(self) -> float | None:
        """Throughput of the models: generated tokens per second of calls that succeeded."""
        total_s = self._latencies.total_s
        return self.output_tokens / total_s if total_s else None

    @property
    def stages(self) -> dict[str, StageTotals]:
        """Stage -> its totals; "" for calls outside of any stage."""
        return dict(self._stages)

    @property
    def savings(self) -> Savings | None:
        """The comparison with the model that `against` named."""
        return self._comparison

    # -- telling

    def metrics(self) -> dict[str, object]:
        """Everything as plain values, for logs and dashboards; amounts as decimal strings in USD."""
        from .summary import metrics

        return metrics(self)

    def summary(self) -> str:
        """One line: time, calls, tokens, cost, savings, and time, tokens and cost of each stage."""
        from .summary import summary

        return summary(self)

    def _tell(self) -> None:
        if isinstance(self._summary, logging.Logger):
            self._summary.info("%s", self.summary())
        elif self._summary is True:
            logging.getLogger("otel_llmcost.session").info("%s", self.summary())
        elif self._summary:
            with suppress(OSError, ValueError):  # a closed stream is no reason to fail the program's work
                self._summary.write(self.summary() + "\n")

    def _keep(self) -> None:
        self.record.stages = {name: totals.seconds for name, totals in self.stages.items() if name}
        if self._parts is not None and self._parts.keep_session is not None:
            self._parts.keep_session(self.record)


def _around() -> str:
    """The id of the session in force here, "" for none."""
    return next(
        (each.id for each in reversed(rollups()) if isinstance(each, Session) and not each.closed), ""
    )


def session(
    id: str = "",
    metadata: Mapping[str, object] | None = None,
    *,
    task: str = "",
    mode: str = "",
    directory: str | Path = "",
    phase: int = 0,
    against: str = "",
    summary: Summary = None,
    parts: Services | None = None,
) -> Session:
    """A session for `with` or `async with`: everything inside is tagged with its id and counted in its
    totals.

    Without an id it gets a random one. `against` names a model ("gpt-5") that the cost is compared with,
    call by call; it raises `PriceError` at the start where that has no price. `summary`: True (logged), a
    logger or a text stream gets one line at the end. `metadata` is kept in the ledger's directory.
    """
    kept = list((metadata or {}).items())[:_METADATA]
    record = SessionRecord(
        id=clean(id) or secrets.token_hex(8),
        started_ns=0,
        task=clean(task),
        mode=clean(mode),
        directory=clean(directory),
        phase=phase,
        metadata={clean(key): clean(value) for key, value in kept},
    )
    return Session(record, against=against, summary=summary, parts=parts)

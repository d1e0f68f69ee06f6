"""What is told beside the calls: budgets, the age of the prices, whether calls found their place in the ledger.

All of it is read when metrics are collected; a call pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from . import semconv
from .ledger.location import JOURNAL_FOLDER
from .ledger.segment import bytes_of
from .money import as_float
from .upkeep import age_s

if TYPE_CHECKING:
    from typing import Protocol

    from .ledger import Recorder
    from .prices import Book

    class Prices(Protocol):
        """The prices of the process."""

        @property
        def book(self) -> Book | None: ...

    class Gate(Protocol):
        """The budgets in force, as far as they are told."""

        @property
        def refused(self) -> dict[str, int]: ...

        def amounts(self) -> list[tuple[str, int, int]]: ...

    class State(Protocol):
        """The parts of a process that are looked at; any of them may be replaced while it runs."""

        @property
        def upkeep(self) -> Prices: ...

        @property
        def gate(self) -> Gate | None: ...

        @property
        def recorder(self) -> Recorder | None: ...


class Gauges:
    """The instruments of a process beside its counters of calls."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._refused_before: dict[str, int] = {}
        self.instruments: list[Any] = []

    def register(self, meter: Meter) -> None:
        """Make the instruments; once for a process: a second observable of a name would lose its callback."""
        if self.instruments:
            return
        gauge, counter = meter.create_observable_gauge, meter.create_observable_counter
        self.instruments = [
            gauge(semconv.M_BUDGET_LIMIT, [self._limits], "USD", "Limits of the budgets"),
            gauge(semconv.M_BUDGET_SPENT, [self._spent], "USD", "Spent and reserved of the budgets"),
            counter(semconv.M_BUDGET_REFUSED, [self._refused], "{call}", "Calls that a budget refused"),
            gauge(semconv.M_PRICE_AGE, [self._price_age], "s", "Since the day of the price list"),
            gauge(semconv.M_LEDGER_ENABLED, [self._ledger_enabled], "", "1 with a ledger, 0 without"),
            counter(
                semconv.M_LEDGER_CALLS,
                [self._ledger_calls],
                "{call}",
                "Calls that the ledger kept or dropped",
            ),
            gauge(semconv.M_LEDGER_JOURNAL, [self._journal_size], "By", "Files of the ledger's journal"),
        ]

    def forked(self) -> None:
        """In a child: what was refused so far is the parent's, which goes on telling it."""
        gate = self._state.gate
        self._refused_before = gate.refused if gate is not None else {}

    def _budgets(self) -> list[tuple[str, int, int]]:
        gate = self._state.gate
        return gate.amounts() if gate is not None else []

    def _limits(self, options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(as_float(limit), {semconv.L_BUDGET: name}) for name, limit, _ in self._budgets()]

    def _spent(self, options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(as_float(spent), {semconv.L_BUDGET: name}) for name, _, spent in self._budgets()]

    def _refused(self, options: CallbackOptions) -> Iterable[Observation]:
        gate = self._state.gate
        refused = gate.refused if gate is not None else {}
        return [
            Observation(max(count - self._refused_before.get(name, 0), 0), {semconv.L_BUDGET: name})
            for name, count in refused.items()
        ]

    def _price_age(self, options: CallbackOptions) -> Iterable[Observation]:
        book = (
            self._state.upkeep.book
        )  # none is opened for this: a program without calls has no prices to be old
        return [Observation(age_s(book))] if book is not None else []

    def _ledger_enabled(self, options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(int(self._state.recorder is not None))]

    def _ledger_calls(self, options: CallbackOptions) -> Iterable[Observation]:
        recorder = self._state.recorder
        if recorder is None:
            return []
        counted = recorder.counters
        # zero is told too: that nothing was dropped is then known, and not only unheard of
        return [
            Observation(counted.appended, {semconv.L_OUTCOME: "kept"}),
            Observation(counted.dropped, {semconv.L_OUTCOME: "dropped"}),
        ]

    def _journal_size(self, options: CallbackOptions) -> Iterable[Observation]:
        recorder = self._state.recorder
        if recorder is None:
            return []
        try:
            return [Observation(bytes_of(recorder.directory / JOURNAL_FOLDER))]
        except FileNotFoundError:  # no call yet
            return [Observation(0)]
        except OSError:  # unknown is not zero
            return []

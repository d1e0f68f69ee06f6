"""The counter of one process: dictionaries behind a lock."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .counter import LEASE_S, Charge, CounterBusy, Move, Refusal, Sums
from .windows import ALWAYS, Span

_SPENT, _RESERVED = 0, 1


class _Account:
    """Cells of [spent, reserved] by bucket."""

    __slots__ = ("cells", "first")

    def __init__(self, first: int) -> None:
        self.cells: dict[int, list[int]] = {}
        self.first = first

    def cell(self, bucket: int) -> list[int]:
        found = self.cells.get(bucket)
        if found is None:
            found = self.cells[bucket] = [0, 0]
        return found

    def window(self, span: Span) -> tuple[int, int]:
        """(spent, reserved)."""
        if not span.step:
            cell = self.cells.get(span.bucket)
            return (cell[_SPENT], cell[_RESERVED]) if cell is not None else (0, 0)
        spent = reserved = 0
        for bucket, cell in self.cells.items():
            if span.since <= bucket <= span.through:
                spent += cell[_SPENT]
                reserved += cell[_RESERVED]
        return spent, reserved

    def forget_before(self, since: int) -> None:
        old = [bucket for bucket, cell in self.cells.items() if bucket < since and not cell[_RESERVED]]
        for bucket in old:
            del self.cells[bucket]

    @property
    def idle(self) -> bool:
        return not any(cell[_RESERVED] for cell in self.cells.values())


class ProcessCounter:
    """A `CounterStore` for one process; it is never unreachable.

    A forked child is a process of its own: it starts with nothing spent and nothing reserved, and what its
    parent had reserved is not its to settle. Accounts whose name holds a NUL are conversations: at most
    `conversations` of them are kept, the longest unused without a reservation goes first.
    """

    def __init__(self, *, lease: int = LEASE_S, conversations: int = 10_000) -> None:
        self._lease, self._conversations = lease, conversations
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._inside = False
        self._budgets: dict[str, _Account] = {}
        self._talks: OrderedDict[str, _Account] = OrderedDict()
        self._holds: dict[int, tuple[int, Sequence[Charge]]] = {}
        # Ids of a child never meet those of its parent, whose reservations a child may still carry around.
        self._last_hold = self._pid << 64

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A critical section. Raises `CounterBusy` to a thread that is inside already.

        The collector or a signal handler may end an abandoned call while its thread is inside; a plain lock would
        hang there, a re-entrant one alone would let it in on half a change.
        """
        if self._pid != os.getpid():
            self._start()
        with self._lock:
            if self._inside:
                raise CounterBusy
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def reserve(self, charges: Sequence[Charge], now: int) -> int | Refusal:
        """As `CounterStore.reserve`."""
        if self._pid != os.getpid():
            self._start()
        # `_alone`, written out: a context manager costs as much as all the rest.
        with self._lock:
            if self._inside:
                raise CounterBusy
            self._inside = True
            try:
                return self._reserve(charges, now)
            finally:
                self._inside = False

    def settle(self, hold: int, charges: Sequence[Charge], amounts: Sequence[int], now: int) -> list[Move]:
        """As `CounterStore.settle`."""
        if self._pid != os.getpid():
            self._start()
        if hold and hold >> 64 != self._pid:
            return []
        with self._lock:
            if self._inside:
                raise CounterBusy
            self._inside = True
            try:
                return self._settle(hold, charges, amounts, now)
            finally:
                self._inside = False

    def _reserve(self, charges: Sequence[Charge], now: int) -> int | Refusal:
        cells = self._with_room(charges)
        if isinstance(cells, Refusal) and self._expire(now):
            cells = self._with_room(charges)
        if isinstance(cells, Refusal):
            return cells
        for charge, cell in zip(charges, cells, strict=False):
            found = cell if cell is not None else self._account(charge.account, now).cell(charge.span.bucket)
            found[_RESERVED] += charge.amount
        self._last_hold += 1
        self._holds[self._last_hold] = (now + self._lease, charges)
        return self._last_hold

    def _settle(self, hold: int, charges: Sequence[Charge], amounts: Sequence[int], now: int) -> list[Move]:
        held = self._holds.pop(hold, None) is not None
        moves = []
        for charge, amount in zip(charges, amounts, strict=False):
            account = self._account(charge.account, now)
            if held:
                account.cell(charge.span.bucket)[_RESERVED] -= charge.amount
            moves.append(_add(account, charge, amount))
        return moves

    def _with_room(self, charges: Sequence[Charge]) -> Refusal | list[list[int] | None]:
        """The cell of each charge (None: not there yet), or the first that has no room for it."""
        cells: list[list[int] | None] = []
        for charge in charges:
            name, span = charge.account, charge.span
            account = self._budgets.get(name) or self._talks.get(name)
            cell = account.cells.get(span.bucket) if account is not None else None
            if charge.limit is not None:
                if account is not None and span.step:
                    taken = sum(account.window(span))
                else:
                    taken = cell[_SPENT] + cell[_RESERVED] if cell is not None else 0
                if taken + charge.amount > charge.limit:
                    return Refusal(len(cells), self._sums(name, span))
            cells.append(cell)
        return cells

    def _sums(self, name: str, span: Span) -> Sums:
        found = self._budgets.get(name) or self._talks.get(name)
        return Sums() if found is None else Sums(*found.window(span), found.first)

    def expire(self, now: int) -> int:
        """As `CounterStore.expire`."""
        with self._alone():
            return self._expire(now)

    def sums(self, account: str, span: Span) -> Sums:
        """As `CounterStore.sums`."""
        with self._alone():
            return self._sums(account, span)

    def raise_to(self, charge: Charge, now: int) -> int:
        """As `CounterStore.raise_to`."""
        with self._alone():
            account = self._account(charge.account, now)
            missing = max(0, charge.amount - account.window(charge.span)[_SPENT])
            _add(account, charge, missing)
            return missing

    def fullest(self, prefix: str) -> Sums:
        """As `CounterStore.fullest`."""
        with self._alone():
            every = [
                Sums(*a.window(ALWAYS), a.first) for name, a in self._talks.items() if name.startswith(prefix)
            ]
            return max(every, key=lambda sums: sums.spent, default=Sums())

    def _account(self, name: str, now: int) -> _Account:
        account = self._budgets.get(name)
        if account is not None:
            return account
        if "\0" not in name:
            account = self._budgets[name] = _Account(now)
            return account
        account = self._talks.get(name)
        if account is None:
            account = self._talks[name] = _Account(now)
            self._forget_one()
        else:
            self._talks.move_to_end(name)
        return account

    def _forget_one(self) -> None:
        if len(self._talks) <= self._conversations:
            return
        newest = next(reversed(self._talks))
        for name, account in self._talks.items():
            if account.idle and name != newest:
                del self._talks[name]
                return

    def _expire(self, now: int) -> int:
        # Holds stand in the order of their making, all with one lease: the first that lives ends the search.
        dropped = 0
        while self._holds:
            hold, (until, charges) = next(iter(self._holds.items()))
            if until > now:
                break
            del self._holds[hold]
            dropped += 1
            for charge in charges:
                self._account(charge.account, now).cell(charge.span.bucket)[_RESERVED] -= charge.amount
        return dropped


def _add(account: _Account, charge: Charge, amount: int) -> Move:
    before = account.window(charge.span)[_SPENT]
    account.cell(charge.span.bucket)[_SPENT] += amount
    if len(account.cells) > 2:
        account.forget_before(charge.span.since)
    return Move(before, before + amount)

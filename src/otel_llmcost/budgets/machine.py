"""The counter of one machine: what all processes of a user spend, in a table that they share."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from .cells import Cell, Cells, amount_of, cell_from, fullest, packed
from .counter import LEASE_S, Charge, CounterBusy, CounterUnreachable, Move, Refusal, Sums
from .holder import Holder, this_process
from .shared_table import CELL_SIZE, CELLS, SLOTS, SharedTable, Turn, cell_at, slot_at, state_at
from .windows import Span

FILE_NAME = "budgets-1.counter"
_SWEEP_EVERY_NS = 20_000_000
_FREE, _TAKEN = b"\0", b"\1"
_ID_MASK = 2**64 - 1
_SPIN_NS = 1_000_000
_LEAST_TRIES = 5
_FREED_AT_ONCE = 200
T = TypeVar("T")

# A slot: id, pid, cell, start of the process, its namespace, lease (seconds), amount.
_SLOT = struct.Struct("<QIIQQq16s")


class MachineCounter:
    """A `CounterStore` in a file of the state directory, for all processes of the user on this machine.

    The file is opened at the first use. It holds hashes of account names, no names.
    """

    def __init__(self, directory: Path, *, lease: int = LEASE_S) -> None:
        self.path = directory / FILE_NAME
        self._lease = lease
        self._table: SharedTable | None = None
        self._start()

    def _start(self) -> None:
        # A forked child shares its parent's open file, and with it its lock: it must open the file anew.
        self.close()
        self._here: Holder = this_process()
        self._cells = Cells()
        self._slots: dict[int, list[int]] = {}

    def close(self) -> None:
        """Closes the file; the next use opens it again."""
        table, self._table = self._table, None
        if table is not None:
            table.close()

    def after_fork_in_child(self) -> None:
        """Lets go of what the parent had; without it the child does so at its first use."""
        self._start()

    def _do(self, work: Callable[[Turn], T]) -> T:
        """What `work` answers on an undisturbed view of the table; it is asked again after a disturbed one."""
        if self._here.pid != os.getpid():
            self._start()
        if self._table is None:
            self._table = SharedTable(self.path)
        # Others hold the table for microseconds: to try again at once is cheaper than to sleep, which gives up the
        # interpreter lock and may take long to get it back.
        until, tries = time.monotonic_ns() + _SPIN_NS, 0
        while True:
            turn, tries = None, tries + 1
            try:
                turn = self._table.turn()
                return work(turn)
            except CounterBusy:
                pass
            except (CounterUnreachable, struct.error, OverflowError):
                # What looks full or damaged may be a view of two moments.
                if turn is None or turn.is_current():
                    raise
            if tries >= _LEAST_TRIES and time.monotonic_ns() >= until:
                raise CounterBusy

    def reserve(self, charges: Sequence[Charge], now: int) -> int | Refusal:
        """As `CounterStore.reserve`."""

        def work(turn: Turn) -> int | Refusal:
            refusal = self._refusal(turn, charges)
            if refusal is not None and self._sweep(turn, now):
                refusal = self._refusal(turn, charges)
            if refusal is None:
                return self._hold(turn, charges, now)
            turn.check()
            return refusal

        return self._do(work)

    def settle(self, hold: int, charges: Sequence[Charge], amounts: Sequence[int], now: int) -> list[Move]:
        """As `CounterStore.settle`."""
        if hold and hold >> 64 != os.getpid():
            return []
        return self._do(lambda turn: self._settle(turn, hold, charges, amounts, now))

    def expire(self, now: int) -> int:
        """As `CounterStore.expire`."""
        return self._do(lambda turn: self._sweep(turn, now, at_once=True))

    def sums(self, account: str, span: Span) -> Sums:
        """As `CounterStore.sums`."""

        def work(turn: Turn) -> Sums:
            found = self._cells.window(turn, account, span)
            turn.check()
            return found

        return self._do(work)

    def raise_to(self, charge: Charge, now: int) -> int:
        """As `CounterStore.raise_to`."""

        def work(turn: Turn) -> int:
            missing = max(0, charge.amount - self._cells.window(turn, charge.account, charge.span).spent)
            turn.check()
            if missing:
                cell = self._cells.cell_of(turn, charge, now)
                cell.spent += missing
                turn.commit([cell.sums_write(), cell.touch_write(now)])
            return missing

        return self._do(work)

    def fullest(self, prefix: str) -> Sums:
        """As `CounterStore.fullest`."""

        def work(turn: Turn) -> bytes:
            every = turn.read(cell_at(0), CELLS * CELL_SIZE)
            turn.check()
            return every

        return fullest(self._do(work), prefix)

    def _settle(
        self, turn: Turn, hold: int, charges: Sequence[Charge], amounts: Sequence[int], now: int
    ) -> list[Move]:
        slots = self._slots.get(hold, [-1] * len(charges))
        writes, moves = [], []
        for charge, amount, slot in zip(charges, amounts, slots, strict=True):
            before = self._cells.window(turn, charge.account, charge.span).spent
            cell = self._cells.cell_of(turn, charge, now)
            if slot >= 0 and _held_by(turn, slot) == hold & _ID_MASK:
                cell.reserved -= charge.amount
                writes.append((state_at(slot), _FREE))
            cell.spent += amount
            writes += [cell.sums_write(), cell.touch_write(now)]
            moves.append(Move(before, before + amount))
        turn.commit(writes)
        self._slots.pop(hold, None)
        return moves

    def _refusal(self, turn: Turn, charges: Sequence[Charge]) -> Refusal | None:
        for index, charge in enumerate(charges):
            if charge.limit is None:
                continue
            sums = self._cells.window(turn, charge.account, charge.span)
            if sums.spent + sums.reserved + charge.amount > charge.limit:
                return Refusal(index, sums)
        return None

    def _hold(self, turn: Turn, charges: Sequence[Charge], now: int) -> int:
        slots = self._free_slots(turn, len(charges), now)
        number = turn.last_id() + 1
        writes = [turn.id_write(number)]
        for charge, slot in zip(charges, slots, strict=True):
            cell = self._cells.cell_of(turn, charge, now)
            cell.reserved += charge.amount
            entry = (number, self._here.pid, cell.index, self._here.started, self._here.namespace)
            writes += [
                cell.sums_write(),
                (slot_at(slot), _SLOT.pack(*entry, now + self._lease, packed(charge.amount))),
                (state_at(slot), _TAKEN),
            ]
        turn.commit(writes)
        hold = self._here.pid << 64 | number
        self._slots[hold] = slots
        return hold

    def _free_slots(self, turn: Turn, wanted: int, now: int) -> list[int]:
        for _attempt in range(2):
            found: list[int] = []
            slot = turn.slots(_FREE)
            while slot >= 0:
                found.append(slot)
                if len(found) == wanted:
                    return found
                slot = turn.slots(_FREE, slot + 1)
            self._sweep(turn, now)
        raise CounterUnreachable(f"all {SLOTS} reservations of {self.path} are taken")

    def _sweep(self, turn: Turn, now: int, *, at_once: bool = False) -> int:
        """Frees what dead holders and expired leases hold; rarely, since it looks at every slot in use."""
        clock = time.monotonic_ns()
        if not at_once and 0 <= clock - turn.last_sweep() < _SWEEP_EVERY_NS:
            return 0
        living, lost = {self._here: True}, []
        slot = turn.slots(_TAKEN)
        while slot >= 0:
            _, pid, index, started, namespace, until, amount = _SLOT.unpack(
                turn.read(slot_at(slot), _SLOT.size)
            )
            holder = Holder(pid, started, namespace)
            if holder not in living:
                living[holder] = holder.alive(self._here)
            if until <= now or not living[holder]:
                lost.append((slot, index, amount_of(amount)))
            slot = turn.slots(_TAKEN, slot + 1)
        for first in range(0, len(lost), _FREED_AT_ONCE):
            cells: dict[int, Cell] = {}
            for _, index, amount in lost[first : first + _FREED_AT_ONCE]:
                cell = cells.get(index) or cell_from(index, turn.read(cell_at(index), CELL_SIZE))
                cell.reserved -= amount
                cells[index] = cell
            freed = [(state_at(slot), _FREE) for slot, _, _ in lost[first : first + _FREED_AT_ONCE]]
            turn.commit([*freed, *[cell.sums_write() for cell in cells.values()]])
        if lost or not at_once:  # who only looks disturbs nobody who spends
            turn.commit([turn.sweep_write(clock)])
        return len(lost)


def _held_by(turn: Turn, slot: int) -> int:
    """The id that a slot is held under, 0 for a free one."""
    if turn.read(state_at(slot), 1) == _FREE:
        return 0
    return int.from_bytes(turn.read(slot_at(slot), 8), "little")

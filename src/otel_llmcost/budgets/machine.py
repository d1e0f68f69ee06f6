"""The counter of one machine: what all processes of a user spend, in a table that they share."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .cells import Cells, amount_of, cell_from, fullest, packed
from .counter import LEASE_S, Charge, CounterUnreachable, Move, Refusal, Sums
from .holder import Holder, this_process
from .section import Section
from .shared_table import (
    CELL_SIZE,
    CELLS,
    SLOTS,
    SharedTable,
    cell_at,
    slot_at,
    state_at,
)
from .windows import Span

FILE_NAME = "budgets-1.counter"
_SWEEP_EVERY_NS = 20_000_000
_FREE, _TAKEN = b"\0", b"\1"
_ID_MASK = 2**64 - 1

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
        self._section = Section(waits=False)
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

    @contextmanager
    def _entered(self) -> Iterator[SharedTable]:
        if self._here.pid != os.getpid():
            self._start()
        with self._section:
            if self._table is None:
                self._table = SharedTable(self.path)
            table = self._table
            table.lock()
            try:
                yield table
            finally:
                table.unlock()

    def reserve(self, charges: Sequence[Charge], now: int) -> int | Refusal:
        """As `CounterStore.reserve`."""
        with self._entered() as table:
            refusal = self._refusal(table, charges)
            if refusal is not None and self._sweep(table, now):
                refusal = self._refusal(table, charges)
            if refusal is not None:
                return refusal
            return self._hold(table, charges, now)

    def settle(self, hold: int, charges: Sequence[Charge], amounts: Sequence[int], now: int) -> list[Move]:
        """As `CounterStore.settle`."""
        with self._entered() as table:
            if hold and hold >> 64 != self._here.pid:
                return []
            slots = self._slots.get(hold, [-1] * len(charges))
            writes, moves = [], []
            for charge, amount, slot in zip(charges, amounts, slots, strict=True):
                before = self._cells.window(table, charge.account, charge.span).spent
                cell = self._cells.cell_of(table, charge, now)
                if slot >= 0 and _held_by(table, slot) == hold & _ID_MASK:
                    cell.reserved -= charge.amount
                    writes.append((state_at(slot), _FREE))
                cell.spent += amount
                writes += [cell.sums_write(), cell.touch_write(now)]
                moves.append(Move(before, before + amount))
            table.commit(writes)
            self._slots.pop(hold, None)
            return moves

    def expire(self, now: int) -> int:
        """As `CounterStore.expire`."""
        with self._entered() as table:
            return self._sweep(table, now, at_once=True)

    def sums(self, account: str, span: Span) -> Sums:
        """As `CounterStore.sums`."""
        with self._entered() as table:
            return self._cells.window(table, account, span)

    def raise_to(self, charge: Charge, now: int) -> int:
        """As `CounterStore.raise_to`."""
        with self._entered() as table:
            missing = max(0, charge.amount - self._cells.window(table, charge.account, charge.span).spent)
            if missing:
                cell = self._cells.cell_of(table, charge, now)
                cell.spent += missing
                table.commit([cell.sums_write(), cell.touch_write(now)])
            return missing

    def fullest(self, prefix: str) -> Sums:
        """As `CounterStore.fullest`."""
        with self._entered() as table:
            every = table.read(cell_at(0), CELLS * CELL_SIZE)
        return fullest(every, prefix)

    def _refusal(self, table: SharedTable, charges: Sequence[Charge]) -> Refusal | None:
        for index, charge in enumerate(charges):
            if charge.limit is None:
                continue
            sums = self._cells.window(table, charge.account, charge.span)
            if sums.spent + sums.reserved + charge.amount > charge.limit:
                return Refusal(index, sums)
        return None

    def _hold(self, table: SharedTable, charges: Sequence[Charge], now: int) -> int:
        slots = self._free_slots(table, len(charges), now)
        number = table.last_id() + 1
        writes = [table.id_write(number)]
        for charge, slot in zip(charges, slots, strict=True):
            cell = self._cells.cell_of(table, charge, now)
            cell.reserved += charge.amount
            entry = (number, self._here.pid, cell.index, self._here.started, self._here.namespace)
            writes += [
                cell.sums_write(),
                (slot_at(slot), _SLOT.pack(*entry, now + self._lease, packed(charge.amount))),
                (state_at(slot), _TAKEN),
            ]
        table.commit(writes)
        hold = self._here.pid << 64 | number
        self._slots[hold] = slots
        return hold

    def _free_slots(self, table: SharedTable, wanted: int, now: int) -> list[int]:
        for _attempt in range(2):
            found: list[int] = []
            slot = table.slots(_FREE)
            while slot >= 0:
                found.append(slot)
                if len(found) == wanted:
                    return found
                slot = table.slots(_FREE, slot + 1)
            self._sweep(table, now)
        raise CounterUnreachable(f"all {SLOTS} reservations of {self.path} are taken")

    def _sweep(self, table: SharedTable, now: int, *, at_once: bool = False) -> int:
        """Frees what dead holders and expired leases hold; rarely, since it looks at every slot in use."""
        clock = time.monotonic_ns()
        if not at_once and 0 <= clock - table.last_sweep() < _SWEEP_EVERY_NS:
            return 0
        table.commit([table.sweep_write(clock)])
        freed, living = 0, {self._here: True}
        slot = table.slots(_TAKEN)
        while slot >= 0:
            _, pid, index, started, namespace, until, amount = _SLOT.unpack(
                table.read(slot_at(slot), _SLOT.size)
            )
            holder = Holder(pid, started, namespace)
            if holder not in living:
                living[holder] = holder.alive(self._here)
            if until <= now or not living[holder]:
                cell = cell_from(index, table.read(cell_at(index), CELL_SIZE))
                cell.reserved -= amount_of(amount)
                table.commit([cell.sums_write(), (state_at(slot), _FREE)])
                freed += 1
            slot = table.slots(_TAKEN, slot + 1)
        return freed


def _held_by(table: SharedTable, slot: int) -> int:
    """The id that a slot is held under, 0 for a free one."""
    if table.read(state_at(slot), 1) == _FREE:
        return 0
    return int.from_bytes(table.read(slot_at(slot), 8), "little")

"""The cells of a shared table: one sum for each account and bucket, found by hash."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from .counter import Charge, CounterUnreachable, Sums
from .shared_table import CELL_SIZE, CELLS, Turn, Write, cell_at
from .windows import Span

_PROBES = 64
_MOST_CACHED = 50_000
_NOBODY = bytes(16)
_PLAIN = bytes(8)

# A cell: key, group (of conversations; zeros for a plain budget), dead after, first charged, last touched
# (seconds), spent, reserved (128-bit integers: femto-dollars overflow 64 bits at $9,223).
_CELL = struct.Struct("<16s8sqqq16s16s")
_SUMS = struct.Struct("<16s16s")
_TOUCHED_AT = 40
_SUMS_AT = 48


@dataclass(slots=True)
class Cell:
    """One cell as read. Amounts are femto-dollars, times seconds; `dead` 0 is never."""

    index: int
    dead: int
    first: int
    touched: int
    spent: int
    reserved: int
    group: bytes

    def sums_write(self) -> Write:
        """The write that keeps its sums."""
        return cell_at(self.index) + _SUMS_AT, _SUMS.pack(packed(self.spent), packed(self.reserved))

    def touch_write(self, now: int) -> Write:
        """The write that notes its last use."""
        return cell_at(self.index) + _TOUCHED_AT, struct.pack("<q", now)


def packed(amount: int) -> bytes:
    """An amount as it stands in the file."""
    return amount.to_bytes(16, "little", signed=True)


def amount_of(data: bytes) -> int:
    """The inverse of `packed`."""
    return int.from_bytes(data, "little", signed=True)


class Cells:
    """Finds and makes cells, remembers where it found them. Names are kept as hashes."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, int], tuple[bytes, int]] = {}

    def window(self, turn: Turn, account: str, span: Span) -> Sums:
        """What is spent and reserved in a window of an account."""
        whole = Sums()
        for bucket in range(span.since, span.through + 1, span.step) if span.step else (span.bucket,):
            cell = self.find(turn, account, bucket)
            if cell is not None:
                whole.spent += cell.spent
                whole.reserved += cell.reserved
                whole.first = min(whole.first or cell.first, cell.first)
        return whole

    def find(self, turn: Turn, account: str, bucket: int) -> Cell | None:
        """The cell of an account and bucket, None where there is none."""
        key, index = self._key(account, bucket)
        if index >= 0:
            data = turn.read(cell_at(index), CELL_SIZE)
            if data.startswith(key):
                return cell_from(index, data)
        for index in _places(key):
            data = turn.read(cell_at(index), CELL_SIZE)
            if data.startswith(key):
                self._keys[account, bucket] = (key, index)
                return cell_from(index, data)
            if data.startswith(_NOBODY):
                return None
        return None

    def cell_of(self, turn: Turn, charge: Charge, now: int) -> Cell:
        """The cell that a charge goes to, made where there is none."""
        bucket = charge.span.bucket
        found = self.find(turn, charge.account, bucket)
        if found is not None:
            return found
        key, _ = self._key(charge.account, bucket)
        index = self._place(turn, key, now)
        prefix, talk, _ = charge.account.partition("\0")
        group = _digest(prefix + talk, 8) if talk else _PLAIN
        data = _CELL.pack(key, group, charge.span.dead, now, now, packed(0), packed(0))
        turn.commit([(cell_at(index), data)])
        self._keys[charge.account, bucket] = (key, index)
        return cell_from(index, data)

    def _place(self, turn: Turn, key: bytes, now: int) -> int:
        """Where a new cell may go: a free place, a window long over, or the longest idle conversation."""
        oldest: Cell | None = None
        for index in _places(key):
            data = turn.read(cell_at(index), CELL_SIZE)
            if data.startswith(_NOBODY):
                return index
            cell = cell_from(index, data)
            if cell.reserved:
                continue
            if 0 < cell.dead <= now:
                return index
            if cell.group != _PLAIN and (oldest is None or cell.touched < oldest.touched):
                oldest = cell
        if oldest is None:
            raise CounterUnreachable(f"{turn.path} is full")
        return oldest.index

    def _key(self, account: str, bucket: int) -> tuple[bytes, int]:
        known = self._keys.get((account, bucket))
        if known is None:
            if len(self._keys) >= _MOST_CACHED:
                self._keys.clear()
            known = self._keys[account, bucket] = (_digest(f"{account}\n{bucket}", 16), -1)
        return known


def fullest(every: bytes, prefix: str) -> Sums:
    """The cell with the greatest spend among the conversations of one budget, in a copy of all cells."""
    group, most = _digest(prefix, len(_PLAIN)), Sums()
    at = every.find(group)
    while at >= 0:
        index, inside = divmod(at, CELL_SIZE)
        if inside == len(_NOBODY):
            cell = cell_from(index, every[index * CELL_SIZE : (index + 1) * CELL_SIZE])
            if cell.spent >= most.spent:
                most = Sums(cell.spent, cell.reserved, cell.first)
        at = every.find(group, at + 1)
    return most


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def _places(key: bytes) -> Iterator[int]:
    first = int.from_bytes(key[:8], "little")
    return ((first + step) % CELLS for step in range(_PROBES))


def cell_from(index: int, data: bytes) -> Cell:
    """A cell from its bytes."""
    _, group, dead, first, touched, spent, reserved = _CELL.unpack_from(data)
    return Cell(index, dead, first, touched, amount_of(spent), amount_of(reserved), group)

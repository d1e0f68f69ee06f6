"""The ledger's database: rows of calls, unique by key, with roll-ups that change in the same transaction."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..call import Priced
from ..errors import LedgerError
from .columns import SELECT_CALLS, from_columns, optional_nano, price_columns, to_columns
from .filters import CallFilter, call_conditions, where, within_reach
from .limits import within_limit
from .location import DATABASE_NAME, FILE_MODE, is_remote, prepare_directory
from .migrations import is_readable, migrate
from .reading import connect_to_read
from .remedies import remedy_of, remedy_of_database, words_of, words_of_database
from .rollups import QUARTER_NS, Rollups
from .row import LedgerRow

BUSY_TIMEOUT_S = 5.0
_UNFIT = (OverflowError, UnicodeError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


class Ledger:
    """An open ledger. One thread at a time; every method raises `LedgerError` with a remedy.

    `read_only`: as it lies on a disk that cannot be written; nothing is made there. Of one that was opened up to
    date, `remark` says what is missing in it, and `refusal` why it cannot be written; "" where nothing is wrong.
    """

    def __init__(
        self, directory: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S, read_only: bool = False
    ) -> None:
        self.directory = directory
        self.path = directory / DATABASE_NAME
        self.remark = self.refusal = ""
        self._depth = 0
        with self._explained():
            if read_only:
                self.database, self.is_whole = connect_to_read(self.path, busy_timeout_s)
            else:
                prepare_directory(directory)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
                self.database = sqlite3.connect(self.path, timeout=busy_timeout_s, isolation_level=None)
                self.is_whole = True
        try:
            with self._explained():
                self.database.row_factory = sqlite3.Row
                if not read_only:
                    mode = "DELETE" if is_remote(directory) else "WAL"
                    self.database.execute(f"PRAGMA journal_mode = {mode}")
                    self.database.execute("PRAGMA synchronous = NORMAL")
                if not (read_only and is_readable(self.database)):
                    migrate(self.database)
        except LedgerError:
            self.database.close()
            raise

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; transactions inside one another are one."""
        with self._explained():
            if self._depth == 0:
                self.database.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0 and self.database.in_transaction:
                    self.database.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self.database.execute("COMMIT")

    def add(self, rows: Iterable[LedgerRow]) -> tuple[int, int]:
        """Keeps calls; those whose key is known change nothing. Returns (new ones, ones that do not fit)."""
        rollups = Rollups()
        added = unfit = 0
        with self.transaction():
            for row in rows:
                try:
                    if self._insert(row):
                        rollups.count(row)
                        added += 1
                except _UNFIT:
                    unfit += 1
            rollups.write(self.database)
        return added, unfit

    def _insert(self, row: LedgerRow) -> bool:
        columns = to_columns(row)
        places = ", ".join("?" * len(columns))
        statement = (
            f"INSERT INTO calls ({', '.join(columns)}) VALUES ({places}) ON CONFLICT (call_key) DO NOTHING"
        )
        return self.database.execute(statement, tuple(columns.values())).rowcount == 1

    def rows(
        self, wanted: CallFilter | None = None, *, order: str = "start_ns, id", limit: int = -1
    ) -> Iterator[LedgerRow]:
        """The calls that match, oldest first unless `order` (SQL, never from a user) says otherwise."""
        conditions, values = call_conditions(wanted or CallFilter())
        statement = f"{SELECT_CALLS}{where(conditions)} ORDER BY {order} LIMIT ?"
        with self._explained():
            for found in self.database.execute(statement, (*values, limit)):
                yield from_columns(found)

    def query(self, statement: str, values: Sequence[object] = ()) -> Iterator[sqlite3.Row]:
        """The records of a query of this package's own making."""
        with self._explained():
            yield from self.database.execute(statement, values)

    def get(self, key: str) -> LedgerRow | None:
        """The call of a key."""
        with self._explained():
            found = self.database.execute(f"{SELECT_CALLS} WHERE calls.call_key = ?", (key,)).fetchone()
        return None if found is None else from_columns(found)

    def reprice(self, key: str, priced: Priced, reason: str, *, at_ns: int | None = None) -> bool:
        """Gives a call another price, keeps the former one with the reason; False for an unknown key.

        A price beyond the limit of a call is kept as unknown, as it is where a call is read from the journal.
        """
        priced = within_limit(priced)
        with self.transaction():
            row = self.get(key)
            if row is None:
                return False
            rollups = Rollups()
            rollups.count(row, -1)
            self._note_repricing(row, priced, reason, time.time_ns() if at_ns is None else at_ns)
            _apply(row, priced)
            rollups.count(row)
            columns = price_columns(row)
            assignments = ", ".join(f"{name} = ?" for name in columns)
            self.database.execute(
                f"UPDATE calls SET {assignments} WHERE call_key = ?", (*columns.values(), key)
            )
            rollups.write(self.database)
        return True

    def _note_repricing(self, row: LedgerRow, priced: Priced, reason: str, at_ns: int) -> None:
        before = price_columns(row)
        self.database.execute(
            f"INSERT INTO repricings VALUES ({', '.join('?' * 12)})",
            (
                row.key, at_ns, reason,
                row.status, *optional_nano(row.amount), row.version, before["components"],
                priced.status, *optional_nano(priced.amount), priced.version,
            ),
        )  # fmt: skip

    def prune(self, before_ns: int) -> int:
        """Forgets the calls that started before an instant (ns UTC, rounded down to a quarter-hour)."""
        quarter = within_reach(before_ns) // QUARTER_NS
        with self.transaction():
            gone = self.database.execute(
                "DELETE FROM calls WHERE start_ns < ?", (within_reach(quarter * QUARTER_NS),)
            ).rowcount
            self.database.execute("DELETE FROM rollups WHERE quarter < ?", (quarter,))
            if gone:
                self.database.execute(
                    "DELETE FROM repricings WHERE call_key NOT IN (SELECT call_key FROM calls)"
                )
        return gone

    def compact(self) -> None:
        """Gives freed space back to the file system."""
        with self._explained():
            self.database.execute("VACUUM")
            self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fact(self, name: str) -> int | None:
        """A small number that the ledger remembers about itself."""
        with self._explained():
            found = self.database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if found is None else int(found[0])

    def set_fact(self, name: str, value: int) -> None:
        """Remembers a number under a name."""
        with self.transaction():
            self.database.execute(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as failure:
            raise LedgerError(
                f"ledger {self.path}: {failure}; remedy: {remedy_of_database(failure)}"
            ) from failure
        except sqlite3.DatabaseError as failure:
            raise LedgerError(f"ledger {self.path} {words_of_database(failure)}") from failure
        except OSError as failure:
            raise LedgerError(
                f"ledger {self.path}: {words_of(failure)}; remedy: {remedy_of(failure)}"
            ) from failure


def _apply(row: LedgerRow, priced: Priced) -> None:
    row.status, row.amount, row.components = priced.status, priced.amount, priced.components
    row.reasons, row.version, row.savings = priced.reasons, priced.version, priced.savings
    row.list_amount = priced.list_amount
    row.priced_lines = priced.lines if row.lines else ()

from __future__ import annotations

import contextlib
import errno
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_llmcost.call import Call, Priced, Tags
from otel_llmcost.errors import ConfigurationError, LedgerError
from otel_llmcost.ledger.codec import decode, encode
from otel_llmcost.ledger.filters import CallFilter
from otel_llmcost.ledger.migrations import MIGRATIONS, migrate
from otel_llmcost.ledger.remedies import remedy_of, remedy_of_database
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger

DATA = Path(__file__).parent / "data"


def rollup_total(ledger: Ledger) -> tuple[int, int]:
    """(calls, femto-dollars) of all roll-ups."""
    columns = ("calls", "cost_nano", "cost_femto_rest")
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
    found = ledger.database.execute(f"SELECT {sums} FROM rollups").fetchone()
    return found[0], found[1] * 10**6 + found[2]


def test_writing_a_call_twice_changes_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        assert ledger.add([LedgerRow("a", amount=5), LedgerRow("a", amount=6)]) == (1, 0)
        assert ledger.add([LedgerRow("a", amount=7)]) == (0, 0)
        assert [row.amount for row in ledger.rows()] == [5]
        assert rollup_total(ledger) == (1, 5)


def test_rows_come_back_as_they_were_kept(
    tmp_path: Path, call: Callable[..., Call], priced: Callable[..., Priced]
) -> None:
    tags = Tags("a", "b", "c", "d", "e", "f", "g", {"customer": "Ü"})
    row = decode(encode(call(tags=tags, attempts=2, first_chunk_s=0.5), priced(list_amount=3)), pid=9)
    assert row is not None
    with Ledger(tmp_path) as ledger:
        ledger.add([row])
        assert list(ledger.rows()) == [row]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**24), 10**24), st.integers(0, 10**13)), max_size=30))
def test_roll_ups_equal_rows_to_the_last_digit(kept: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as place, Ledger(Path(place)) as ledger:
        ledger.add(
            LedgerRow(str(number), start_ns=start, amount=amount)
            for number, (amount, start) in enumerate(kept)
        )
        assert rollup_total(ledger) == (len(kept), sum(amount for amount, _ in kept))


def test_sums_far_beyond_9223_dollars_are_exact(tmp_path: Path) -> None:
    amount = 999_999_999_999_999_999_999  # 999,999.999999999999999 USD
    with Ledger(tmp_path) as ledger:
        ledger.add(LedgerRow(str(number), amount=amount) for number in range(1000))
        assert rollup_total(ledger) == (1000, 1000 * amount)


def test_a_repriced_call_keeps_both_figures(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add(
            [
                LedgerRow("a", status="unpriced", version="v1", reasons=("no-price: m",)),
                LedgerRow("b", amount=1),
            ]
        )
        better = Priced("exact", 40, {"input": 40}, version="v2", savings=4)
        assert ledger.reprice("a", better, "prices of v2", at_ns=77)
        assert ledger.reprice("a", Priced("exact", 50, {"input": 50}, version="v3"), "again", at_ns=78)
        assert not ledger.reprice("missing", better, "x")
        row = ledger.get("a")
        assert row is not None
        assert (row.amount, row.status, row.version, row.reasons) == (50, "exact", "v3", ())
        assert (row.first_amount, row.first_version) == (None, "v1")
        assert rollup_total(ledger) == (2, 51)
        found = ledger.database.execute("SELECT status, sum(calls) FROM rollups GROUP BY 1")
        assert [tuple(line) for line in found] == [("", 1), ("exact", 1)]
        noted = [tuple(found) for found in ledger.database.execute("SELECT * FROM repricings ORDER BY at_ns")]
    assert noted[0][:7] == ("a", 77, "prices of v2", "unpriced", None, None, "v1")
    assert noted[1][1:7] == (78, "again", "exact", 0, 40, "v2")


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        with contextlib.suppress(RuntimeError), ledger.transaction():
            ledger.add([LedgerRow("a", amount=5)])
            raise RuntimeError
        assert list(ledger.rows()) == []
        assert rollup_total(ledger) == (0, 0)


def test_prune_takes_rows_and_roll_ups_of_whole_quarters(tmp_path: Path) -> None:
    quarter = 900 * 10**9
    with Ledger(tmp_path) as ledger:
        ledger.add(LedgerRow(str(n), start_ns=n * quarter + 1, amount=10**n) for n in range(4))
        ledger.reprice("0", Priced("exact", 1, {}), "x")
        assert ledger.prune(2 * quarter + 500) == 2
        ledger.compact()
        assert [row.key for row in ledger.rows()] == ["2", "3"]
        assert rollup_total(ledger) == (2, 1100)
        assert ledger.database.execute("SELECT count(*) FROM repricings").fetchone()[0] == 0


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CallFilter(), "abc"),
        (CallFilter(fields={"model": "m1"}), "a"),
        (CallFilter(fields={"model": "m*"}), "ab"),
        (CallFilter(fields={"model": ["m1", "x[1]?*"]}), "ac"),
        (CallFilter(fields={"model": "m?"}), ""),
        (CallFilter(fields={"source": "s", "model": "m2"}), "b"),
        (CallFilter(tags={"customer": "acme"}), "a"),
        (CallFilter(tags={"customer": ""}), "bc"),
        (CallFilter(failed=True), "b"),
        (CallFilter(failed=False), "ac"),
        (CallFilter(fields={"error": "TimeoutError"}), "b"),
        (CallFilter(min_amount=2_000_001), "b"),
        (CallFilter(min_amount=2_000_000), "ab"),
        (CallFilter(since_ns=2, until_ns=3), "b"),
    ],
)
def test_filters(tmp_path: Path, wanted: CallFilter, expected: str) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add(
            [
                LedgerRow(
                    "a",
                    1,
                    request_model="m0",
                    response_model="m1",
                    amount=2_000_000,
                    tags=Tags(own={"customer": "acme"}),
                ),
                LedgerRow(
                    "b",
                    2,
                    request_model="m2",
                    amount=2_000_001,
                    error_type="TimeoutError",
                    tags=Tags(source="s"),
                ),
                LedgerRow("c", 3, request_model="x[1]?y", amount=None),
            ]
        )
        assert "".join(row.key for row in ledger.rows(wanted)) == expected


def test_an_unknown_field_says_what_there_is(tmp_path: Path) -> None:
    with (
        Ledger(tmp_path) as ledger,
        pytest.raises(ConfigurationError, match=r"'colour'.*conversation.*model"),
    ):
        list(ledger.rows(CallFilter(fields={"colour": "red"})))


# -- schema


def test_a_database_of_schema_version_1_opens_with_its_rows(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "ledger.sqlite3")
    old.executescript((DATA / "schema-1.sql").read_text(encoding="utf-8"))
    old.close()
    with Ledger(tmp_path) as ledger:
        [row] = ledger.rows()
        assert (row.key, row.amount, row.usage) == (
            "otel:1:2",
            2_425_200_000_000_001,
            {"input": 1200, "output": 350},
        )
        assert rollup_total(ledger) == (1, row.amount)
        assert ledger.add([row]) == (0, 0)
        assert ledger.database.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)


def test_a_sum_that_was_a_double_is_made_again_of_its_calls(tmp_path: Path) -> None:
    """`reprice --apply` once put amounts beyond the limit in; SQLite's sums of them were doubles."""
    old = sqlite3.connect(tmp_path / "ledger.sqlite3")
    old.executescript((DATA / "schema-1.sql").read_text(encoding="utf-8"))
    columns = [found[1] for found in old.execute("PRAGMA table_info(calls)")][2:]
    for number in range(12):
        old.execute(
            f"INSERT INTO calls (call_key, {', '.join(columns)}) "
            f"SELECT 'huge {number}', {', '.join(columns)} FROM calls WHERE call_key = 'otel:1:2'"
        )
    old.execute("UPDATE calls SET cost_nano = 1000000000000000000 WHERE call_key LIKE 'huge%'")
    old.execute("UPDATE rollups SET calls = 13, cost_nano = cost_nano + 12e18")
    old.commit()
    assert old.execute("SELECT typeof(cost_nano) FROM rollups").fetchone()[0] == "real"
    old.close()
    with Ledger(tmp_path) as ledger:
        assert rollup_total(ledger) == (13, 2_425_200_000_000_001)
        rows = {row.key: row for row in ledger.rows()}
        huge = rows["huge 7"]
        assert (huge.status, huge.amount, huge.components) == ("unpriced", None, {})
        assert (huge.first_amount, huge.reasons[0][:10]) == (10**24 + 1, "too-large:")
        assert (rows["otel:1:2"].status, rows["otel:1:2"].amount) == ("exact", 2_425_200_000_000_001)
        ledger.reprice("otel:1:2", Priced("exact", 5, {"input": 5}), "again")
        assert rollup_total(ledger) == (13, 5)


def test_a_ledger_of_an_earlier_schema_is_read_where_it_cannot_be_written(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "ledger.sqlite3")
    old.executescript((DATA / "schema-1.sql").read_text(encoding="utf-8"))
    old.close()
    with Ledger(tmp_path, read_only=True) as ledger:
        assert rollup_total(ledger) == (1, 2_425_200_000_000_001)
        assert ledger.database.execute("PRAGMA user_version").fetchone()[0] == 1


def test_a_sum_beyond_64_bits_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add([LedgerRow("a", amount=5 * 10**24)])
        with pytest.raises(LedgerError, match=r"above 9,223,372,036 USD .*remedy: correct the price rows"):
            ledger.add([LedgerRow("b", amount=5 * 10**24)])
        assert rollup_total(ledger) == (1, 5 * 10**24)
        assert ledger.get("b") is None


def test_missing_steps_are_taken_all_or_none(tmp_path: Path) -> None:
    def colour(database: sqlite3.Connection) -> None:
        database.execute("ALTER TABLE calls ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")

    def broken(database: sqlite3.Connection) -> None:
        database.execute("DROP TABLE facts")
        raise RuntimeError

    with Ledger(tmp_path) as ledger:
        ledger.add([LedgerRow("a")])
        with pytest.raises(RuntimeError):
            migrate(ledger.database, (*MIGRATIONS, colour, broken))
        assert ledger.fact("anything") is None
        migrate(ledger.database, (*MIGRATIONS, colour))
        assert ledger.database.execute("SELECT colour FROM calls").fetchone()[0] == "red"
    with pytest.raises(LedgerError, match="upgrade otel-llmcost"):
        Ledger(tmp_path)


def test_a_disk_that_is_full_at_the_first_migration_is_called_full(tmp_path: Path) -> None:
    """SQLite rolls back by itself then, and a second time would be another error."""
    database = sqlite3.connect(tmp_path / "small", isolation_level=None)
    database.execute("PRAGMA max_page_count = 3")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        migrate(database)
    database.close()


# -- failures


def test_a_damaged_database_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"this is no database, " * 500)
    with pytest.raises(LedgerError, match=r"ledger.sqlite3 is damaged .*remedy: move this file away"):
        Ledger(tmp_path)


def test_a_place_that_cannot_be_written_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LedgerError, match=r"File exists: .*/file; remedy: something else has this name"):
        Ledger(tmp_path / "file" / "ledger")
    (tmp_path / "ledger.sqlite3").mkdir()
    with pytest.raises(LedgerError, match=r"Is a directory.*remedy: something else has this name"):
        Ledger(tmp_path)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SQLITE_FULL", "free space"),
        ("SQLITE_IOERR_SHMSIZE", "free space"),
        ("SQLITE_READONLY_DIRECTORY", "make the directory readable and writable"),
        ("SQLITE_IOERR_WRITE", "the disk or its file system reports an error"),
        ("SQLITE_BUSY_SNAPSHOT", "another program is writing"),
        ("SQLITE_CANTOPEN", "make the directory readable and writable"),
    ],
)
def test_what_the_database_refuses_has_a_remedy(name: str, told: str) -> None:
    failure = sqlite3.OperationalError("no")
    failure.sqlite_errorname = name
    assert remedy_of_database(failure).startswith(told)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "free space on this disk, or set OTEL_LLMCOST_LEDGER to a directory"),
        (errno.EDQUOT, "free space on this disk, or set OTEL_LLMCOST_LEDGER to a directory"),
        (errno.EROFS, "this file system is read-only: set OTEL_LLMCOST_LEDGER to a directory"),
        (errno.EACCES, "make it writable, or set OTEL_LLMCOST_LEDGER to a directory"),
    ],
)
def test_what_the_system_refuses_has_a_remedy(number: int, told: str) -> None:
    assert remedy_of(OSError(number, "no")).startswith(told)


def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    with Ledger(tmp_path / "new") as ledger:
        ledger.add([LedgerRow("a")])
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}
    assert {"ledger.sqlite3", "ledger.sqlite3-wal"} <= set(modes)

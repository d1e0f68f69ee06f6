from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from otel_llmcost.call import Call, Priced
from otel_llmcost.errors import LedgerError
from otel_llmcost.ledger import LedgerSettings, open_recorder
from otel_llmcost.ledger import drain as drain_module
from otel_llmcost.ledger import recorder as recorder_module
from otel_llmcost.ledger.codec import encode
from otel_llmcost.ledger.journal import Journal
from otel_llmcost.ledger.segment import segments
from otel_llmcost.ledger.store import Ledger

# The calls of these tests have fixed dates, which must not grow too old for the tests.
drain = partial(drain_module.drain, retention_days=0)
open_up_to_date = partial(drain_module.open_up_to_date, retention_days=0)

Calls = Callable[..., Call]
Prices = Callable[..., Priced]
Program = Callable[..., "subprocess.Popen[str]"]


def keys(directory: Path) -> list[str]:
    with Ledger(directory) as ledger:
        return [row.key for row in ledger.rows(order="id")]


def journal_with(directory: Path, call: Calls, priced: Prices, count: int, **options: int) -> Journal:
    journal = Journal(directory / "journal", **options)
    for number in range(count):
        assert journal.append(encode(call(key=f"k{number}"), priced()))
    return journal


def test_what_waits_is_moved_once_and_the_segment_goes_with_its_owner(
    tmp_path: Path, call: Calls, priced: Prices
) -> None:
    journal = journal_with(tmp_path, call, priced, 3)
    assert drain(tmp_path).rows == 3
    assert len(segments(tmp_path / "journal")) == 1
    journal.append(encode(call(key="k3"), priced()))
    assert drain(tmp_path).rows == 1
    assert drain(tmp_path).rows == 0
    journal.close()
    assert drain(tmp_path).complete
    assert segments(tmp_path / "journal") == []
    assert keys(tmp_path) == ["k0", "k1", "k2", "k3"]


def test_the_process_that_wrote_a_row_is_known(tmp_path: Path, call: Calls, priced: Prices) -> None:
    journal_with(tmp_path, call, priced, 1)
    drain(tmp_path)
    with Ledger(tmp_path) as ledger:
        assert [row.pid for row in ledger.rows()] == [os.getpid()]


def test_a_lost_database_is_filled_again_from_what_waits(tmp_path: Path, call: Calls, priced: Prices) -> None:
    journal = journal_with(tmp_path, call, priced, 3)
    drain(tmp_path)
    for path in tmp_path.glob("ledger.sqlite3*"):
        path.unlink()
    assert drain(tmp_path).rows == 3
    assert journal.appended == 3


def test_every_damaged_byte_costs_one_row_at_most(tmp_path: Path, call: Calls, priced: Prices) -> None:
    journal = journal_with(tmp_path, call, priced, 3, segment_bytes=2048)
    journal.close()
    [segment] = segments(tmp_path / "journal")
    whole = segment.read_bytes()
    end = len(whole.rstrip(b"\0"))
    for position in range(0, end, 29):
        segment.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        done = drain(tmp_path)
        assert (done.rows, done.damaged, done.complete) == (2, 1, True), position
        assert len(keys(tmp_path)) == 2
        with Ledger(tmp_path) as ledger:
            ledger.prune(time.time_ns() * 2)
            assert ledger.fact("damaged") == position // 29 + 1


def test_records_that_are_no_rows_are_counted_and_passed(tmp_path: Path, call: Calls, priced: Prices) -> None:
    journal = Journal(tmp_path / "journal")
    whole = json.loads(encode(call(), priced()))
    for record in (
        b"rubbish",
        encode(call(), priced()),
        json.dumps({**whole, "key": "b", "port": {}}).encode(),
    ):
        journal.append(record)
    done = drain(tmp_path)
    assert (done.rows, done.damaged) == (1, 2)


def test_a_newer_release_s_records_stay_for_it(tmp_path: Path, call: Calls, priced: Prices) -> None:
    journal = journal_with(tmp_path, call, priced, 2)
    newer = {**json.loads(encode(call(key="new"), priced())), "v": 2}
    journal.append(json.dumps(newer).encode())
    journal.close()
    assert drain(tmp_path).rows == 2
    assert len(segments(tmp_path / "journal")) == 1
    assert drain(tmp_path).rows == 0


def test_numbers_beyond_64_bits_do_not_stop_the_others(tmp_path: Path, call: Calls, priced: Prices) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(encode(call(key="huge", usage={"input": 10**30}, end_ns=10**40), priced(amount=10**40)))
    journal.append(encode(call(key="plain"), priced()))
    assert drain(tmp_path).rows == 2
    with Ledger(tmp_path) as ledger:
        huge = ledger.get("huge")
    assert huge is not None
    assert (huge.usage, huge.amount, huge.status) == ({"input": 10**30}, None, "unpriced")


def test_a_deadline_leaves_the_rest_for_the_next_one(tmp_path: Path, call: Calls, priced: Prices) -> None:
    journal_with(tmp_path, call, priced, 3)
    assert not drain(tmp_path, deadline=time.monotonic() - 1).complete
    assert drain(tmp_path).rows == 3


DRAINER = """
import sys
from pathlib import Path
from otel_llmcost.ledger.drain import drain
print(drain(Path(sys.argv[1]), busy_timeout_s=60, retention_days=0).rows)
"""


def test_two_drainers_at_once_count_each_row_once(
    tmp_path: Path, call: Calls, priced: Prices, program: Program
) -> None:
    journal_with(tmp_path, call, priced, 3000, segment_bytes=1 << 16).close()
    drainers = [program(DRAINER) for _ in range(3)]
    answers = [int(drainer.communicate(timeout=120)[0]) for drainer in drainers]
    assert sum(answers) == 3000
    assert len(keys(tmp_path)) == 3000
    assert segments(tmp_path / "journal") == []


SLOW_DRAINER = """
import sys
from pathlib import Path
from otel_llmcost.ledger import drain
drain._BATCH = 20
print("begin", flush=True)
drain.drain(Path(sys.argv[1]), retention_days=0)
"""


def test_a_killed_drainer_neither_loses_nor_doubles(
    tmp_path: Path, call: Calls, priced: Prices, program: Program
) -> None:
    journal_with(tmp_path, call, priced, 2000, segment_bytes=1 << 16).close()
    for _ in range(3):
        drainer = program(SLOW_DRAINER)
        drainer.stdout.readline()
        for _ in range(1000):  # until it has begun to write
            if (tmp_path / "ledger.sqlite3").exists() or drainer.poll() is not None:
                break
            drainer.poll()
        drainer.send_signal(signal.SIGKILL)
        drainer.wait()
    drain(tmp_path)
    with Ledger(tmp_path) as ledger:
        [(calls, nano, rest)] = [
            tuple(found)
            for found in ledger.database.execute(
                "SELECT sum(calls), sum(cost_nano), sum(cost_femto_rest) FROM rollups"
            )
        ]
    assert len(keys(tmp_path)) == calls == 2000
    assert nano * 10**6 + rest == 2000 * 2_425_200_000_000_001


WRITER = """
import os, sys
from dataclasses import replace
from pathlib import Path
from otel_llmcost.call import Call, Priced
from otel_llmcost.ledger import LedgerSettings, open_recorder
recorder = open_recorder(LedgerSettings(Path(sys.argv[1]), retention_days=0, run_id="r1", service="shop"))
priced = Priced("exact", 7, {"input": 7})
for number in range(int(sys.argv[2])):
    recorder.record(Call(key=f"{os.getpid()}-{number}", start_ns=10**18, end_ns=10**18 + 5), priced)
    if number == 10:
        print("running", flush=True)
recorder.close(30.0)
print(recorder.counters.appended, recorder.counters.dropped)
"""


def test_writers_and_readers_beside_one_another(tmp_path: Path, program: Program) -> None:
    writers = [program(WRITER, "1000") for _ in range(3)]
    for writer in writers:
        assert writer.stdout.readline() == "running\n"
    seen = 0
    for _ in range(3):
        with open_up_to_date(tmp_path, busy_timeout_s=60) as ledger:
            now = len(list(ledger.rows()))
        assert now >= seen
        seen = now
    for writer in writers:
        # Not `communicate`, which leaves out what `readline` has buffered: a fast writer's last line.
        assert (writer.stdout.read(), writer.wait(120)) == ("1000 0\n", 0), writer.stderr.read()
    with open_up_to_date(tmp_path, busy_timeout_s=60) as ledger:
        rows = list(ledger.rows())
    assert len({row.key for row in rows}) == len(rows) == 3000
    assert {(row.run_id, row.service, row.amount) for row in rows} == {("r1", "shop", 7)}


def test_a_recorder_keeps_drains_and_goes_on_after_closing(
    tmp_path: Path, call: Calls, priced: Prices
) -> None:
    recorder = open_recorder(LedgerSettings(tmp_path / "ledger", retention_days=0))
    assert recorder is not None
    assert not (tmp_path / "ledger").exists()
    recorder.record(call(key="a"), priced())
    assert recorder.flush()
    assert keys(tmp_path / "ledger") == ["a"]
    recorder.record(call(key="b"), priced())
    recorder.close()
    assert keys(tmp_path / "ledger") == ["a", "b"]
    recorder.record(call(key="late"), priced())
    assert (recorder.counters.appended, recorder.counters.dropped) == (3, 0)
    assert drain(tmp_path / "ledger").rows == 1


def test_no_ledger_where_none_is_wanted_or_possible(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert open_recorder(LedgerSettings(tmp_path, enabled=False)) is None
    assert caplog.messages == []
    assert open_recorder(LedgerSettings(None)) is None
    [line] = caplog.messages
    assert "OTEL_LLMCOST_LEDGER" in line


def test_a_long_program_drains_beside_itself(
    tmp_path: Path, call: Calls, priced: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_DRAIN_ABOVE_BYTES", 1 << 20)
    recorder = open_recorder(LedgerSettings(tmp_path, retention_days=0))
    assert recorder is not None
    for number in range(2000):
        recorder.record(call(key=f"k{number}"), priced())
    thread = recorder._draining
    assert thread is not None
    thread.join(120)
    assert not thread.is_alive()
    assert len(keys(tmp_path)) > 500
    assert (recorder.counters.appended, recorder.counters.dropped) == (2000, 0)


def test_a_locked_database_costs_a_program_one_log_line_and_a_command_a_clear_error(
    tmp_path: Path, call: Calls, priced: Prices, caplog: pytest.LogCaptureFixture
) -> None:
    Ledger(tmp_path).close()
    recorder = open_recorder(LedgerSettings(tmp_path, retention_days=0))
    assert recorder is not None
    recorder.record(call(), priced())
    other = sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with caplog.at_level(logging.WARNING):
        recorder.close(0.1)
    assert len(caplog.messages) == 1
    with pytest.raises(LedgerError, match=r"locked.*OTEL_LLMCOST_LEDGER_TIMEOUT"):
        drain(tmp_path, busy_timeout_s=0.1)
    other.execute("ROLLBACK")
    other.close()
    assert drain(tmp_path).rows == 1


def test_old_rows_go_once_a_day_unless_kept_for_ever(tmp_path: Path, call: Calls, priced: Prices) -> None:
    now = time.time_ns()
    ages = {"old": 91, "young": 89}
    journal = Journal(tmp_path / "journal")
    for key, days in ages.items():
        journal.append(encode(call(key=key, start_ns=now - days * 86_400 * 10**9), priced()))
    drain(tmp_path)
    assert keys(tmp_path) == ["old", "young"]
    drain(tmp_path, retention_days=90)
    assert keys(tmp_path) == ["young"]


def test_a_clock_that_leaps_beyond_the_retention_forgets_nothing_at_once(
    tmp_path: Path, call: Calls, priced: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, day = time.time(), 86_400
    journal = Journal(tmp_path / "journal")
    journal.append(encode(call(key="kept", start_ns=int(now * 1e9)), priced()))
    for days, left in ((0, ["kept"]), (365, ["kept"]), (1, ["kept"]), (89, ["kept"]), (92, [])):
        monkeypatch.setattr(time, "time", lambda days=days: now + days * day)
        drain(tmp_path, retention_days=90)
        assert keys(tmp_path) == left, days


FORKING = """
import os, sys, time
from pathlib import Path
from otel_llmcost.ledger import drain
worker = []
keep = drain._Drain._keep
def keep_and_fork(*args):
    if not worker:
        worker.append(os.fork())
        if worker == [0]:
            sys.stdin.read()
            os._exit(0)
    keep(*args)
drain._Drain._keep = keep_and_fork
print(drain.drain(Path(sys.argv[1]), retention_days=0).rows, flush=True)
os.waitpid(worker[0], 0)
"""


def test_a_worker_forked_while_draining_blocks_no_later_drain(
    tmp_path: Path, call: Calls, priced: Prices, program: Program
) -> None:
    journal = journal_with(tmp_path, call, priced, 3)
    process = program(FORKING, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "3\n"
    journal.append(encode(call(key="k3"), priced()))
    done = drain(tmp_path, busy_timeout_s=0.0)
    assert (done.rows, done.complete) == (1, True)
    process.communicate("", timeout=60)
    assert process.returncode == 0

"""The shared table: restarts, crashes at every point of a change, and what cannot be reached."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from otel_llmcost.budgets.counter import Charge, CounterBusy, CounterUnreachable, Refusal, Sums
from otel_llmcost.budgets.machine import FILE_NAME, MachineCounter
from otel_llmcost.budgets.shared_table import SLOTS, Conflict, SharedTable, cell_at
from otel_llmcost.budgets.windows import ALWAYS, parse_window


def charge(amount: int, limit: int | None = 100, account: str = "b") -> Charge:
    return Charge(account, ALWAYS, amount, limit)


def test_after_a_restart_the_spend_is_what_it_was(tmp_path: Path) -> None:
    first = MachineCounter(tmp_path)
    first.settle(0, [charge(0)], [42], 7)
    first.close()
    assert MachineCounter(tmp_path).sums("b", ALWAYS) == Sums(42, 0, 7)


def test_the_file_and_its_directory_are_the_users_alone(tmp_path: Path) -> None:
    MachineCounter(tmp_path / "state").sums("b", ALWAYS)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / FILE_NAME).stat().st_mode) == 0o600


def test_the_file_holds_no_names(tmp_path: Path) -> None:
    counter = MachineCounter(tmp_path)
    counter.settle(0, [charge(0, account="secret-budget\0conversation-of-alice")], [1], 1)
    content = (tmp_path / FILE_NAME).read_bytes()
    assert b"secret" not in content
    assert b"alice" not in content


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    MachineCounter(tmp_path / "state")
    assert not (tmp_path / "state").exists()


HOLDER = """
import sys, pathlib
from otel_llmcost.budgets.counter import Charge
from otel_llmcost.budgets.machine import MachineCounter
from otel_llmcost.budgets.windows import ALWAYS
counter = MachineCounter(pathlib.Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    assert isinstance(counter.reserve([Charge("b", ALWAYS, 10, 100)], 1000), int)
print("held", flush=True)
sys.stdin.read()
"""


def holder(directory: Path, holds: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory), str(holds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("reaped", [False, True])
def test_what_a_killed_process_held_is_free_again(tmp_path: Path, reaped: bool) -> None:
    counter = MachineCounter(tmp_path)
    living, dying = holder(tmp_path, 4), holder(tmp_path, 6)
    try:
        assert isinstance(counter.reserve([charge(1)], 1000), Refusal)
        os.kill(dying.pid, signal.SIGKILL)
        os.waitid(os.P_PID, dying.pid, os.WEXITED | os.WNOWAIT)  # dead, but a zombie still
        if reaped:
            dying.wait()
        assert counter.expire(1000) == 6
        assert counter.sums("b", ALWAYS).reserved == 40
        assert isinstance(counter.reserve([charge(60)], 1000), int)
    finally:
        for process in (living, dying):
            process.kill()
            process.communicate()


def test_a_refused_call_looks_for_the_dead_by_itself(tmp_path: Path) -> None:
    counter = MachineCounter(tmp_path)
    dying = holder(tmp_path, 10)
    dying.kill()
    dying.communicate()
    assert isinstance(counter.reserve([charge(100)], 1000), int)


def test_a_change_broken_off_at_any_byte_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    table = SharedTable(path)
    table.turn().commit([(cell_at(0), b"\1" * 90), (cell_at(7), b"\2" * 90)])
    moments = moments_of(table, [(cell_at(0), b"\3" * 90), (cell_at(7), b"\4" * 90)])
    table.close()
    assert len(moments) > 200
    seen = []
    for moment in moments:
        path.write_bytes(moment)
        fresh = SharedTable(path)
        turn = fresh.turn()
        seen.append((turn.read(cell_at(0), 90), turn.read(cell_at(7), 90)))
        turn.commit([(cell_at(1), b"on it goes")])
        fresh.close()
    before, after = (b"\1" * 90, b"\2" * 90), (b"\3" * 90, b"\4" * 90)
    turning = seen.index(after)
    assert seen == [before] * turning + [after] * (len(seen) - turning)
    assert 0 < turning < len(seen) - 1


def moments_of(table: SharedTable, writes: list[tuple[int, bytes]]) -> list[bytes]:
    """The file as it stands after every single byte that a commit changes."""
    memory = table._memory

    class Slow:
        """Writes byte after byte, as a processor that is stopped anywhere might."""

        def __init__(self) -> None:
            self.moments = [bytes(memory)]

        def __setitem__(self, place: slice, data: bytes) -> None:
            for offset, byte in enumerate(data):
                if memory[place.start + offset] != byte:
                    memory[place.start + offset] = byte
                    self.moments.append(bytes(memory))

        def __getitem__(self, place: slice) -> bytes:
            return memory[place]

    slow = Slow()
    turn = table.turn()
    table._memory = slow  # type: ignore[assignment]
    turn.commit(writes)
    table._memory = memory
    return slow.moments


def test_of_two_changes_on_one_view_the_second_is_refused(tmp_path: Path) -> None:
    one, other = SharedTable(tmp_path / FILE_NAME), SharedTable(tmp_path / FILE_NAME)
    first, second = one.turn(), other.turn()
    first.commit([(cell_at(0), b"a")])
    with pytest.raises(Conflict):
        second.check()
    with pytest.raises(Conflict):
        second.commit([(cell_at(0), b"b")])
    assert other.turn().read(cell_at(0), 1) == b"a"
    first.commit([(cell_at(0), b"c")])  # a view goes on after its own change, and the lock is free again


def test_many_windows_reuse_the_cells_of_those_long_over(tmp_path: Path) -> None:
    counter, hour = MachineCounter(tmp_path), parse_window("hour")
    for number in range(20_000):
        at = 1_000_000_000 + number * 3600
        counter.settle(0, [Charge("b", hour.at(at), 0, None)], [1], at)
    assert counter.sums("b", hour.at(at)).spent == 1


def test_many_conversations_push_out_the_longest_idle(tmp_path: Path) -> None:
    counter = MachineCounter(tmp_path)
    counter.settle(0, [charge(0, account="plain")], [5], 1)
    busy = [charge(9, account="chat\0busy")]
    hold = counter.reserve(busy, 1)
    for talk in range(20_000):
        counter.settle(0, [charge(0, None, f"chat\0{talk}")], [1], 10 + talk)
    assert counter.sums("chat\x0019999", ALWAYS).spent == 1
    assert counter.sums("plain", ALWAYS).spent == 5
    assert isinstance(hold, int)
    assert counter.sums("chat\0busy", ALWAYS).reserved == 9


def test_a_full_table_says_so_and_a_lease_frees_it(tmp_path: Path) -> None:
    counter = MachineCounter(tmp_path, lease=60)
    for _ in range(SLOTS):
        counter.reserve([charge(0, None)], 1000)
    with pytest.raises(CounterUnreachable, match="are taken"):
        counter.reserve([charge(0, None)], 1001)
    counter.expire(1060)
    assert isinstance(counter.reserve([charge(0, None)], 1060), int)


def test_another_process_at_work_is_busy_not_waited_for(tmp_path: Path) -> None:
    ours, theirs = MachineCounter(tmp_path), SharedTable(tmp_path / FILE_NAME)
    theirs.lock()
    with pytest.raises(CounterBusy):
        ours.sums("b", ALWAYS)  # not even opened yet
    theirs.unlock()
    assert ours.sums("b", ALWAYS) == Sums()
    theirs.lock()
    with pytest.raises(CounterBusy):
        ours.reserve([charge(1)], 1)
    assert ours.sums("b", ALWAYS) == Sums()
    theirs.unlock()
    assert isinstance(ours.reserve([charge(1)], 1), int)


@pytest.mark.parametrize("wrong", ["a file", "not a counter", "a link"])
def test_what_cannot_be_used_says_why(tmp_path: Path, wrong: str) -> None:
    directory = tmp_path / "state"
    if wrong == "a file":
        directory.write_text("")
    else:
        directory.mkdir()
        if wrong == "not a counter":
            (directory / FILE_NAME).write_bytes(b"something else" * 1000)
        else:
            (directory / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CounterUnreachable, match="state"):
        MachineCounter(directory).sums("b", ALWAYS)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_is_found_out_before_the_file_is_mapped(tmp_path: Path) -> None:
    program = (
        "import pathlib, resource, signal, sys\n"
        "from otel_llmcost.budgets.counter import CounterUnreachable\n"
        "from otel_llmcost.budgets.machine import MachineCounter\n"
        "from otel_llmcost.budgets.windows import ALWAYS\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try:\n"
        "    MachineCounter(pathlib.Path(sys.argv[1])).sums('b', ALWAYS)\n"
        "except CounterUnreachable as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout

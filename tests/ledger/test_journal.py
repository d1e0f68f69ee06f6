from __future__ import annotations

import signal
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_llmcost.ledger.frames import read_frames
from otel_llmcost.ledger.journal import Journal
from otel_llmcost.ledger.segment import segments

Program = Callable[..., "subprocess.Popen[str]"]


def kept(journal: Path, *, sealed: bool = True) -> list[bytes]:
    """Everything in the journal's segments, oldest first."""
    return [
        content
        for path in segments(journal)
        for content, _ in read_frames(path.read_bytes(), sealed=sealed).contents
    ]


@pytest.mark.parametrize("mapped", [True, False])
def test_records_are_on_disk_as_soon_as_append_returns(tmp_path: Path, mapped: bool) -> None:
    journal = Journal(tmp_path / "journal", mapped=mapped)
    for number in range(5):
        assert journal.append(b"record %d" % number)
        assert kept(tmp_path / "journal", sealed=False)[-1] == b"record %d" % number
    assert (journal.appended, journal.dropped) == (5, 0)


def test_nothing_is_touched_before_the_first_append(tmp_path: Path) -> None:
    Journal(tmp_path / "state" / "journal")
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    Journal(tmp_path / "state" / "journal").append(b"x")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "journal").stat().st_mode) == 0o700
    [segment] = segments(tmp_path / "state" / "journal")
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600


@pytest.mark.parametrize("mapped", [True, False])
def test_a_full_segment_is_followed_by_a_new_one(tmp_path: Path, mapped: bool) -> None:
    waiting: list[int] = []
    journal = Journal(tmp_path / "j", segment_bytes=4096, mapped=mapped, rolled=waiting.append)
    records = [b"%04d" % number * 100 for number in range(50)]
    assert [journal.append(record) for record in records].count(False) == 0
    assert kept(tmp_path / "j") == records
    assert len(segments(tmp_path / "j")) == len(waiting) == 6


@pytest.mark.parametrize("mapped", [True, False])
def test_a_record_larger_than_a_segment_has_one_of_its_own(tmp_path: Path, mapped: bool) -> None:
    journal = Journal(tmp_path / "j", segment_bytes=4096, mapped=mapped)
    records = [b"a", b"b" * 50_000, b"c"]
    assert [journal.append(record) for record in records].count(False) == 0
    assert kept(tmp_path / "j") == records


def test_at_the_cap_records_are_dropped_counted_and_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    journal = Journal(tmp_path / "j", segment_bytes=4096, cap_bytes=8192, clock=lambda: now)
    answers = [journal.append(b"x" * 1000) for _ in range(20)]
    assert answers == [True] * 8 + [False] * 12
    assert (journal.appended, journal.dropped) == (8, 12)
    [line] = caplog.messages
    assert "is full" in line
    assert "8192" in line
    for path in segments(tmp_path / "j"):
        path.unlink()
    assert not journal.append(b"still waiting")
    now = 6.0
    assert journal.append(b"there is room again")
    assert kept(tmp_path / "j") == [b"there is room again"]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("mapped", [True, False])
def test_what_living_processes_have_reserved_is_not_waiting(tmp_path: Path, mapped: bool) -> None:
    """Each journal locks its segment as a process of its own would."""
    waiting: list[int] = []
    workers = [
        Journal(tmp_path / "j", segment_bytes=4096, cap_bytes=16384, mapped=mapped, rolled=waiting.append)
        for _ in range(64)
    ]
    assert [worker.append(b"x" * 4000) for worker in workers].count(False) == 0
    assert waiting == [4096] * 64
    # whoever goes on to a second segment leaves the first behind, and that waits
    answers = [worker.append(b"y" * 4084) for worker in workers]
    assert answers == [True] * 3 + [False] * 61


def test_of_the_killed_only_what_they_wrote_is_waiting(tmp_path: Path) -> None:
    for number in range(20):
        Journal(tmp_path / "j", segment_bytes=4096, cap_bytes=8192).append(b"%02d" % number)
    living = Journal(tmp_path / "j", segment_bytes=4096, cap_bytes=8192)
    assert living.append(b"20")
    assert kept(tmp_path / "j") == [b"%02d" % number for number in range(21)]
    assert sum(path.stat().st_size for path in segments(tmp_path / "j")) < 8192


def test_what_the_cap_leaves_is_used_to_the_last_record(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", segment_bytes=4096, cap_bytes=6000)
    answers = [journal.append(b"x" * 988) for _ in range(8)]
    assert answers == [True] * 6 + [False] * 2
    assert [path.stat().st_size for path in segments(tmp_path / "j")] == [4000, 2000]


def test_a_cap_below_a_segment_makes_segments_smaller(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", cap_bytes=4096)
    assert [journal.append(b"x" * 1000) for _ in range(6)] == [True] * 4 + [False] * 2
    assert [path.stat().st_size for path in segments(tmp_path / "j")] == [4 * 1012]


def test_who_closes_gives_back_what_was_reserved(tmp_path: Path) -> None:
    for number in range(20):
        journal = Journal(tmp_path / "j", segment_bytes=4096, cap_bytes=8192)
        assert journal.append(b"%02d" % number)
        journal.close()
    assert kept(tmp_path / "j") == [b"%02d" % number for number in range(20)]
    assert sum(path.stat().st_size for path in segments(tmp_path / "j")) == 20 * 14


def test_a_segment_is_given_up_inside_an_append(tmp_path: Path) -> None:
    """A signal handler that ends the program may run while a record is on its way."""
    journal: Journal
    journal = Journal(tmp_path / "j", segment_bytes=4096, rolled=lambda _: journal.close())
    assert [journal.append(b"x" * 1500) for _ in range(4)] == [True] * 4
    journal.close()
    assert kept(tmp_path / "j") == [b"x" * 1500] * 4


def test_threads_lose_and_mix_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", segment_bytes=8192)
    expected = {b"%d-%d" % (thread, number) * 9 for thread in range(8) for number in range(500)}

    def write(thread: int) -> None:
        for number in range(500):
            journal.append(b"%d-%d" % (thread, number) * 9)

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = kept(tmp_path / "j")
    assert len(found) == len(expected)
    assert set(found) == expected


def test_an_append_inside_an_append_is_kept_too(tmp_path: Path) -> None:
    """The collector of garbage may settle an abandoned stream anywhere, also while a segment is opened."""
    inner: list[bool] = []

    def settle(_: int) -> None:
        if len(inner) < 3:
            inner.append(True)
            inner[-1] = journal.append(b"inner")

    journal = Journal(tmp_path / "j", segment_bytes=4096, rolled=settle)
    assert journal.append(b"outer")
    assert inner == [True]
    assert sorted(kept(tmp_path / "j")) == [b"inner", b"outer"]


def test_after_closing_a_new_segment_begins(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.append(b"one")
    journal.close()
    assert journal.append(b"two")
    assert kept(tmp_path / "j") == [b"one", b"two"]
    assert len(segments(tmp_path / "j")) == 2


FORK = """
import os, sys
from pathlib import Path
from otel_llmcost.ledger.journal import Journal
journal = Journal(Path(sys.argv[1]) / "j")
journal.append(b"parent before")
children = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        for step in range(100):
            journal.append(b"child %d %d" % (number, step))
        assert journal.appended == 100, journal.appended
        os._exit(0)
    children.append(pid)
    journal.append(b"parent after %d" % number)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
assert journal.appended == 5
"""


def test_forked_children_write_segments_of_their_own(tmp_path: Path, program: Program) -> None:
    process = program(FORK)
    assert process.wait(60) == 0, process.stderr.read()
    found = kept(tmp_path / "j")
    assert len(found) == len(set(found)) == 405
    assert len(segments(tmp_path / "j")) == 5


UNSEEN_FORK = """
import ctypes, os, sys
from pathlib import Path
from otel_llmcost.ledger.journal import Journal
journal = Journal(Path(sys.argv[1]) / "j")
journal.append(b"parent 1")
pid = ctypes.PyDLL(None).fork()
journal.append(b"child" if pid == 0 else b"parent 2")
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_fork_that_python_was_not_told_of_loses_nothing(tmp_path: Path, program: Program) -> None:
    process = program(UNSEEN_FORK)
    assert process.wait(60) == 0, process.stderr.read()
    assert sorted(kept(tmp_path / "j")) == [b"child", b"parent 1", b"parent 2"]


KILLED = """
import os, sys
from pathlib import Path
from otel_llmcost.ledger.journal import Journal
journal = Journal(Path(sys.argv[1]) / "j", segment_bytes=64 << 10, mapped=sys.argv[2] == "mapped")
number = 0
while True:
    assert journal.append(b"%d" % number * 50)
    os.write(1, b"%d\\n" % number)
    number += 1
"""


@pytest.mark.parametrize("way", ["mapped", "written"])
@pytest.mark.parametrize("lines", [1, 300, 2000])
def test_kill_9_loses_nothing_whose_append_returned(
    tmp_path: Path, program: Program, way: str, lines: int
) -> None:
    process = program(KILLED, way)
    said = [process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    last = int([line for line in said if line.endswith("\n")][-1])
    found = kept(tmp_path / "j")
    assert found == [b"%d" % number * 50 for number in range(len(found))]
    assert len(found) > last


def test_a_directory_that_cannot_be_made_costs_one_log_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "journal")
    assert [journal.append(b"x") for _ in range(100)] == [False] * 100
    assert journal.dropped == 100
    [line] = caplog.messages
    assert str(tmp_path / "file") in line
    assert "OTEL_LLMCOST_LEDGER" in line


READ_ONLY = """
import os, tempfile
from pathlib import Path
from otel_llmcost.ledger.journal import Journal
with tempfile.TemporaryDirectory() as home:
    os.chmod(home, 0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)  # root writes where it likes
    journal = Journal(Path(home) / "journal")
    print([journal.append(b"x") for _ in range(3)], journal.dropped)
    if os.getuid() == 0:
        os.seteuid(0)
"""


def test_a_read_only_home_costs_one_log_line(program: Program) -> None:
    out, err = program(READ_ONLY).communicate(timeout=60)
    assert out == "[False, False, False] 3\n"
    assert err.count("cannot be written") == 1
    assert "Permission denied" in err


NO_ROOM = """
import resource, sys
from pathlib import Path
from otel_llmcost.ledger.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
journal = Journal(Path(sys.argv[1]) / "j", mapped=sys.argv[2] == "mapped", segment_bytes=int(sys.argv[3]))
print(sum([journal.append(b"x" * 988) for _ in range(200)]), journal.appended, journal.dropped)
"""


@pytest.mark.parametrize(
    ("way", "segment_bytes", "expected"),
    [
        ("mapped", 1 << 20, "100 100 100"),  # no room for a segment, some for records
        ("written", 1 << 20, "100 100 100"),  # room for a hundred records, then a torn one is taken back
        ("mapped", 50_000, "200 200 0"),
    ],
)
def test_a_full_disk_costs_one_log_line_and_leaves_whole_records(
    tmp_path: Path, program: Program, way: str, segment_bytes: int, expected: str
) -> None:
    out, err = program(NO_ROOM, way, str(segment_bytes)).communicate(timeout=60)
    assert out == expected + "\n", err
    assert err.count("cannot be written") == (0 if expected == "200 200 0" else 1)
    assert kept(tmp_path / "j", sealed=False) == [b"x" * 988] * int(expected.split()[0])
    assert not list((tmp_path / "j").glob("*.new"))


def test_a_segment_is_reserved_whole(tmp_path: Path) -> None:
    """A hole in a mapped file would be SIGBUS on a disk that has become full."""
    Journal(tmp_path / "j", segment_bytes=1 << 16).append(b"x")
    [segment] = segments(tmp_path / "j")
    assert segment.stat().st_size == 1 << 16
    assert segment.stat().st_blocks * 512 >= 1 << 16


def test_what_a_signal_handler_appends_while_the_journal_closes_is_kept(tmp_path: Path) -> None:
    told: list[bool] = []

    class Interrupted(Journal):
        """Signals come where a function begins, so also between what `close` looks up and what it cuts off."""

        def _seal(self) -> None:
            if self.appended and not told:
                told.append(True)
                signal.raise_signal(signal.SIGUSR1)
            super()._seal()

    journal = Interrupted(tmp_path / "journal", segment_bytes=8192)
    before = signal.signal(signal.SIGUSR1, lambda *_: journal.append(b"handler"))
    try:
        journal.append(b"program")
        journal.close()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert sorted(kept(tmp_path / "journal")) == [b"handler", b"program"]


def test_a_segment_that_cannot_be_opened_keeps_nobody_from_appending(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir(mode=0o700)
    (tmp_path / "journal" / "00000000000000000001-1-ab.v1.segment").symlink_to("loop.v1.segment")
    (tmp_path / "journal" / "loop.v1.segment").symlink_to(
        "loop.v1.segment"
    )  # opening it fails, as another user's
    assert Journal(tmp_path / "journal").append(b"record")

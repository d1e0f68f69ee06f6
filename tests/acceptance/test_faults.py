"""What may go wrong around a program: its calls are as without us, one log line names the remedy, the counters count."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.ledger.location import DATABASE_NAME
from otel_llmcost.ledger.store import Ledger

from .conftest import BIN, World
from .ledger_sum import ledger_calls, ledger_total
from .test_budgets import write_budget
from .test_pipelines import BOTH, CHAT

BEFORE = """
import anthropic, openai, os, pathlib, resource, shutil, sys, time
ai, claude = openai.OpenAI(), anthropic.Anthropic()
ask = [{"role": "user", "content": "Why is the sky blue?"}]
ledger = pathlib.Path(os.environ.get("OTEL_LLMCOST_LEDGER", ""))
def calls():
    answer = ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
    print(answer.choices[0].message.content, answer.usage.total_tokens)
    answer = claude.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=ask)
    print(answer.content[0].text, answer.usage.output_tokens)
    pieces = ai.chat.completions.create(
        model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True}
    )
    print("".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices))
"""
ROUND = BOTH + CHAT
WRAPPER = ("opentelemetry-instrument",)


_spoken: list[str] = []


def spoken(world: World) -> str:
    """What a round of calls prints where we are not; the same for every test."""
    if _spoken:
        return _spoken[0]
    path = world.folder / "plain.py"
    path.write_text(BEFORE + "calls()\n", encoding="utf-8")
    plain = subprocess.run(
        [sys.executable, str(path)],
        env=world.environment(OTEL_LLMCOST_DISABLED="true"),
        capture_output=True,
        text=True,
        check=True,
    )
    _spoken.append(plain.stdout)
    return plain.stdout


def rounds(
    world: World,
    program: str,
    number: int,
    said: str,
    lines: int = 1,
    wrapper: tuple[str, ...] = WRAPPER,
    **more: str,
) -> subprocess.CompletedProcess[str]:
    """Runs a program of so many rounds; nothing is altered, all is counted, one line of ours says what is wrong."""
    done = world.start(BEFORE + program, wrapper=wrapper, **more)
    assert done.returncode == 0, done.stderr
    assert done.stdout == spoken(world) * number
    assert Decimal(str(world.sink.total("llm.cost"))) == ROUND * number
    ours = [line for line in done.stderr.splitlines() if "otel-llmcost" in line]
    assert len(ours) == (lines if said else 0), done.stderr
    for part in said.split("|"):
        assert part in "".join(ours), done.stderr
    return done


IN_THE_WAY = """
shutil.rmtree(ledger)
ledger.write_text("in the way")
"""


@pytest.mark.parametrize(
    ("program", "number", "said"),
    [
        (IN_THE_WAY + "calls()\n", 1, "cannot be written|File exists|remedy: something else has this name"),
        ("calls()" + IN_THE_WAY + "calls()\n", 2, "was removed while the program ran: 6 calls|remedy: "),
        ("calls()\nshutil.rmtree(ledger)\ncalls()\n", 2, "was removed while the program ran: 6 calls"),
    ],
    ids=["a file in the way", "a file in the way, later", "removed"],
)
def test_no_place_for_the_ledger(world: World, program: str, number: int, said: str) -> None:
    rounds(world, program, number, said)


@pytest.mark.parametrize("home", ["/dev/null", "/proc"])
def test_no_home(world: World, home: str) -> None:
    rounds(world, "calls()\n", 1, "cannot be written|remedy: ", HOME=home, OTEL_LLMCOST_LEDGER="")


FULL = "for _ in range(40): calls()\n"


def can_mount() -> bool:
    """Whether this user may have a small file system of its own."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"],
        check=False,
        capture_output=True,
    )
    return tried.returncode == 0


@pytest.mark.parametrize(
    ("size", "said", "least"),
    [
        ("32k", "cannot be written|No space left|remedy: free space", 20),
        ("64k", "cannot be written|No space left|remedy: free space", 60),
        ("160k", "its journal keeps the calls|full|remedy: free space", 120),
        ("640k", "", 120),  # what the journal reserved and gives back is room for the database
    ],
)
def test_a_full_disk(world: World, size: str, said: str, least: int) -> None:
    if not can_mount():
        pytest.skip("this system lets nobody mount a small file system (user namespaces are off)")
    world.ledger.mkdir()
    kept = world.folder / "kept.json"
    script = f"""
mount -t tmpfs -o size={size} tmpfs {world.ledger} || exit 1
"$@"
code=$?
mount -o remount,size=4m {world.ledger}
{BIN}/otel-llmcost calls --json --limit 1000 > {kept}
exit $code
"""
    rounds(
        world,
        FULL,
        40,
        said,
        wrapper=("unshare", "-rm", "sh", "-c", script, "sh", *WRAPPER),
    )
    assert least <= len(json.loads(kept.read_text(encoding="utf-8"))) <= 120


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Another program that keeps the database for itself."""
    Ledger(directory).close()
    other = sqlite3.connect(directory / DATABASE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_a_locked_ledger(world: World) -> None:
    with locked(world.ledger):
        rounds(world, "calls()\n", 1, "its journal keeps the calls|locked|remedy: another program is writing")
    assert ledger_total(world.ledger) == ROUND


def test_a_damaged_ledger(world: World) -> None:
    world.ledger.mkdir()
    database = world.ledger / DATABASE_NAME
    database.write_bytes(b"this is no database, " * 500)
    write_budget(world, amount="1", scope="process")
    said = "budgets start without what was spent before|its journal keeps the calls|is damaged|move this file away"
    rounds(world, "calls()\n", 1, said, lines=2)
    database.unlink()
    assert ledger_total(world.ledger) == ROUND


def test_a_directory_where_the_database_belongs(world: World) -> None:
    (world.ledger / DATABASE_NAME).mkdir(parents=True)
    rounds(
        world,
        "calls()\n",
        1,
        "its journal keeps the calls|Is a directory|remedy: something else has this name",
    )
    (world.ledger / DATABASE_NAME).rmdir()
    assert ledger_total(world.ledger) == ROUND


CLOCK_SET_BACK = """
real, back = time.time_ns, [0]
time.time_ns = lambda: real() - back[0]
calls()
back[0] = 3 * 86_400 * 10**9
calls()
pieces = ai.chat.completions.create(
    model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True}
)
for number, piece in enumerate(pieces):
    back[0] += 10**9  # and on, while an answer is under way
"""


def test_a_clock_that_is_set_back(world: World) -> None:
    write_budget(world, amount="1", scope="machine", action="warn")
    done = world.start(BEFORE + CLOCK_SET_BACK)
    assert done.returncode == 0, done.stderr
    assert "otel-llmcost" not in done.stderr
    assert done.stdout == spoken(world) * 2
    found = ledger_calls(world.ledger)
    assert ledger_total(world.ledger) == 2 * ROUND + CHAT == Decimal(str(world.sink.total("llm.cost")))
    assert len(found) == 7
    assert all(row.duration_s >= 0 for row in found)
    [today] = {row.start_ns // (86_400 * 10**9) for row in found[-3:]}
    before = {row.start_ns // (86_400 * 10**9) for row in found[:4]}
    assert max(before) < today


NO_MEMORY = """
calls()
spare = bytearray(24 << 20)
used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used, used))
hoard = []
try:
    while True: hoard.append(bytearray(1 << 20))
except MemoryError:
    del spare
for _ in range(100): calls()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to a limit on the address space")
def test_little_memory(world: World) -> None:
    rounds(world, NO_MEMORY, 101, "")
    assert ledger_total(world.ledger) == 101 * ROUND


def test_a_limit_on_the_size_of_files(world: World) -> None:
    limited = "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n" + FULL
    rounds(
        world, limited, 40, "cannot be written|File too large|remedy: raise the limit on the size of files"
    )
    assert 20 * ROUND / 3 < ledger_total(world.ledger) < 40 * ROUND


@contextmanager
def collector(answer: bytes | None) -> Iterator[str]:
    """An endpoint that answers every request with these bytes, or never (None)."""
    waiting: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                waiting.append(connection)
                if answer is not None:
                    connection.recv(65_536)
                    connection.sendall(answer)
                    connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in waiting:
        connection.close()


@pytest.mark.parametrize(
    "answer",
    [None, b"\x00\xff no HTTP at all", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<garbage>"],
    ids=["hangs", "speaks no HTTP", "answers garbage"],
)
def test_a_collector_that_is_none(world: World, answer: bytes | None) -> None:
    with collector(answer) as url:
        started = time.monotonic()
        done = world.start(
            BEFORE + "calls()\n", OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_TIMEOUT="1"
        )
        took = time.monotonic() - started
    assert (done.returncode, done.stdout) == (0, spoken(world)), done.stderr
    assert "otel-llmcost" not in done.stderr
    assert ledger_total(world.ledger) == ROUND
    assert took < 60


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_LLMCOST_DIALECTS", "klingon"),
        ("OTEL_LLMCOST_HOSTS", "gateway.example.com=opneai"),
        ("OTEL_LLMCOST_RETENTION_DAYS", "99999999999999999999"),
        ("OTEL_LLMCOST_EXIT_TIMEOUT", "inf"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line_with_what_is_allowed(
    world: World, variable: str, value: str
) -> None:
    hosts = world.environment()["OTEL_LLMCOST_HOSTS"]
    done = world.start(
        """
        import openai
        openai.OpenAI().chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "x"}])
        """,
        **{variable: f"{value},{hosts}" if variable == "OTEL_LLMCOST_HOSTS" else value},
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("otel-llmcost:")]
    assert done.returncode == 0
    assert len(said) == 1, done.stderr
    assert variable in said[0]
    assert value in said[0]
    assert "allowed: " in said[0]
    assert len(world.sink.priced) == 1

"""Programs in servers and event loops of many kinds: every call arrives once, every sum agrees, everything ends."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

from ..acceptance.ledger_sum import ledger_total
from ..acceptance.sink import Sink
from ..loopback import free_port
from .ahead import Ahead
from .conftest import chosen
from .environments import alone
from .processes import EACH, PROGRAMS, Program
from .results import interpreter, keep_program

pytestmark = pytest.mark.matrix

# the demo provider's usage times the published prices: twice gpt-4o-mini, once Claude Sonnet 4.5
ROUND = 2 * (1200 * Decimal("0.15") + 300 * Decimal("0.60")) / 10**6 + (400 * 3 + 250 * 15) / Decimal(10**6)
LEFT_STREAM = 5 * Decimal("0.15") / 10**6
PATIENCE_S = 180
BAD_WORDS = ("Traceback", "otel-llmcost:", "Failed to detach context", "Exception ignored")


@dataclass
class Ran:
    """What a program left behind."""

    output: str
    sink: Sink
    ledger: Decimal


class Programs:
    """Each program, run once."""

    def __init__(self, ahead: Ahead, folders: pytest.TempPathFactory) -> None:
        self._ahead, self._folders = ahead, folders

    def begin(self, name: str) -> None:
        self._ahead.begin(name, partial(self._start, name))

    def run(self, name: str) -> Ran:
        return self._ahead.result(name, partial(self._start, name))

    def _start(self, name: str) -> Ran:
        program, folder = PROGRAMS[name], self._folders.mktemp("program")
        python = interpreter("matrix-servers")
        (folder / "app.py").write_text(program.source, encoding="utf-8")
        with DemoProvider() as provider, Sink() as sink:
            output = _run(program, python, _environment(provider, sink, folder), folder)
        return Ran(output, sink, ledger_total(folder / "ledger"))


@pytest.fixture(scope="module")
def programs(
    request: pytest.FixtureRequest, ahead: Ahead, tmp_path_factory: pytest.TempPathFactory
) -> Programs:
    made, wanted = Programs(ahead, tmp_path_factory), chosen(request)
    for name in PROGRAMS:
        if name in wanted:
            made.begin(name)
    return made


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_call_arrives_once(name: str, programs: Programs) -> None:
    program = PROGRAMS[name]
    ran = programs.run(name)
    rounds = program.requests or program.rounds
    total = rounds * ROUND + (LEFT_STREAM if program.left else 0)
    calls = rounds * EACH + program.left
    for word in BAD_WORDS:
        assert word not in ran.output, ran.output
    assert ran.ledger == total
    if program.past_exit_handlers:
        keep_program(name)
        return
    priced = ran.sink.priced
    assert len(priced) == calls, ran.output
    assert len({(span.trace_id, span.span_id) for span in priced}) == calls
    assert abs(sum(span.attributes["gen_ai.usage.cost"] for span in priced) - float(total)) < 1e-12
    assert abs(Decimal(ran.sink.total("llm.cost")) - total) < Decimal("1e-12")
    assert ran.sink.total("llm.calls") == calls
    keep_program(name)


def _environment(provider: DemoProvider, sink: Sink, folder: Path) -> dict[str, str]:
    return alone(
        HOME=str(folder),
        OPENAI_API_KEY="sk-none",
        ANTHROPIC_API_KEY="sk-none",
        OPENAI_BASE_URL=provider.openai_url,
        ANTHROPIC_BASE_URL=provider.url,
        OTEL_LLMCOST_HOSTS=f"127.0.0.1:{provider.port}/v1=openai,127.0.0.1:{provider.port}=anthropic",
        OTEL_LLMCOST_LEDGER=str(folder / "ledger"),
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
    )


def _run(program: Program, python: Path, environment: dict[str, str], folder: Path) -> str:
    """Everything that the program said, after it ended by itself or was asked to."""
    port = free_port()
    command = [part.format(port=port) for part in program.command]
    start = [str(python.parent / "opentelemetry-instrument"), str(python.parent / command[0]), *command[1:]]
    log = folder / "log.txt"
    with (
        log.open("w", encoding="utf-8") as sink,
        subprocess.Popen(
            start, env=environment, cwd=folder, stdout=sink, stderr=subprocess.STDOUT
        ) as running,
    ):
        try:
            if program.requests:
                _ask(port, program.requests, running, log)
                running.send_signal(program.stop)
            code = running.wait(timeout=PATIENCE_S)
        finally:
            running.kill()
    output = log.read_text(encoding="utf-8")
    assert code in (0, 130, -program.stop), output
    return output


def _ask(port: int, count: int, running: subprocess.Popen[bytes], log: Path) -> None:
    while True:  # until it listens, or ended
        assert running.poll() is None, log.read_text(encoding="utf-8")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(timeout=0.1)

    def ask(number: int) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE_S) as answer:
            return bytes(answer.read())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(count))) == [b"done"] * count

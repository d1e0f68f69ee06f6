"""Forks, workers, threads, exits: each dollar is reported once."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from decimal import Decimal

import pytest

from otel_llmcost.money import femto

from .conftest import BIN, World
from .ledger_sum import ledger_calls, ledger_total
from .test_pipelines import BOTH, CALLS, CHAT


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_a_fork_reports_each_dollar_once(world: World, temporality: str) -> None:
    program = (
        CALLS
        + """
import os, sys
from opentelemetry import metrics
calls()
metrics.get_meter_provider().force_flush()
children = []
for number in range(2):
    child = os.fork()
    if child == 0:
        # connections of the parent are not to be shared: answers would cross
        ai, claude = openai.OpenAI(), anthropic.Anthropic()
        calls()
        sys.exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
calls()
"""
    )
    world.run(program, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=temporality)
    assert ledger_total(world.ledger) == 4 * BOTH
    if temporality == "cumulative":
        reported = Decimal(str(world.sink.total("llm.cost")))
        durations = world.sink.latest("gen_ai.client.operation.duration")
    else:
        points = [point for point in world.sink.points if point.metric == "llm.cost"]
        assert all(point.value >= 0 for point in points)
        reported = sum((Decimal(str(point.value)) for point in points), Decimal(0))
        durations = [p for p in world.sink.points if p.metric == "gen_ai.client.operation.duration"]
    assert abs(reported - 4 * BOTH) < Decimal("1e-12")
    # the SDK by itself would carry a parent's histograms on in its children
    assert sum(point.count for point in durations) == 8
    assert len(world.sink.priced) == 8
    assert len({(span.trace_id, span.span_id) for span in world.sink.priced}) == 8


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_flush_what_they_have(world: World, method: str) -> None:
    program = (
        CALLS
        + f"""
import multiprocessing

def work(number):
    calls()

if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    workers = [context.Process(target=work, args=(number,)) for number in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert all(worker.exitcode == 0 for worker in workers)
"""
    )
    world.run(program)
    assert ledger_total(world.ledger) == 3 * BOTH
    assert len(world.sink.priced) == 6
    assert abs(Decimal(str(world.sink.total("llm.cost"))) - 3 * BOTH) < Decimal("1e-12")


def test_threads_and_tasks(world: World) -> None:
    program = (
        CALLS
        + """
import asyncio
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    for done in [pool.submit(calls) for _ in range(20)]:
        done.result()
async def main():
    async with openai.AsyncOpenAI() as ai:
        await asyncio.gather(*[ai.chat.completions.create(model="gpt-4o-mini", messages=ask) for _ in range(20)])
asyncio.run(main())
"""
    )
    world.run(program)
    assert ledger_total(world.ledger) == 20 * BOTH + 20 * CHAT
    assert abs(Decimal(str(world.sink.total("llm.cost"))) - 20 * BOTH - 20 * CHAT) < Decimal("1e-12")
    assert len(world.sink.priced) == 60


def test_a_stream_open_at_the_end_of_the_program_is_settled(world: World) -> None:
    program = (
        CALLS
        + """
stream = ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True)
for number, chunk in zip(range(3), stream):
    pass
"""
    )
    # some interpreters (3.13.0, 3.14) end badly here by themselves: then we are to make no difference
    alone = world.start(program, wrapper=(), OTEL_LLMCOST_DISABLED="true")
    done = world.start(program)
    assert done.returncode == alone.returncode, done.stderr
    assert "otel-llmcost:" not in done.stderr
    (span,) = world.sink.spans
    assert span.attributes["llmcost.status"] == "estimated"
    assert span.attributes["gen_ai.usage.cost"] > 0
    assert len(ledger_calls(world.ledger)) == 1


def test_a_stream_that_is_open_elsewhere_hides_no_span_of_the_programs_own(world: World) -> None:
    program = (
        CALLS
        + """
import threading
from opentelemetry import trace

told = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}
opened = []
calls()  # the first one makes the pipeline
kind = trace.SpanKind.CLIENT
with trace.get_tracer("own.http.client").start_as_current_span("chat", kind=kind, attributes=told):
    # another request of the same server, in a trace of its own
    begin = lambda: opened.append(ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True))
    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
for chunk in opened[0]:
    pass
"""
    )
    world.run(program)
    own = Decimal("0.00021")  # 1000 x 0.15 + 100 x 0.60 millionths
    amounts = [row.amount for row in ledger_calls(world.ledger)]
    assert len(amounts) == len(world.sink.priced) == 4
    assert femto(own) in amounts


@pytest.mark.parametrize("wrapper", [("opentelemetry-instrument",), ("otel-llmcost", "run", "--")])
@pytest.mark.parametrize("ending", ["raise KeyboardInterrupt", "os.kill(os.getpid(), 2)"])
def test_an_interrupted_program_dies_of_the_interrupt(
    world: World, ending: str, wrapper: tuple[str, ...]
) -> None:
    # whoever starts the tests in the background may have them ignore it
    heard = "import os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    done = world.start(CALLS + f"{heard}calls()\n{ending}\n", wrapper=wrapper)
    assert done.returncode == -signal.SIGINT, done.stderr
    assert ledger_total(world.ledger) == BOTH


@pytest.mark.parametrize(
    "ending",
    [
        "sys.exit(7)",
        "try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    sys.exit(7)",
        "import code\ncode.InteractiveInterpreter().runsource('raise KeyboardInterrupt')\nsys.exit(7)",
    ],
)
def test_a_program_that_was_not_interrupted_ends_by_its_own_code(world: World, ending: str) -> None:
    assert world.start(CALLS + f"import sys\ncalls()\n{ending}\n").returncode == 7


def test_kill_minus_nine_loses_no_call_whose_span_had_ended(world: World) -> None:
    program = (
        CALLS
        + """
import sys
for number in range(1000):
    ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
    print(number + 1, flush=True)
"""
    )
    path = world.folder / "app.py"
    path.write_text(textwrap.dedent(program), encoding="utf-8")
    running = subprocess.Popen(
        [str(BIN / "opentelemetry-instrument"), sys.executable, str(path)],
        env=world.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    ended = 0
    for line in running.stdout:
        ended = int(line)
        if ended >= 25:
            break
    running.send_signal(signal.SIGKILL)
    ended += sum(1 for line in running.stdout if line.endswith("\n"))
    running.wait(timeout=10)
    running.stdout.close()
    kept = len(ledger_calls(world.ledger))
    assert kept in (ended, ended + 1)


def test_a_refusing_collector_neither_stops_nor_slows_the_program_nor_loses_the_ledger(world: World) -> None:
    started = time.monotonic()
    done = world.start(
        CALLS + "calls()\n", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_EXPORT_TIMEOUT="500"
    )
    assert done.returncode == 0
    assert ledger_total(world.ledger) == BOTH
    assert time.monotonic() - started < 60

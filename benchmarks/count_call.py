"""Instructions that a call takes beyond the bare SDK's: the same on an idle machine and on a busy one.

    python benchmarks/count_call.py    # needs valgrind, takes minutes

Counts the programs of `in_place.py` with and without calls in them; the floor is the one of `bench_call.py`. Beside
the instructions stand the misses of a cache of 512 KiB: what a call costs after others had the processor.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
CALLS, STREAMS, STREAM_EVENTS, WARM = 50, 3, 200, 60
PROGRAM = f"""
import gc, os, sys
sys.path.insert(0, {str(HERE)!r})
import in_place
name, (calls, streams, collects) = sys.argv[1], map(int, sys.argv[2:])
asked = in_place.variant(name)
for _ in range({WARM}):
    asked.call()
for _ in range(3):
    asked.stream()
asked.reader.get_metrics_data()
gc.disable()
for _ in range(calls):
    asked.call()
for _ in range(streams):
    asked.stream()
for _ in range(collects):
    asked.reader.get_metrics_data()
os._exit(0)
"""
COUNTING = ["valgrind", "--tool=cachegrind", "--cachegrind-out-file=/dev/null", "--cache-sim=yes"]
COUNTING += ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=524288,8,64"]


class Count(NamedTuple):
    """What a program took."""

    instructions: int
    misses: int


def count(name: str, calls: int = 0, streams: int = 0, collects: int = 0) -> Count:
    """Run a variant with so many calls and streams, and so many collections of metrics after them."""
    asked = [name, str(calls), str(streams), str(collects)]
    with tempfile.TemporaryDirectory() as ledger:
        done = subprocess.run(
            [*COUNTING, sys.executable, "-c", PROGRAM, *asked],
            env={**os.environ, "OTEL_LLMCOST_LEDGER": ledger, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
    return Count(_figure("I +refs", done.stderr), _figure("LL misses", done.stderr))


def _figure(name: str, said: str) -> int:
    found = re.search(name + r":\s+([\d,]+)", said)
    if found is None:
        raise SystemExit(f"valgrind said nothing of {name}: {said[-1000:]}")
    return int(found.group(1).replace(",", ""))


class Costs:
    """Instructions of a call, with and without collection, and of a streamed event; cache misses of a call."""

    def __init__(self, name: str) -> None:
        none, calls, streams = count(name), count(name, CALLS), count(name, streams=STREAMS)
        collected = count(name, CALLS, collects=1)
        self.call = (calls.instructions - none.instructions) / CALLS
        self.misses = (calls.misses - none.misses) / CALLS
        self.whole = (collected.instructions - none.instructions) / CALLS
        self.event = (streams.instructions - none.instructions) / STREAMS / STREAM_EVENTS


def main() -> None:
    bare = Costs("bare")
    print(
        f"{'instructions':28s}{'a call':>12s}{'with collection':>18s}{'an event':>12s}{'cache misses':>14s}"
    )
    print(f"{'bare':28s}{bare.call:12,.0f}{'':18s}{bare.event:12,.0f}{bare.misses:14,.0f}")
    ours = Costs("otel-llmcost")
    _tell("otel-llmcost adds", ours, bare, ours.event - bare.event)
    for name, said in (("floor", "the floor"), ("same", "the floor, same records")):
        floor = Costs(name)
        _tell(f"{said} adds", floor, bare)
        call, whole = (ours.call - bare.call) / (floor.call - bare.call), ours.whole - bare.call
        print(f"{'ratio':28s}{call:12.2f}{whole / (floor.whole - bare.call):18.2f}")


def _tell(name: str, costs: Costs, bare: Costs, event: float | None = None) -> None:
    said = "" if event is None else f"{event:,.0f}"
    call, whole, misses = costs.call - bare.call, costs.whole - bare.call, costs.misses - bare.misses
    print(f"{name:28s}{call:12,.0f}{whole:18,.0f}{said:>12s}{misses:14,.0f}")


if __name__ == "__main__":
    main()

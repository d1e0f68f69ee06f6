"""What we add to a call and to a streamed event, beside the naive floor and beside peers, each in its own environment.

    python benchmarks/bench_call.py            # ours
    python benchmarks/bench_call.py --peers    # also OpenLLMetry and OpenInference, from the package registry

The floor is the same work done naively in the same place (`in_place.py`): once with seven records of metrics, once with
all the twelve that we make of such a call. Bare call, floors and what is measured are processes of their own that take
turns, in an order drawn anew each time; what is told is the median of the differences within a turn, over several sets
of processes, so that a machine that changes its pace changes all of them. Bounds: at most 0.8x the floor on the calling
thread, at most 1x with collection counted in. Events of streams are told for the comparison with peers; what ours add
is less than a whole stream varies by, so `bench_event.py` measures it. `count_call.py` counts instructions, which a busy
machine does not change.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from in_place import STREAM_EVENTS

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".envs"
PEERS = {
    "openllmetry": ["opentelemetry-instrumentation-openai==0.62.4"],
    "openinference": ["openinference-instrumentation-openai==0.1.66"],
}
COMMON = ["openai==3.54.0", "opentelemetry-sdk==1.45.2", "opentelemetry-instrumentation==0.66b2", "wrapt"]
SETS, TURNS, WARM = 6, 180, 4
"""Sets of new processes, for some are laid out luckier in memory than others; turns of all; not counted in each."""

LABELS = {"floor": "floor", "same": "floor, same records"}
Turn = dict[str, float | None]


def environment(name: str) -> Path:
    folder = ENVIRONMENTS / f"bench-{name}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *COMMON, *PEERS[name]], check=True)
        (folder / ".ready").touch()
    return python


class Side:
    """A variant in a process of its own, which works when it is asked for a turn."""

    def __init__(self, name: str, python: Path, ledger: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [str(python), str(HERE / "in_place.py"), name],
            env={**os.environ, "OTEL_LLMCOST_LEDGER": ledger, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def turn(self) -> Turn:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("turn\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: ended with {self._process.wait()}")
        found: Turn = json.loads(line)
        return found

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def turns_of(names: list[str], python: Path, turns: int, order: Random) -> Iterator[dict[str, Turn]]:
    """What each of these took, turn by turn, the first ones left out."""
    with tempfile.TemporaryDirectory() as ledger:
        sides = [Side(name, python, ledger) for name in names]
        for number in range(WARM + turns):
            turn = {side.name: side.turn() for side in order.sample(sides, len(sides))}
            if number >= WARM:
                yield turn
        for side in sides:
            side.end()


def run(name: str, python: Path, turns: int) -> dict[str, float]:
    """Medians of what `name` adds to the bare call, and of the floor, in microseconds of CPU."""
    order = Random(0)
    names = ["bare", "floor", "same", name]
    taken = [turn for _ in range(SETS) for turn in turns_of(names, python, turns // SETS, order)]

    def added(side: str, what: str) -> float:
        return statistics.median(turn[side][what] - turn["bare"][what] for turn in taken)

    def collecting(side: str) -> float:
        return statistics.median(c for turn in taken if (c := turn[side]["collect"]) is not None)

    whole = {side: added(side, "call") + collecting(side) for side in names[1:]}
    found = {"bare": statistics.median(turn["bare"]["call"] for turn in taken)}
    found |= {f"{LABELS.get(side, 'added')}": added(side, "call") for side in names[1:]}
    found |= {f"{LABELS.get(side, 'added')} with collection": whole[side] for side in names[1:]}
    found["ratio"] = added(name, "call") / added("floor", "call")
    found["ratio with collection"] = whole[name] / whole["floor"]
    found["ratio to the same records"] = added(name, "call") / added("same", "call")
    found["the same with collection"] = whole[name] / whole["same"]
    # a stream is a call, too: what is told is what its events add to that
    events = [
        turn[name]["event"]
        - turn["bare"]["event"]
        - (turn[name]["call"] - turn["bare"]["call"]) / STREAM_EVENTS
        for turn in taken
    ]
    return {**found, "event of a stream": statistics.median(events)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--peers", action="store_true", help="also run the peers in environments of their own"
    )
    arguments.add_argument("--turns", type=int, default=TURNS, help="turns of each variant")
    chosen = arguments.parse_args()
    results = {"otel-llmcost": run("otel-llmcost", Path(sys.executable), chosen.turns)}
    if chosen.peers:
        for name in PEERS:
            results[name] = run(name, environment(name), chosen.turns)
    print(f"{'microseconds of CPU, medians':36s}" + "".join(f"{name:>16s}" for name in results))
    for row in next(iter(results.values())):
        print(f"{row:36s}" + "".join(f"{result[row]:16.2f}" for result in results.values()))


if __name__ == "__main__":
    main()

"""What we add to an event of a stream: a bare and a watched stream take turns, twenty events at a time.

    python benchmarks/bench_event.py [chat|elsewhere|tool|response|message ...]

A whole stream varies by more than what is looked for, so the events of two open streams are paired, in one process: the
bare one belongs to a client that has the SDK's own function. What is told is the median of the differences, of each of
several processes (some are laid out luckier in memory than others) and their mean, beside what the SDK needs for an
event on this machine. `null` is a second bare stream: what it is off zero, the machine made. Bound: 1 microsecond, set
where a chat's event of the bare SDK took 55 to 65.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from random import Random
from typing import Any

import in_place
from streams import SURFACES, open_stream

PROCESSES, STREAMS, EVENTS, BLOCK, WARM = 5, 12, 1000, 20, 2


def turns(surface: str, clients: dict[str, Any], order: Random) -> dict[str, dict[int, float]]:
    """Microseconds of every event but the first ones of a turn, by its number in the stream."""
    streams = {name: open_stream(surface, client) for name, client in clients.items()}
    taken: dict[str, dict[int, float]] = {name: {} for name in clients}
    for start in range(0, EVENTS - BLOCK, BLOCK):
        for name in order.sample(list(clients), len(clients)):
            for number in range(start, start + BLOCK):
                began = time.perf_counter_ns()
                next(streams[name])
                took = (time.perf_counter_ns() - began) / 1e3
                if number - start >= WARM:
                    taken[name][number] = took
    for left in streams.values():
        for _ in left:
            pass
    gc.collect()
    return taken


def measured(surface: str) -> dict[str, float]:
    """Of one process."""
    import otel_llmcost

    in_place.set_up()
    told = SURFACES[surface]
    own = "_process_response_data"
    base = importlib.import_module(f"{told.sdk}._base_client").BaseClient
    bare_class = {own: vars(base)[own]}
    clients = {name: told.client(EVENTS) for name in ("bare", "null", "added")}
    otel_llmcost.instrument(clients["added"])
    for name in ("bare", "null"):
        clients[name].__class__ = type("Bare", (type(clients[name]),), bare_class)
    gc.disable()
    order, differences, bare = Random(0), {"null": [], "added": []}, []
    for number in range(STREAMS + 1):
        taken = turns(surface, clients, order)
        if number:
            bare += taken["bare"].values()
            for name, found in differences.items():
                found += [took - taken["bare"][event] for event, took in taken[name].items()]
    return {"bare": statistics.median(bare)} | {
        name: statistics.median(found) for name, found in differences.items()
    }


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measured(sys.argv[2])))
        return
    for surface in sys.argv[1:] or SURFACES:
        with tempfile.TemporaryDirectory() as ledger:
            environment = {**os.environ, "OTEL_LLMCOST_LEDGER": ledger}
            command = [sys.executable, __file__, "--one", surface]
            runs = [json.loads(subprocess.check_output(command, env=environment)) for _ in range(PROCESSES)]
        for name in ("bare", "null", "added"):
            each = " ".join(f"{run[name]:.2f}" for run in runs)
            mean = statistics.fmean(run[name] for run in runs)
            print(f"{surface:9s} {name:6s} {mean:7.2f} us an event   ({each})")


if __name__ == "__main__":
    main()

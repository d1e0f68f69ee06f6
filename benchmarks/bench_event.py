"""What we add to an event of a stream: a bare and a watched stream take turns, twenty events at a time.

    python benchmarks/bench_event.py

A whole stream varies by more than what is looked for, so the events of two open streams are paired, in one process: the
bare one belongs to a client that has the SDK's own function. What is told is the median of the differences, of each of
several processes (some are laid out luckier in memory than others) and their mean, beside what the SDK needs for an
event on this machine. `null` is a second bare stream: what it is off zero, the machine made. Bound: 1 microsecond, set
where an event of the bare SDK took 55 to 65.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import in_place

PROCESSES, STREAMS, EVENTS, BLOCK, WARM = 5, 12, 1000, 20, 2


def stream(client: Any) -> Iterator[Any]:
    asked = {"model": "gpt-4o-mini", "messages": in_place.MESSAGES, "stream": True}
    return iter(client.chat.completions.create(**asked, stream_options={"include_usage": True}))


def turns(clients: dict[str, Any], order: Random) -> dict[str, dict[int, float]]:
    """Microseconds of every event but the first ones of a turn, by its number in the stream."""
    streams = {name: stream(client) for name, client in clients.items()}
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


def measured() -> dict[str, float]:
    """Of one process."""
    import openai

    import otel_llmcost

    in_place.set_up()
    in_place.STREAM_EVENTS = EVENTS
    own = {"_process_response_data": openai._base_client.BaseClient._process_response_data}
    clients = {name: in_place.make_client() for name in ("bare", "null", "added")}
    otel_llmcost.instrument(clients["added"])
    for name in ("bare", "null"):
        clients[name].__class__ = type("Bare", (openai.OpenAI,), own)
    gc.disable()
    order, differences, bare = Random(0), {"null": [], "added": []}, []
    for number in range(STREAMS + 1):
        taken = turns(clients, order)
        if number:
            bare += taken["bare"].values()
            for name, found in differences.items():
                found += [took - taken["bare"][event] for event, took in taken[name].items()]
    return {"bare": statistics.median(bare)} | {
        name: statistics.median(found) for name, found in differences.items()
    }


def main() -> None:
    if sys.argv[1:] == ["--one"]:
        print(json.dumps(measured()))
        return
    with tempfile.TemporaryDirectory() as ledger:
        environment = {**os.environ, "OTEL_LLMCOST_LEDGER": ledger}
        runs = [
            json.loads(subprocess.check_output([sys.executable, __file__, "--one"], env=environment))
            for _ in range(PROCESSES)
        ]
    for name in ("bare", "null", "added"):
        each = " ".join(f"{run[name]:.2f}" for run in runs)
        print(f"{name:6s} {statistics.fmean(run[name] for run in runs):8.2f} us an event   ({each})")


if __name__ == "__main__":
    main()

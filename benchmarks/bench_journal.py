"""What keeping one call costs on the calling thread: encode the row, append it to the journal.

Run: python benchmarks/bench_journal.py. Prints microseconds a call (median of rounds, garbage collection off)
and the slowest appends beside a computing thread. Writes some megabytes into a directory of its own.
"""

from __future__ import annotations

import gc
import json
import statistics
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

from otel_llmcost.call import Call, Priced, Tags
from otel_llmcost.ledger.codec import RowEncoder
from otel_llmcost.ledger.journal import Journal

CALL = Call(
    key="otel:4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7",
    provider="openai",
    request_model="gpt-5.4-mini",
    response_model="gpt-5.4-mini-2026-03-17",
    start_ns=1_795_000_000_000_000_000,
    end_ns=1_795_000_001_250_000_000,
    usage={"input": 1200, "cache_read": 800, "output": 350, "output_reasoning": 120},
    tier="standard",
    host="api.openai.com",
    port=443,
    response_id="chatcmpl-BkQ7bGmzVnSxTqZ0p5bYxk1c2d3e4",
    finish_reasons=("stop",),
    tags=Tags(source="extraction"),
)
PRICED = Priced(
    status="exact",
    amount=2_425_200_000_000,
    components={"input": 900_000_000_000, "cache_read": 60_000_000_000, "output": 1_465_200_000_000},
    version="2026-11-20+3f9a1c2b",
    savings=540_000_000_000,
)


def per_call(work: Callable[[], object], rounds: int = 9, calls: int = 20_000) -> float:
    """Microseconds of processor time a call, median of rounds."""
    seen = []
    for _ in range(rounds):
        begin = process_time()
        for _ in range(calls):
            work()
        seen.append((process_time() - begin) / calls * 1e6)
    return statistics.median(seen)


def slowest_beside_a_busy_thread(journal: Journal, record: bytes, calls: int = 50_000) -> tuple[float, float]:
    """(99th, 99.9th percentile) of an append in microseconds of wall time while another thread computes."""
    done = threading.Event()

    def compute() -> None:
        while not done.is_set():
            sum(range(1000))

    busy = threading.Thread(target=compute)
    busy.start()
    times = []
    for _ in range(calls):
        begin = perf_counter()
        journal.append(record)
        times.append(perf_counter() - begin)
    done.set()
    busy.join()
    times.sort()
    return times[int(calls * 0.99)] * 1e6, times[int(calls * 0.999)] * 1e6


def main() -> None:
    """Prints the table."""
    encoder = RowEncoder("bench")
    record = encoder.encode(CALL, PRICED)
    gc.disable()
    print(f"row: {len(record)} bytes")
    print(f"encode            {per_call(lambda: encoder.encode(CALL, PRICED)):7.2f} us")
    parsed = json.loads(record)
    print(f"json.dumps of it  {per_call(lambda: json.dumps(parsed)):7.2f} us")
    for name, mapped in (("mapped", True), ("os.write", False)):
        with tempfile.TemporaryDirectory() as place:
            journal = Journal(Path(place) / "journal", mapped=mapped, cap_bytes=1 << 30)
            print(f"append, {name:9} {per_call(lambda j=journal: j.append(record)):7.2f} us")
            p99, p999 = slowest_beside_a_busy_thread(journal, record)
            print(f"  beside a busy thread: p99 {p99:.0f} us, p99.9 {p999:.0f} us; dropped {journal.dropped}")


if __name__ == "__main__":
    main()

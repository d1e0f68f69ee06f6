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

HERE = Path(__file__).parent
CALLS, WARM = 50, 60
PROGRAM = f"""
import gc, os, sys
sys.path.insert(0, {str(HERE)!r})
import in_place
name, calls, collects = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
asked = in_place.variant(name)
for _ in range({WARM}):
    asked.call()
asked.reader.get_metrics_data()
gc.disable()
for _ in range(calls):
    asked.call()
for _ in range(collects):
    asked.reader.get_metrics_data()
os._exit(0)
"""
COUNTING = ["valgrind", "--tool=cachegrind", "--cachegrind-out-file=/dev/null", "--cache-sim=yes"]
COUNTING += ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=524288,8,64"]


class Count:
    """Instructions and cache misses of some calls."""

    def __init__(self, name: str, calls: int, collects: int = 0) -> None:
        with tempfile.TemporaryDirectory() as ledger:
            done = subprocess.run(
                [*COUNTING, sys.executable, "-c", PROGRAM, name, str(calls), str(collects)],
                env={**os.environ, "OTEL_LLMCOST_LEDGER": ledger, "PYTHONHASHSEED": "0"},
                capture_output=True,
                text=True,
                check=True,
            )
        self.instructions = _figure("I +refs", done.stderr)
        self.misses = _figure("LL misses", done.stderr)


def _figure(name: str, said: str) -> int:
    found = re.search(name + r":\s+([\d,]+)", said)
    if found is None:
        raise SystemExit(f"valgrind said nothing of {name}: {said[-1000:]}")
    return int(found.group(1).replace(",", ""))


def cost(name: str, collects: int = 0) -> tuple[float, float]:
    """Instructions and misses of a call, metrics being collected so often after all of them."""
    none, some = Count(name, 0), Count(name, CALLS, collects)
    return (some.instructions - none.instructions) / CALLS, (some.misses - none.misses) / CALLS


def main() -> None:
    bare, bare_misses = cost("bare")
    added: dict[str, list[float]] = {}
    for name in ("floor", "otel-llmcost"):
        call, misses = cost(name)
        added[name] = [call - bare, cost(name, 1)[0] - bare, misses - bare_misses]
    print(f"{'a call':20s}{'instructions':>14s}{'with collection':>18s}{'cache misses':>14s}")
    print(f"{'bare':20s}{bare:14,.0f}{'':18s}{bare_misses:14,.0f}")
    for name, (call, whole, misses) in added.items():
        print(f"{name + ' adds':20s}{call:14,.0f}{whole:18,.0f}{misses:14,.0f}")
    ratios = [ours / floor for ours, floor in zip(added["otel-llmcost"], added["floor"], strict=True)]
    print(f"{'ratio':20s}{ratios[0]:14.2f}{ratios[1]:18.2f}")


if __name__ == "__main__":
    main()

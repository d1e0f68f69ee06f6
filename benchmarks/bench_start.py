"""What instrumenting adds to a program that has imported the OpenTelemetry SDK, its instrumentation package and wrapt.

Bounds: 60 ms and 15 MB. With `--flat` also the memory over 100,000 calls, one in 200 streamed, through an in-process
transport: every 12,500 of them, once what is bounded has filled (20,000 keys of calls) and the ledger was drained once.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BEFORE = """
import resource, sys, time
import opentelemetry.sdk.trace, opentelemetry.sdk.metrics, opentelemetry.instrumentation.instrumentor, wrapt
def held():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize() / 1e6
before, started = held(), time.process_time()
"""
AFTER = """
print((time.process_time() - started) * 1e3, held() - before)
"""
INSTRUMENT = "import otel_llmcost; otel_llmcost.instrument()"
FLAT = """
import sys
sys.path.insert(0, {here!r})
import in_place, otel_llmcost, resource, gc
in_place.set_up()
otel_llmcost.instrument()
client = in_place.make_client()
def held():
    gc.collect()
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize() / 1e6
call = lambda **more: client.chat.completions.create(model="gpt-4o-mini", messages=in_place.MESSAGES, **more)
for number in range(125_001):
    call()
    if number % 200 == 0: list(call(stream=True))
    if number >= 25_000 and number % 12_500 == 0: print(held(), flush=True)
"""


# Installers leave bytecode beside the modules; a checkout gets it from its first run.
_ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(program: str) -> list[float]:
    with tempfile.TemporaryDirectory() as ledger:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**_ENVIRON, "OTEL_LLMCOST_LEDGER": ledger},
            capture_output=True,
            text=True,
            check=True,
        )
    return [float(value) for value in done.stdout.split()]


def main() -> None:
    run(BEFORE + INSTRUMENT + AFTER)
    ours = [run(BEFORE + INSTRUMENT + AFTER) for _ in range(9)]
    nothing = [run(BEFORE + AFTER) for _ in range(3)]
    print(f"instrumenting: {statistics.median(row[0] for row in ours):6.1f} ms CPU (bound 60)")
    held = statistics.median(row[1] for row in ours) - statistics.median(row[1] for row in nothing)
    print(f"               {held:6.1f} MB (bound 15)")
    if "--flat" in sys.argv:
        here = str(Path(__file__).resolve().parent)
        points = run(FLAT.format(here=here))
        print("memory, MB, from call 25,000 on, every 12,500:", *(f"{point:.1f}" for point in points))


if __name__ == "__main__":
    main()

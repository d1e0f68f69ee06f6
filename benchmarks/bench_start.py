"""What instrumenting adds to a program that has imported the OpenTelemetry SDK, its instrumentation package and wrapt.

Bounds: 60 ms and 15 MB. Also: memory over 100,000 calls through an in-process transport (flat).
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
for number in range(100_001):
    client.chat.completions.create(model="gpt-4o-mini", messages=in_place.MESSAGES)
    if number == 10_000: start = held()
print(held() - start)
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
        print(f"memory from call 10,000 to 100,000: {run(FLAT.format(here=here))[0]:+.1f} MB")


if __name__ == "__main__":
    main()

"""What we add to a call and to a streamed event, beside the naive floor and beside peers, each in its own environment.

    python benchmarks/bench_call.py            # ours
    python benchmarks/bench_call.py --peers    # also OpenLLMetry and OpenInference, from the package registry

The floor is the same work done naively in the same place (`in_place.py`). Bounds: at most 0.8x the floor on the
calling thread, at most 1x with collection counted in, at most 1 microsecond for a streamed event.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".envs"
PEERS = {
    "openllmetry": ["opentelemetry-instrumentation-openai==0.62.4"],
    "openinference": ["openinference-instrumentation-openai==0.1.66"],
}
COMMON = ["openai==3.54.0", "opentelemetry-sdk==1.45.2", "opentelemetry-instrumentation==0.66b2", "wrapt"]
ROWS = ("bare", "floor", "added", "ratio", "added with collection", "ratio with collection", "event")


def environment(name: str) -> Path:
    folder = ENVIRONMENTS / f"bench-{name}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *COMMON, *PEERS[name]], check=True)
        (folder / ".ready").touch()
    return python


def run(name: str, python: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as ledger:
        done = subprocess.run(
            [str(python), str(HERE / "in_place.py"), name],
            env={**os.environ, "OTEL_LLMCOST_LEDGER": ledger, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--peers", action="store_true", help="also run the peers in environments of their own"
    )
    chosen = arguments.parse_args()
    results = {"otel-llmcost": run("otel-llmcost", Path(sys.executable))}
    if chosen.peers:
        for name in PEERS:
            results[name] = run(name, environment(name))
    print(f"{'microseconds of CPU, medians':32s}" + "".join(f"{name:>16s}" for name in results))
    for row in ROWS:
        print(f"{row:32s}" + "".join(f"{result[row]:16.2f}" for result in results.values()))


if __name__ == "__main__":
    main()

"""200,000 calls, one in ten a stream that is left: memory flat, every span ended, no thread more than before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..matrix.environments import ROOT, alone

CALLS = int(os.environ.get("ENDURANCE_CALLS", "200000"))
GROWTH_KB = 6_000
"""Between the third measurement and the last: what the allocator keeps moves by a few megabytes."""


@pytest.mark.endurance
def test_memory_spans_and_threads(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.watch.endurance", str(CALLS)],
        cwd=ROOT,
        env=alone(HOME=str(tmp_path), OTEL_LLMCOST_LEDGER=str(tmp_path / "ledger")),
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    print(json.dumps(said))
    assert said["settled"] == CALLS
    assert said["contained"] == 0
    measured = said["measured"]
    assert [one["open_spans"] for one in measured] == [0] * 10
    assert measured[-1]["threads"] <= measured[2]["threads"]
    assert measured[-1]["resident_kb"] - measured[2]["resident_kb"] < GROWTH_KB, measured

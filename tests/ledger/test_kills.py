"""Writers, their forked children and drainers killed at random moments: nothing said to be kept may be missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otel_llmcost.ledger.drain import drain
from otel_llmcost.ledger.segment import segments
from otel_llmcost.ledger.store import Ledger

SECONDS = 30

WRITER = """
import os, sys
from pathlib import Path
from otel_llmcost.call import Call, Priced
from otel_llmcost.ledger import LedgerSettings, open_recorder, recorder
recorder._DRAIN_ABOVE_BYTES = 1 << 19
kept = open_recorder(LedgerSettings(Path(sys.argv[1]), retention_days=0))
os.fork()
pid = os.getpid()
for number in range(100_000):
    kept.record(Call(key=f"{pid}-{number}", end_ns=5), Priced("exact", 7, {"input": 7}))
    os.write(1, b"%d-%d\\n" % (pid, number))
    if number % 300 == 299:
        kept.flush(0.05)
"""

DRAINER = """
import sys
from pathlib import Path
from otel_llmcost.ledger.drain import drain
while True:
    drain(Path(sys.argv[1]), retention_days=0)
"""


def start(program: str, directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE, start_new_session=True
    )


@pytest.mark.endurance
def test_random_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    chance, said, kills = random.Random(11), set[str](), 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        writers = [start(WRITER, tmp_path) for _ in range(2)]
        drainer = start(DRAINER, tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            drainer.wait(chance.uniform(0.6, 2.2))
        for process in (*writers, drainer):
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        for writer in writers:
            said.update(line for line in writer.communicate()[0].decode().split("\n")[:-1] if line)
        drainer.communicate()
    done = drain(tmp_path, retention_days=0)
    with Ledger(tmp_path) as ledger:
        keys = {str(found[0]) for found in ledger.query("SELECT call_key FROM calls")}
        [sums] = ledger.query(
            "SELECT sum(calls), sum(cost_nano) * 1000000 + sum(cost_femto_rest) FROM rollups"
        )
    print(f"{kills} kills, {len(said):,} calls kept, {len(said - keys)} lost")
    assert said <= keys
    assert tuple(sums) == (len(keys), 7 * len(keys))
    assert (done.complete, segments(tmp_path / "journal")) == (True, [])
    assert done.damaged <= kills  # a frame that was torn before its append returned

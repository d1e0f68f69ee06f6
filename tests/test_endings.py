"""Programs that keep calls without `instrument()` end as those that are instrumented do."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from otel_llmcost.ledger.drain import drain
from otel_llmcost.ledger.segment import segments
from otel_llmcost.ledger.store import Ledger

RECORD = """
    from otel_llmcost import CostTracker
    def record():
        CostTracker().record("openai", "gpt-5-mini", 1000, 100)
"""


def run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "OTEL_LLMCOST_LEDGER": str(folder / "ledger")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def waiting(folder: Path) -> list[int]:
    return [path.stat().st_size for path in segments(folder / "ledger" / "journal")]


def calls(folder: Path) -> int:
    drain(folder / "ledger")
    with Ledger(folder / "ledger") as ledger:
        return len(list(ledger.rows()))


def test_what_a_tracker_kept_is_in_the_database_at_the_end(tmp_path: Path) -> None:
    run(f"{RECORD}\n    record()\n", tmp_path)
    assert waiting(tmp_path) == []
    assert calls(tmp_path) == 1


@pytest.mark.parametrize("before", ["", "record()"])
def test_a_child_of_multiprocessing_gives_back_what_it_did_not_write(tmp_path: Path, before: str) -> None:
    program = f"""{RECORD}
    import multiprocessing
    {before}
    for _ in range(2):
        child = multiprocessing.get_context("fork").Process(target=record)
        child.start()
        child.join()
    import os
    os._exit(0)
"""
    run(program, tmp_path)
    # what the parent wrote went with its end; the children's is drained, by themselves
    assert len(waiting(tmp_path)) == (1 if before else 0)
    assert calls(tmp_path) == (3 if before else 2)


def test_a_forked_child_counts_its_own_calls_alone(tmp_path: Path) -> None:
    program = f"""{RECORD}
    import os
    from otel_llmcost.process import assembled
    record()
    child = os.fork()
    if not child:
        made = assembled()
        assert made.recorder.counters.appended == 0
        record()
        assert made.recorder.counters.appended == 1
        raise SystemExit
    assert os.waitpid(child, 0)[1] == 0
"""
    run(program, tmp_path)
    assert waiting(tmp_path) == []
    assert calls(tmp_path) == 2


def test_keeping_a_call_watches_nobody_and_pricing_one_keeps_nothing(tmp_path: Path) -> None:
    program = f"""{RECORD}
    import threading
    from otel_llmcost import calculate_cost
    from otel_llmcost.process import assembled
    calculate_cost("openai", "gpt-5-mini", 1000, 100)
    assert not assembled().counters.instruments
    record()
    assert assembled().counters.instruments
    import openai
    assert not assembled().engine.active
    assert not hasattr(openai.OpenAI.request, "_llmcost_original")
    assert threading.active_count() == 1
"""
    run(program, tmp_path)
    assert calls(tmp_path) == 1

"""Each of our functions that runs inside a user's call is made to raise: the call is unharmed, and counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..matrix.environments import ROOT, alone
from .faults import CALLS

# What stands in the SDK's place or carries the user's own bytes: nothing is around these that could contain them.
# They do nothing but call the original and `guarded`; those of events also read a piece of text (test_events.py).
SHELLS = {
    "watch/guard.py:guarded",
    "watch/stainless.py:_wrap_request.<locals>.request",
    "watch/stainless.py:_wrap_request_async.<locals>.request",
    "watch/stainless.py:_after.<locals>.function",
    "watch/stainless.py:_after.<locals>.coroutine_function",
    "watch/events.py:WatchedData.__get__",
    "watch/events.py:chats_and_responses",
    "watch/events.py:chats_and_responses.<locals>._process_response_data",
    "watch/events.py:messages",
    "watch/events.py:messages.<locals>._process_response_data",
    "watch/sockets.py:Sockets._wrap_enter.<locals>.enter",
    "watch/sockets.py:Sockets._wrap_parse.<locals>.parse_event",
    "watch/body.py:_Watched.__iter__",
    "watch/body.py:_Watched.__aiter__",
    "watch/body.py:_Watched.close",
    "watch/body.py:_Watched.aclose",
    "watch/body.py:_AsyncChunks.__init__",
    "watch/body.py:_AsyncChunks.__aiter__",
    "watch/body.py:_AsyncChunks.__anext__",
}
# The one way from the request to the ledger: without any of these there is no call to keep, or nothing that keeps it.
SPINE = {
    "watch/engine.py:Engine.begin",
    "watch/engine.py:Engine.watches",
    "watch/engine.py:Engine.observation",
    "watch/sockets.py:Sockets._opened",
    "watch/sockets.py:Sockets._heard",
    "watch/sockets.py:Session.__init__",
    "watch/sockets.py:Session.heard",
    "watch/sockets.py:Session.settle",
    "watch/engine.py:Engine.conclude",
    "watch/observation.py:Observation.__init__",
    "watch/observation.py:Observation.finish",
    "watch/observation.py:Observation.open",
    "watch/exchange.py:Exchange.ended",
    "settle.py:Settler.settle",
    "settle.py:Settler._tell",
}
RECORDER = "ledger/"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("faults")
    done = subprocess.run(
        [sys.executable, "-m", "tests.watch.faults"],
        cwd=ROOT,
        env=alone(HOME=str(folder), OTEL_LLMCOST_LEDGER=str(folder / "ledger")),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_call_is_altered(outcome: dict[str, Any]) -> None:
    functions = outcome["functions"]
    assert len(functions) > 150
    assert {name for name in functions if functions[name]["altered"]} == SHELLS


def test_every_call_is_in_the_ledger(outcome: dict[str, Any]) -> None:
    functions = outcome["functions"]
    expendable = SHELLS | SPINE | {name for name in functions if name.startswith(RECORDER)}
    lost = {name: one["rows"] for name, one in functions.items() if one["rows"] < CALLS}
    assert set(lost) <= expendable, {name: rows for name, rows in lost.items() if name not in expendable}


def test_all_is_well_when_the_faults_are_gone(outcome: dict[str, Any]) -> None:
    assert outcome["whole"]
    assert outcome["last_round"] == CALLS


def test_the_rooms_that_run_inside_a_call_were_all_seen(outcome: dict[str, Any]) -> None:
    rooms = {name.partition("/")[0].partition(".py")[0] for name in outcome["functions"]}
    assert rooms >= {
        "watch",
        "settle",
        "processor",
        "metrics",
        "spans",
        "usage",
        "prices",
        "attribution",
        "ledger",
    }

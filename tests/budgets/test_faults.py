"""Each function of budgets that runs inside a user's call is made to raise: the call goes on, and is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ..matrix.environments import ROOT, alone
from ..watch.faults import CALLS
from ..watch.test_faults import SHELLS, SPINE

BUDGETS = """
[budgets.own]
amount = 1000
action = "block"
on_unpriced = "allow"

[budgets.shared]
amount = 1000
action = "block"
on_unpriced = "allow"
scope = "machine"

[budgets.talks]
amount = 1000
window = "conversation"

[budgets.crossed]
amount = "0.000001"
window = "rolling 1h"
tags = { tier = ["gold", ""] }
"""


def test_no_failure_of_a_budget_reaches_a_call_that_it_does_not_refuse(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(BUDGETS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.watch.faults", "budgets/"],
        cwd=ROOT,
        env=alone(
            HOME=str(tmp_path),
            OTEL_LLMCOST_LEDGER=str(tmp_path / "ledger"),
            OTEL_LLMCOST_CONFIG=str(settings),
        ),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    broken = found["functions"]
    assert {name.split(":")[0] for name in broken} >= {
        f"budgets/{room}.py"
        for room in ("admission", "bounds", "ceiling", "cells", "machine", "process", "reservation", "rule")
    }
    assert {
        name: one["altered"] for name, one in broken.items() if one["altered"] and name not in SHELLS
    } == {}
    assert {
        name: one["rows"] for name, one in broken.items() if one["rows"] < CALLS and name not in SPINE
    } == {}
    assert (found["whole"], found["last_round"]) == (True, CALLS)

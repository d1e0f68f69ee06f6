"""`otel-llmcost budget status` for a person."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.cli import main
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger

SETTINGS = """
[budgets.whole]
amount = "250.00"
window = "total"
[budgets.small]
amount = "0.005"
window = "total"
models = ["nothing*"]
"""


def test_amounts_stand_below_each_other_and_add_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("OTEL_LLMCOST_CONFIG", raising=False)
    (tmp_path / "otel-llmcost.toml").write_text(SETTINGS)
    now = time.time_ns()
    with Ledger(tmp_path) as ledger:
        ledger.add([LedgerRow("a", now, now + 1, status="exact", amount=76_266_676_900_000_000)])
    result = CliRunner().invoke(main, ["budget", "status", "--ledger", str(tmp_path)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line[len(" whole    warn     total    process ") :] for line in (lines[1], *lines[3:5])] == [
        "     limit         spent   reserved      remaining",
        "  $250.00    $76.2666769      $0.00   $173.7333231",
        "    $0.005    $0.00           $0.00     $0.005",
    ]
    # said once, not in a column of its own
    assert lines[6] == (
        "whole, small: all processes together, from the ledger; "
        "each counts its own and what was there when it began"
    )


def test_a_limit_that_is_spent_is_called_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("OTEL_LLMCOST_CONFIG", raising=False)
    (tmp_path / "otel-llmcost.toml").write_text('[budgets.all]\namount = "1.00"\nwindow = "total"\n')
    now = time.time_ns()
    with Ledger(tmp_path) as ledger:
        ledger.add([LedgerRow("a", now - 10**12, now, status="exact", amount=10**15)])
    shown = CliRunner().invoke(main, ["budget", "status", "--ledger", str(tmp_path)])
    assert "runs out" in shown.stdout.splitlines()[1]
    assert shown.stdout.splitlines()[3].endswith("reached")

"""Budgets seen from outside: the ledger's totals, the shared counter, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.budgets import Budget, Gate, MachineCounter, parse_window
from otel_llmcost.budgets.from_ledger import reconcile, spent_in_ledger
from otel_llmcost.budgets.machine import FILE_NAME
from otel_llmcost.budgets.status import budget_status
from otel_llmcost.call import Tags, refused_by
from otel_llmcost.cli import main
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.money import femto

from .flat_book import FlatBook, paid, request

NOW = int(time.time())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as opened:
        opened.add(
            [
                row("1", femto("1"), tags=Tags(team="search", conversation="a", own={"tier": "gold"})),
                row("2", femto("2"), tags=Tags(team="ads", conversation="b", own={"tier": "iron"})),
                row("3", femto("4"), tags=Tags(team="search", conversation="a"), request_model="gpt-5-mini"),
                row("4", femto("8"), provider="anthropic", request_model="claude-opus-5"),
                row("5", femto("16"), ago=40 * 86_400),
                row("6", None),
            ]
        )
        yield opened


def row(key: str, amount: int | None, *, ago: int = 0, **more: object) -> LedgerRow:
    start = (NOW - ago) * 10**9
    fields = {
        "provider": "openai",
        "request_model": "gpt-5",
        "status": "exact" if amount is not None else "unpriced",
    }
    return LedgerRow(key, start_ns=start, end_ns=start + 1, amount=amount, **{**fields, **more})  # type: ignore[arg-type]


def budget(**more: object) -> Budget:
    return Budget("b", femto("100"), **{"window": parse_window("rolling 1h"), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("selectors", "usd"),
    [
        ({}, "15"),
        ({"window": parse_window("total")}, "31"),
        ({"providers": ("anthropic",)}, "8"),
        ({"models": ("gpt-5*",)}, "7"),
        ({"models": ("gpt-5",), "providers": ("openai",)}, "3"),
        ({"tags": {"team": ("search",)}}, "5"),
        ({"tags": {"team": ("search", "ads")}}, "7"),
        ({"tags": {"tier": ("gold",)}}, "1"),
        ({"tags": {"tier": ("gold", "iron")}}, "3"),
        ({"tags": {"tier": ("*o*",), "team": ("ads",)}}, "2"),
        ({"window": parse_window("conversation")}, "5"),
        ({"window": parse_window("conversation"), "tags": {"tier": ("gold", "iron")}}, "2"),
    ],
)
def test_the_ledger_counts_what_the_budget_covers(
    ledger: Ledger, selectors: dict[str, object], usd: str
) -> None:
    assert spent_in_ledger(budget(**selectors), ledger, NOW).spent == femto(usd)


def test_a_machine_budget_is_lifted_to_what_the_ledger_knows(ledger: Ledger, tmp_path: Path) -> None:
    shared = budget(scope="machine", window=parse_window("total"), action="block")
    gate = Gate([shared], FlatBook(), {"machine": MachineCounter(tmp_path)})
    assert reconcile(gate, ledger, NOW) == {"b": femto("31")}
    assert reconcile(gate, ledger, NOW) == {}
    assert gate.snapshot()[0].spent == femto("31")


def test_status_reads_the_shared_counter_and_for_processes_the_ledger(ledger: Ledger, tmp_path: Path) -> None:
    shared, own = budget(scope="machine", action="block"), budget()
    before = budget_status([shared, own], ledger, tmp_path, NOW)
    assert not (tmp_path / FILE_NAME).exists()
    assert [state.spent for state in before] == [femto("15"), femto("15")]
    gate = Gate([shared], FlatBook(), {"machine": MachineCounter(tmp_path)})
    first, second = (gate.admit(request(at=NOW)) for _ in range(2))
    assert first is not None
    assert second is not None
    first.settle(paid(femto("3")))
    after = budget_status([shared, own], ledger, tmp_path, NOW)
    assert [(state.spent, state.reserved) for state in after] == [
        (femto("3"), second.amount),
        (femto("15"), 0),
    ]
    assert "from the ledger" in after[1].note
    assert after[0].note == ""


def test_status_counts_the_refusals_of_every_process_in_the_window(ledger: Ledger, tmp_path: Path) -> None:
    refused = {"error_type": "BudgetExceeded", "notes": (refused_by("b"),)}
    ledger.add(
        [
            row("r1", 0, **refused),
            row("r2", 0, **refused),
            row("r3", 0, error_type="BudgetExceeded", notes=(refused_by("other b"),)),
            row("r4", 0, ago=2 * 3600, **refused),
            row("r5", 0, error_type="RateLimitError", notes=("not-billed: HTTP 429",)),
        ]
    )
    for one, refusals in ((budget(), 2), (budget(window=parse_window("total"), scope="machine"), 3)):
        [state] = budget_status([one], ledger, tmp_path, NOW)
        assert state.refused == refusals


def test_a_counter_that_cannot_be_read_is_unknown_not_zero(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"x" * 10_000_000)
    (state,) = budget_status([budget(scope="machine")], None, tmp_path, NOW)
    assert not state.known
    assert "not a budget counter" in state.note


RESERVES = """
import sys
from pathlib import Path
from otel_llmcost.budgets import Budget, Gate, MachineCounter
from tests.budgets.flat_book import FlatBook, request
budget = Budget("b", 10**17, action="block", scope="machine")
gate = Gate([budget], FlatBook(), {"machine": MachineCounter(Path(sys.argv[1]))})
gate.admit(request())
print("reserved", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_program_reserved_is_not_shown_as_reserved(tmp_path: Path) -> None:
    shared = budget(scope="machine", action="block", window=parse_window("month"))
    program = subprocess.Popen(
        [sys.executable, "-c", RESERVES, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "reserved\n"
    [living] = budget_status([shared], None, tmp_path, NOW)
    program.kill()
    program.communicate()
    [dead] = budget_status([shared], None, tmp_path, NOW)
    assert living.reserved > 0
    assert dead.reserved == 0


def test_without_a_ledger_what_processes_spent_is_not_known(ledger: Ledger, tmp_path: Path) -> None:
    (state,) = budget_status([budget()], ledger, tmp_path, NOW, kept=False)
    assert not state.known
    assert state.as_json()["spent"] is None
    assert "no ledger is kept" in state.note


CONFIGURATION = """
[budgets.everything]
amount = "100.00"
window = "day"

[budgets.search]
amount = "0.000000000000001"
window = "total"
tags = { team = "search" }
action = "block"

[budgets.wrong]
amount = 5
window = "fortnight"
"""


@pytest.fixture
def settings(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "my.toml"
    file.write_text(CONFIGURATION)
    monkeypatch.setenv("OTEL_LLMCOST_CONFIG", str(file))
    monkeypatch.setenv("OTEL_LLMCOST_LEDGER", str(tmp_path))
    return file


def test_the_command_gives_exact_amounts(settings: Path) -> None:
    done = CliRunner().invoke(main, ["budget", "status", "--json"])
    assert done.exit_code == 0, done.output
    everything, search = json.loads(done.stdout)
    assert (everything["budget"], everything["limit"], everything["currency"]) == ("everything", "100", "USD")
    assert (search["limit"], search["spent"], search["remaining"]) == ("0.000000000000001", "5", "0")
    assert search["resets_at"] is None
    assert f"{settings}:14: budgets.wrong.window" in done.stderr


def test_the_command_shows_a_table(settings: Path) -> None:
    done = CliRunner().invoke(main, ["budget", "status"])
    assert done.exit_code == 0, done.output
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert "remaining" in lines[0]
    assert any("everything" in line and "$100.00" in line for line in lines)


def test_the_command_knows_nothing_of_processes_where_no_ledger_is_kept(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_LLMCOST_LEDGER_ENABLED", "false")
    done = CliRunner().invoke(main, ["budget", "status", "--json"])
    assert [one["spent"] for one in json.loads(done.stdout)] == [None, None]
    named = CliRunner().invoke(main, ["budget", "status", "--json", "--ledger", str(settings.parent)])
    assert [one["spent"] for one in json.loads(named.stdout)] == ["15", "5"]


def test_the_command_names_a_file_that_cannot_be_read(settings: Path) -> None:
    settings.write_text("[budgets.all\n")
    done = CliRunner().invoke(main, ["budget", "status"])
    assert done.exit_code == 1
    assert f"{settings}:1: is not valid TOML" in done.output
    assert "no budgets" not in done.output


def test_without_budgets_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("OTEL_LLMCOST_CONFIG", raising=False)
    done = CliRunner().invoke(main, ["budget", "status"])
    assert "no budgets" in done.output

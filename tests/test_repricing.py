"""Calls priced again: a dry run first, both figures kept. Rates of gpt-5: $1.25 / $10 per million tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.call import EXACT, UNPRICED, Call, Priced
from otel_llmcost.cli import main
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.money import femto
from otel_llmcost.prices import load_book
from otel_llmcost.reports.costs import cost_report
from otel_llmcost.repricing import reprice

NOV_20 = 1_795_132_800 * 10**9
BOOK = load_book()


def row(key: str, model: str, usd: str | None, version: str = "2026-01-01+old") -> LedgerRow:
    return LedgerRow(
        key=key,
        start_ns=NOV_20,
        end_ns=NOV_20,
        provider="openai",
        response_model=model,
        usage={"input": 1000, "output": 100},
        status=UNPRICED if usd is None else EXACT,
        amount=None if usd is None else femto(usd),
        components={} if usd is None else {"input": femto(usd)},
        version=version,
    )


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "none"))
    with Ledger(tmp_path) as opened:
        opened.add(
            [row("k1", "gpt-5", "0.001"), row("k2", "gpt-5", None), row("k3", "gpt-5", "9", BOOK.version)]
        )
        opened.add([row("k4", "nobody", "0.5")])
    return tmp_path


def test_a_dry_run_changes_nothing(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        before = list(opened.rows())
        found = reprice(opened, BOOK)
        assert list(opened.rows()) == before
    assert (found.seen, found.changed, found.newly_priced, found.no_longer_priced) == (4, 3, 1, 1)
    assert found.difference == femto("0.00125") + femto("0.00225") - femto("0.5")


def test_both_figures_are_kept_and_a_second_time_changes_nothing(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        reprice(opened, BOOK, reason="new prices", apply=True)
        one = opened.get("k1")
        assert one is not None
        assert (one.amount, one.first_amount, one.version) == (femto("0.00225"), femto("0.001"), BOOK.version)
        untouched = opened.get("k3")
        assert untouched is not None
        assert untouched.amount == femto("9")
        again = reprice(opened, BOOK, apply=True)
    assert (again.seen, again.changed, again.difference) == (4, 0, 0)


class Dear:
    """A price list in which somebody mistook the unit: a thousand million dollars a call."""

    version = "mistaken"

    def price(self, call: Call) -> Priced:
        amount = femto("1000000000")
        return Priced(EXACT, amount, {"input": amount}, (), self.version)


@pytest.mark.parametrize("apply", [False, True])
def test_a_price_beyond_the_limit_of_a_call_makes_it_unknown(ledger: Path, apply: bool) -> None:
    with Ledger(ledger) as opened:
        opened.add([row(f"more {number}", "gpt-5", "0.001") for number in range(12)])
        found = reprice(opened, Dear(), apply=apply)
        assert (found.seen, found.changed, found.newly_priced, found.no_longer_priced) == (16, 15, 0, 15)
        assert found.difference == -femto("0.001") * 13 - femto("9.5")
        one = opened.get("k1")
        assert one is not None
        if apply:
            assert (one.status, one.amount, one.components) == (UNPRICED, None, {})
            assert one.reasons[0].startswith("too-large: 1000000000 USD is above 1,000,000 USD")
            assert cost_report(opened).total.amount == 0
        else:
            assert (one.status, one.amount) == (EXACT, femto("0.001"))


def test_a_ledger_keeps_no_price_beyond_the_limit_of_a_call(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        opened.reprice("k1", Priced(EXACT, femto("1000000.1"), {}), "mistaken")
        opened.reprice("k2", Priced(EXACT, femto("1000000"), {}), "dear")
        amounts = [row.amount for row in opened.rows() if row.key in ("k1", "k2")]
    assert amounts == [None, femto("1000000")]


def test_from_the_command_line(ledger: Path) -> None:
    run = CliRunner().invoke
    dry = run(main, ["reprice", "--ledger", str(ledger)])
    assert dry.exit_code == 0, dry.output
    assert "3 of 4 calls would change" in dry.output
    assert "--apply" in dry.output
    done = run(main, ["reprice", "--ledger", str(ledger), "--model", "gpt-5", "--apply", "--json"])
    answer = json.loads(done.output)
    assert (answer["applied"], answer["changed"], answer["difference_usd"]) == (True, 2, "0.0035")
    with Ledger(ledger) as opened:
        reasons = [record["reason"] for record in opened.query("SELECT reason FROM repricings")]
    assert reasons == [f"prices 2026-01-01+old -> {BOOK.version}"] * 2


def test_differences_by_model_add_up_to_the_whole_one(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        opened.add([row("k5", "somebody", "1.2345678")])
    lines = CliRunner().invoke(main, ["reprice", "--ledger", str(ledger)]).output.splitlines()
    assert [line.split()[-1] for line in lines[3:6]] == ["-$1.2345678", "-$0.50", "$0.0035"]
    assert lines[7].endswith(", by -$1.7310678")

"""Every answer of the command line as a function, over a ledger whose sums are known."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import otel_llmcost as o
from otel_llmcost.call import Tags
from otel_llmcost.errors import ConfigurationError
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.money import femto
from otel_llmcost.sessions.log import SessionLog, SessionRecord

NOON = 1_795_003_200 * 10**9  # 2026-11-18T12:00:00Z
DAY = 86_400 * 10**9


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    def row(key: str, usd: str, day: int, **more: object) -> LedgerRow:
        start = NOON + day * DAY
        tags = Tags(**more)  # type: ignore[arg-type]
        return LedgerRow(
            key, start_ns=start, end_ns=start + 10**9, provider="gcp.gemini", request_model="gemini-2.5-pro",
            status="exact", amount=femto(usd), usage={"input": 1000, "output": 100}, tags=tags,
        )  # fmt: skip

    with Ledger(tmp_path) as opened:
        opened.add(
            [
                row("1", "0.01", 0, session="s", stage="plan", team="search", own={"phase": "1"}),
                row("2", "0.02", 0, session="s", stage="write", own={"phase": "2"}),
                row("3", "0.04", 1, session="s", stage="write", own={"phase": "2"}),
                row("4", "0.08", 1, team="search"),
            ]
        )
    SessionLog(tmp_path).keep(
        SessionRecord("s", NOON, NOON + 5 * 10**9, status="completed", stages={"plan": 1.5, "write": 3.0})
    )
    return tmp_path


def test_totals_and_reports_over_days(ledger: Path) -> None:
    assert o.totals(directory=ledger).cost == Decimal("0.15")
    assert o.totals("2026-11-19", directory=ledger, team="search").cost == Decimal("0.08")
    assert o.totals(directory=ledger, provider="gemini").calls == 4
    stages = o.report("all", by="stage,day", directory=ledger, session="s").rows
    assert [(row.keys, row.cost) for row in stages] == [
        (("write", "2026-11-18"), Decimal("0.02")),
        (("plan", "2026-11-18"), Decimal("0.01")),
        (("write", "2026-11-19"), Decimal("0.04")),
    ]
    phases = o.report("all", by=("tag:phase",), directory=ledger, tags={"phase": "2"}).rows
    assert [(row.keys, row.cost) for row in phases] == [(("2",), Decimal("0.06"))]


def test_calls_in_order(ledger: Path) -> None:
    assert [row.key for row in o.calls(order="dearest", limit=2, directory=ledger)] == ["4", "3"]
    assert [row.key for row in o.calls(limit=-1, directory=ledger, stage="pl*")] == ["1"]


def test_sessions_with_their_stages_and_a_comparison(ledger: Path) -> None:
    (one,) = o.session_list(directory=ledger, against="gpt-5")
    assert (one.status, one.wall_s, one.stage_wall_s("plan"), one.stage_wall_s("none")) == (
        "completed", 5.0, 1.5, None,
    )  # fmt: skip
    assert one.costs.sums.cost == Decimal("0.07")
    assert one.compared is not None
    assert one.compared.would_cost == 3 * femto("0.00225")  # 1,000 at $1.25 and 100 at $10 a million
    assert one.stages_compared["write"].saved == 2 * femto("0.00225") - femto("0.06")
    assert o.session_metrics("s", directory=ledger) is not None
    assert o.session_metrics("none", directory=ledger) is None


def test_savings_of_a_selection_and_by_groups(ledger: Path) -> None:
    assert o.savings("gpt-5", "all", directory=ledger, session="s").saved == 3 * femto("0.00225") - femto(
        "0.07"
    )
    by_phase = o.savings_by("tag:phase", "gpt-5", "all", directory=ledger)
    assert {phase: saved.paid for phase, saved in by_phase.items()} == {
        "1": femto("0.01"), "2": femto("0.06"), "": femto("0.08"),
    }  # fmt: skip
    by_team = o.savings_by("team", "gpt-5", "all", directory=ledger)
    assert by_team["search"].paid == femto("0.09")


def test_mistakes_name_what_is_allowed(ledger: Path) -> None:
    with pytest.raises(ConfigurationError, match="feature, host, model"):
        o.totals(directory=ledger, teem="x")  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="2026-11-01"):
        o.report("nonsense", directory=ledger)
    with pytest.raises(ConfigurationError, match="tag:NAME"):
        o.savings_by("colour", "gpt-5", directory=ledger)


def test_every_public_name_is_there() -> None:
    for name in o.__all__:
        assert getattr(o, name) is not None
    assert callable(o.savings)
    assert callable(o.report)

"""Amounts by hand from the published prices of gpt-5: $1.25 / $10 per million tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.call import EXACT, REPORTED, UNPRICED, Tags
from otel_llmcost.cli import main
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.money import femto

NOV_20 = 1_795_132_800 * 10**9


def row(key: str, model: str, usd: str | None, source: str, **usage: int) -> LedgerRow:
    return LedgerRow(
        key=key,
        start_ns=NOV_20,
        end_ns=NOV_20 + 10**9,
        provider="local",
        operation="chat",
        response_model=model,
        usage=usage,
        status=UNPRICED if usd is None else EXACT,
        amount=None if usd is None else femto(usd),
        tags=Tags(source=source),
    )


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OTEL_LLMCOST_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    with Ledger(tmp_path) as opened:
        opened.add(
            [
                row("k1", "llama", "0.0001", "web", input=1_000, output=100),
                row("k2", "llama", "0", "cron", input=2_000),
                row("k3", "qwen", None, "cron", input=1_000),
            ]
        )
    return tmp_path


def savings(ledger: Path, *arguments: str) -> str:
    result = CliRunner().invoke(
        main, ["savings", "2026-11", "--ledger", str(ledger), "--against", "gpt-5", *arguments]
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_json_has_exact_amounts_by_group(ledger: Path) -> None:
    answer = json.loads(savings(ledger, "--by", "source", "--json"))
    assert answer["against"] == "openai/gpt-5"
    rows = {each["source"]: each for each in answer["rows"]}
    assert (rows["web"]["paid_usd"], rows["web"]["would_cost_usd"]) == ("0.0001", "0.00225")
    assert rows["web"]["saved_usd"] == "0.00215"
    assert (rows["cron"]["compared_calls"], rows["cron"]["calls_of_unknown_cost"]) == (1, 1)
    assert rows["cron"]["would_cost_of_those_usd"] == "0.00125"
    assert answer["total"]["saved_usd"] == "0.00465"


def test_the_table_says_what_was_left_out(ledger: Path) -> None:
    shown = savings(ledger)
    assert "the same tokens at openai/gpt-5" in shown
    assert "$0.00465" in shown
    assert "left out: 1 call of unknown cost, which there would cost $0.00125" in shown


def test_a_group_of_which_nothing_could_be_compared_has_no_amounts(ledger: Path) -> None:
    lines = [line.split() for line in savings(ledger).splitlines()]
    assert ["qwen", "-", "-", "-"] in lines
    assert ["total", "2", "$0.0001", "$0.00475", "$0.00465", "97%"] in lines
    assert ["total", "-", "-", "-"] in [
        line.split() for line in savings(ledger, "--model", "qwen").splitlines()
    ]


def test_paid_and_saved_add_up_to_what_it_would_cost(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        opened.add([row("k4", "opus", "21.266666473", "dear", input=57_608)])
    lines = [line.split() for line in savings(ledger).splitlines()]
    assert ["opus", "1", "$21.26666647", "$0.07201", "-$21.19465647", "would", "save", "99%"] in lines


def test_words_say_which_model_is_cheaper(ledger: Path) -> None:
    assert "openai/gpt-5 would have been $0.00465 dearer" in savings(ledger)
    with Ledger(ledger) as opened:
        opened.add([row("k4", "opus", "1", "dear", input=1_000)])
    assert "openai/gpt-5 would have been $0.99875 cheaper" in savings(ledger, "--source", "dear")


def test_a_cost_that_cannot_be_split_is_told(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        odd = row("k4", "opus", "1", "odd", input=1_000, web_search=1)
        odd.status, odd.components = REPORTED, {"units": femto("1")}
        opened.add([odd])
    shown = savings(ledger, "--source", "odd")
    assert "left out: 1 call whose reported cost cannot be split into tokens and fees" in shown
    assert "paid besides, for fees and what is left out: $1.00" in shown
    assert json.loads(savings(ledger, "--source", "odd", "--json"))["total"]["paid_besides_usd"] == "1"


def test_csv_and_filters(ledger: Path) -> None:
    lines = savings(ledger, "--source", "web", "--csv").splitlines()
    assert lines[0].startswith("model,compared_calls,paid_usd,would_cost_usd,saved_usd")
    assert lines[1].startswith("llama,1,0.0001,0.00225,0.00215")
    assert len(lines) == 2


def test_a_loss_is_a_negative_number(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        opened.add([row("k4", "opus", "1", "dear", input=1_000)])
    assert (
        savings(ledger, "--source", "dear", "--csv").splitlines()[1].startswith("opus,1,1,0.00125,-0.99875,")
    )


def test_an_unknown_model_is_one_line(ledger: Path) -> None:
    result = CliRunner().invoke(main, ["savings", "--ledger", str(ledger), "--against", "gpt-99"])
    assert result.exit_code == 1
    assert "no price for model 'gpt-99'" in result.output
    assert "Traceback" not in result.output


def test_own_tags_are_groups_too(ledger: Path) -> None:
    answer = json.loads(savings(ledger, "--by", "tag:tenant", "--json"))
    assert [(row["tag:tenant"], row["compared_calls"]) for row in answer["rows"]] == [("", 2)]


@pytest.mark.parametrize("by", ["tenant", "tag:", ""])
def test_a_group_that_there_is_not_is_named(ledger: Path, by: str) -> None:
    result = CliRunner().invoke(main, ["savings", "--ledger", str(ledger), "--against", "gpt-5", "--by", by])
    assert result.exit_code == 2
    assert f"cannot group by this (got {by!r}); allowed: model, provider, source" in result.output

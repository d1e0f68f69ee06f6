"""Answers that command neither a terminal nor a spreadsheet, whoever named the model."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.call import Tags
from otel_llmcost.cli import main
from otel_llmcost.cli.harmless import printable
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger


def run(directory: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments, "--ledger", str(directory)])
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "start",
    [
        "=1", "+1", "-1+1", "@x", "\tx", "\rx", "\nx", " =1", "  \t=1", " \r=1", "\n @x", "\ufeff=1", "\u200b+1",
        "\u00a0=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", " \uff1d1", "\ufe661",
    ],
)  # fmt: skip
def test_cells_that_begin_like_formulas_are_neutralised(tmp_path: Path, start: str) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add([LedgerRow("a", request_model=start, status="exact", amount=-5)])
    [row] = csv.DictReader(io.StringIO(run(tmp_path, "calls", "--csv"), newline=""))
    assert row["request_model"] == f"'{start}".replace("\r", " ")
    assert row["cost"] == "-0.000000000000005"


@pytest.mark.parametrize("name", ["-1.5", "gpt-5", " gpt", "a=b", "größer ☃", "1+1"])
def test_other_cells_are_left_as_they_are(tmp_path: Path, name: str) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add([LedgerRow("a", request_model=name, status="exact", amount=1)])
    [row] = csv.DictReader(io.StringIO(run(tmp_path, "calls", "--csv"), newline=""))
    assert row["request_model"] == name


def test_no_answer_has_a_control_character(tmp_path: Path) -> None:
    name = "gpt\x1b[2J\x07\x7f\x9b31m\x00"
    with Ledger(tmp_path) as ledger:
        tags = Tags(source=name, session=name, stage=name)
        ledger.add(
            [
                LedgerRow("a", request_model=name, status="unpriced", reasons=(f"no-price: {name}",), tags=tags),
                LedgerRow("b", request_model=name, status="exact", amount=1, error_type=name, tags=tags),
            ]
        )  # fmt: skip
    for command in (
        ["calls"],
        ["report", "all", "--by", "model,source"],
        ["sessions"],
        ["savings", "all", "--against", "gpt-5"],
    ):
        for form in ([], ["--csv"], ["--json"]):
            said = run(tmp_path, *command, *form)
            assert "gpt" in said
            assert all(letter.isprintable() or letter == "\n" for letter in said), (command, form)
    [first, *_] = json.loads(run(tmp_path, "calls", "--json"))
    assert first["request_model"] == name
    refused = CliRunner().invoke(main, ["prices", "show", name])
    assert (
        refused.stderr
        == "otel-llmcost: gpt\ufffd[2J\ufffd\ufffd\ufffd31m\ufffd is in no price list at that time\n"
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\U0001f469\u200d\U0001f467 family", "\U0001f469\u200d\U0001f467 family"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("gpt\u200d-5", "gpt\ufffd-5"),  # would look like another model
        ("\u200dx", "\ufffdx"),
        ("é\u200d", "é\ufffd"),
        ("é \u200dé", "é \ufffdé"),
        ("é\u200d\u200dé", "é\ufffd\ufffdé"),
        ("é\u202eé", "é\ufffdé"),  # would turn what follows around
        ("é\u2066é", "é\ufffdé"),
    ],
)
def test_joiners_stay_where_a_script_needs_them_and_nothing_else_does(name: str, shown: str) -> None:
    assert printable(name) == shown

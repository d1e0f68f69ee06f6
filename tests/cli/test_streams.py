"""What commands do with a standard output that lacks letters or room."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_llmcost.call import EXACT, Tags
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger

COMMAND = str(Path(sys.executable).with_name("otel-llmcost"))
NAME = "caf\u00e9 \u65e5\u672c \U0001f600"
ENCODINGS = [
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    with Ledger(tmp_path / "ledger") as ledger:
        row = LedgerRow("k", 1, 2, provider="openai", request_model=NAME, status=EXACT, amount=10**12)
        row.tags = Tags(source=NAME, session=NAME)
        ledger.add([row])
    clean = {
        name: text for name, text in os.environ.items() if not name.startswith(("OTEL_", "LC_", "PYTHON"))
    }
    return clean | {"OTEL_LLMCOST_LEDGER": str(tmp_path / "ledger"), "HOME": str(tmp_path)}


def said(environ: dict[str, str], *arguments: str) -> bytes:
    ended = subprocess.run([COMMAND, *arguments], env=environ, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b""), ended.stderr
    return ended.stdout


@pytest.mark.parametrize("encoding", ENCODINGS, ids=["latin-1", "posix"])
def test_letters_that_the_encoding_lacks_are_no_failure(
    environ: dict[str, str], encoding: dict[str, str]
) -> None:
    environ |= encoding
    for command in ("report", "calls", "sessions"):
        assert b"caf" in said(environ, command, "all"), command
        assert NAME in json.dumps(json.loads(said(environ, command, "all", "--json")), ensure_ascii=False)
        cells = [
            cell
            for line in csv.reader(said(environ, command, "all", "--csv").decode().splitlines())
            for cell in line
        ]
        assert NAME in cells


@pytest.mark.parametrize(
    "arguments", [["report"], ["calls", "--json"], ["prices", "list", "--csv"], ["--version"]]
)
def test_a_full_disk_is_one_line(environ: dict[str, str], arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [COMMAND, *arguments], env=environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr == "otel-llmcost: standard output: No space left on device\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "99999w"],
        ["report", "0001-01-01..2026-11-01"],
        ["calls", "0001-01-01..9999-12-30"],
        ["sessions", "--since", "0001-01-01"],
        ["prune", "--older-than", "700000"],
    ],
)
def test_ranges_beyond_what_the_database_counts(environ: dict[str, str], arguments: list[str]) -> None:
    assert said(environ, *arguments)

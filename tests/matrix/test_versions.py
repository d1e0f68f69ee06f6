"""Every way of calling, at the lowest, a middle and the newest SDK versions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .environments import ROOT, alone
from .results import ENVIRONMENTS, RESULTS, interpreter, kept, locked
from .table import column, page

pytestmark = pytest.mark.matrix


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_way_of_calling(name: str, tmp_path: Path) -> None:
    python = interpreter(name)
    done = subprocess.run(
        [python, "-m", "tests.matrix.conformance", "--json", RESULTS / f"{name}.json"],
        cwd=ROOT,
        env=alone(HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-20_000:]
    cells = kept(name)["cells"]
    assert len(cells) > 400
    assert sum(cell["result"] == "ok" for cell in cells) > 250


def test_a_cell_that_did_not_run_says_so() -> None:
    never = page([column(None, {"openai": "1.2.3", "anthropic": "4.5.6"})], {})
    assert "| way | 1.2.3 |" in never
    assert "| way | 4.5.6 |" in never
    assert "| chat.completions: create | not run |" in never
    one = {"sdk": "openai", "way": "chat.completions: create", "mode": "sync", "result": "ok"}
    ran = {"openai": "1.2.3", "anthropic": "4.5.6"}
    only_sync = column({"versions": ran, "cells": [one]}, {})
    assert "| chat.completions: create | not run |" in page([only_sync], {})
    both = column({"versions": ran, "cells": [one, {**one, "mode": "async"}]}, {})
    assert "| way | 1.2.3 |" in page([both], {})
    assert "| chat.completions: create | ok |" in page([both], {})


def test_the_locked_versions_are_the_heads_of_the_columns() -> None:
    found = [locked(name) for name in ENVIRONMENTS]
    assert [one["openai"].split(".")[0] for one in found] == ["1", "2", "3"]
    assert [one["anthropic"].split(".")[0] for one in found] == ["0", "1", "2"]

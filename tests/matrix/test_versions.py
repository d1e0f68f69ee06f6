"""Every way of calling, at the lowest, a middle and the newest SDK versions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .environments import ROOT, alone
from .results import ENVIRONMENTS, RESULTS, interpreter, kept
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
    said = page([column("matrix-lowest", None)], {})
    assert "| chat.completions: create | not run |" in said
    one = {"sdk": "openai", "way": "chat.completions: create", "mode": "sync", "result": "ok"}
    only_sync = column("x", {"versions": {"openai": "1.2.3"}, "cells": [one]})
    assert "| chat.completions: create | not run |" in page([only_sync], {})
    both = column("x", {"versions": {"openai": "1.2.3"}, "cells": [one, {**one, "mode": "async"}]})
    assert "| way | 1.2.3 |" in page([both], {})
    assert "| chat.completions: create | ok |" in page([both], {})

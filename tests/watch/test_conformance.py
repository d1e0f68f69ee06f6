"""The conformance suite at the installed SDK versions, on the surfaces that are used most (all of it: `make matrix`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..matrix.conformance.catalogue import WAYS
from ..matrix.environments import ROOT, alone

SURFACES = ("chat.completions stream", "messages")
TITLES = [way.title for way in WAYS if way.group in SURFACES]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    folder: Path = tmp_path_factory.mktemp("conformance")
    done = subprocess.run(
        [sys.executable, "-m", "tests.matrix.conformance", "--json", folder / "cells.json"]
        + [part for surface in SURFACES for part in ("--surface", surface)],
        cwd=ROOT,
        env=alone(HOME=str(folder)),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found = json.loads((folder / "cells.json").read_text(encoding="utf-8"))["cells"]
    return {(cell["way"], cell["mode"]): cell for cell in found}


@pytest.mark.parametrize("title", TITLES)
def test_way(title: str, cells: dict[tuple[str, str], Any]) -> None:
    found = [cell for (way, _), cell in cells.items() if way == title]
    assert found
    assert [cell["problems"] for cell in found if cell["result"] != "ok"] == []

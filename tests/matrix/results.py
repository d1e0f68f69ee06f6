"""What ran this time, from one process to the page that is published."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from .environments import ROOT, NotMade, python_of
from .processes import PROGRAMS
from .table import NOT_RUN, column, page

ENVIRONMENTS = ("matrix-lowest", "matrix-middle", "matrix-newest")
RESULTS = ROOT / ".cache" / "matrix"
PAGE = ROOT / "docs" / "matrix.md"
IN_CI = bool(os.environ.get("CI"))


def kept(name: str) -> Any:
    """The results of an environment, or of the programs; None where nothing ran."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def locked(name: str) -> dict[str, str]:
    """Distribution -> version, as `constraints/<name>.txt` locks them."""
    lines = (ROOT / "constraints" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pinned = (line.partition(" ;")[0].partition("==") for line in lines if not line.startswith("#"))
    return {package: version for package, _, version in pinned}


def keep_program(name: str) -> None:
    """The program `name` did what it should."""
    found = {**(kept("processes") or {}), name: "ok"}
    (RESULTS / "processes.json").write_text(json.dumps(found), encoding="utf-8")


def forget(names: Iterable[str]) -> None:
    """These environments and programs run anew."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    names = set(names)
    for name in names.intersection(ENVIRONMENTS):
        (RESULTS / f"{name}.json").unlink(missing_ok=True)
    programs = {name: result for name, result in (kept("processes") or {}).items() if name not in names}
    (RESULTS / "processes.json").write_text(json.dumps(programs), encoding="utf-8")


def publish() -> str:
    """Write the page from what ran; gives it back without its head, where "not run" would be a cell."""
    columns = [column(kept(name), locked(name)) for name in ENVIRONMENTS]
    ran = kept("processes") or {}
    text = page(columns, {name: ran.get(name, NOT_RUN) for name in PROGRAMS})
    PAGE.write_text(text, encoding="utf-8")
    return text.partition("## openai")[2]


def interpreter(name: str) -> Path:
    """The environment's Python; where it cannot be made, that is a visible skip, and a failure in CI."""
    try:
        return python_of(name)
    except NotMade as reason:
        if IN_CI:
            raise
        pytest.skip(f"{NOT_RUN}: {reason}")

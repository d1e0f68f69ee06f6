"""Every way of calling, at the lowest, a middle and the newest SDK versions."""

from __future__ import annotations

import subprocess
from functools import partial

import pytest

from .ahead import Ahead
from .conformance.catalogue import WAYS
from .conftest import chosen
from .environments import ROOT, alone
from .results import ENVIRONMENTS, RESULTS, interpreter, kept, locked
from .table import column, page

pytestmark = pytest.mark.matrix


@pytest.fixture(scope="module")
def suites(request: pytest.FixtureRequest, ahead: Ahead, tmp_path_factory: pytest.TempPathFactory) -> Suites:
    made = Suites(ahead, tmp_path_factory)
    for name in chosen(request) & set(ENVIRONMENTS):
        ahead.begin(name, partial(made.start, name))
    return made


class Suites:
    """The conformance suite in each environment, run once."""

    def __init__(self, ahead: Ahead, folders: pytest.TempPathFactory) -> None:
        self._ahead, self._folders = ahead, folders

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        return self._ahead.result(name, partial(self.start, name))

    def start(self, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [interpreter(name), "-m", "tests.matrix.conformance", "--json", RESULTS / f"{name}.json"],
            cwd=ROOT,
            env=alone(HOME=str(self._folders.mktemp(name))),
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_way_of_calling(name: str, suites: Suites) -> None:
    done = suites.run(name)
    assert done.returncode == 0, done.stderr[-20_000:]
    cells = kept(name)["cells"]
    assert len(cells) == sum(len(way.modes) for way in WAYS)
    assert sum(cell["result"] == "ok" for cell in cells) > 0.6 * len(cells)


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

"""`.ci/run` over targets that only say their names: order, closing lines, and that a failure stops it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / ".ci" / "run"
STEPS = ("check", "demo", "versions", "backends", "e2e")


@pytest.fixture
def checkout(tmp_path):
    """A checkout with every part; `make NAME` says its name and a closing line, `make fails` ends with 1."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(RUN, tmp_path / ".ci" / "run")
    for part in ("tests/e2e", "scripts"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "scripts" / "backends.sh").touch()
    rules = [f"{name}:\n\t@echo this is {name}, CI is $$CI\n\t@echo 3 passed in 1.50s\n" for name in STEPS]
    (tmp_path / "Makefile").write_text("".join(rules))
    return tmp_path


def ci(checkout):
    return subprocess.run([checkout / ".ci" / "run"], capture_output=True, text=True, cwd="/", timeout=60)


def test_every_target_runs_in_order_and_closing_lines_stand_last(checkout):
    ended = ci(checkout)
    assert ended.returncode == 0, ended.stderr
    said = [line.split(",")[0] for line in ended.stdout.splitlines() if line.startswith("this is")]
    assert said == [f"this is {name}" for name in STEPS]
    assert "CI is true" in ended.stdout
    assert ended.stdout.partition("closing lines")[2].split("\n")[1:] == ["3 passed in 1.50s"] * len(
        STEPS
    ) + [""]


def test_a_part_that_is_not_there_is_named(checkout):
    (checkout / "tests" / "e2e").rmdir()
    ended = ci(checkout)
    assert ended.returncode == 0
    assert "make e2e: left out, tests/e2e is not here" in ended.stdout
    assert "this is e2e" not in ended.stdout


def test_a_failure_stops_it(checkout):
    makefile = checkout / "Makefile"
    makefile.write_text(makefile.read_text().replace("@echo this is demo, CI is $$CI", "@false"))
    ended = ci(checkout)
    assert ended.returncode != 0
    assert "this is check" in ended.stdout
    assert "this is backends" not in ended.stdout

"""The project's own files agree with each other."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from click import Context

from otel_llmcost.cli import main

ROOT = Path(__file__).parents[2]
LOCKED = re.compile(r"([a-z0-9-]+)==[0-9][a-z0-9.]*( ; .+)?")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name: str) -> set[str]:
    """The names of a file of locked versions."""
    lines = [line for line in (ROOT / "constraints" / name).read_text().splitlines() if line[:1] != "#"]
    return {LOCKED.fullmatch(line)[1] for line in lines}


def wanted(requirements: list[str]) -> set[str]:
    return {re.match(r"[A-Za-z0-9-]+", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("name", ["core.txt", "dev.txt"])
def test_locked_versions_name_no_host(name):
    text = (ROOT / "constraints" / name).read_text()
    assert "//" not in text
    assert "--" not in text
    assert locked(name) >= wanted(PROJECT["project"]["dependencies"])


def test_everything_that_development_needs_is_locked():
    groups = PROJECT["dependency-groups"]
    named = [entry for group in groups.values() for entry in group if isinstance(entry, str)]
    assert locked("dev.txt") >= wanted([*named, *PROJECT["project"]["optional-dependencies"]["demo"]])


def test_neither_sdk_is_a_dependency_of_the_core():
    assert not {"openai", "anthropic"} & locked("core.txt")


def test_ci_and_readme_name_only_targets_that_exist():
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    ci = set(re.findall(r"^(?:step|part) ([a-z0-9]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))
    readme = set(re.findall(r"`make ([a-z0-9]+)`", (ROOT / "README.md").read_text()))
    assert ci
    assert ci <= targets
    assert readme <= targets


def shell_scripts() -> list[Path]:
    return sorted([*(ROOT / "scripts").glob("*.sh"), ROOT / ".ci" / "run"])


@pytest.mark.parametrize("script", shell_scripts(), ids=lambda script: script.name)
def test_shell_scripts_parse_stop_at_errors_and_are_executable(script):
    subprocess.run(["bash", "-n", script], check=True)
    assert re.search(r"^set -eu", script.read_text(), re.MULTILINE)
    assert script.stat().st_mode & 0o111


def test_the_page_of_the_command_line_lists_every_command():
    table = (ROOT / "docs" / "cli.md").read_text().partition("## run")[0]
    listed = {
        name
        for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
        for name in re.findall(r"`([a-z-]+)`", row)
    }
    assert listed == set(main.list_commands(Context(main)))


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if "//" not in target and not (page.parent / target).exists()]
    assert missing == []

"""The project's own files agree with each other."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Command, Context, Group

from otel_llmcost import semconv
from otel_llmcost.cli import main
from otel_llmcost.reports import GROUPS
from otel_llmcost.setting_names import TABLES, TOP, VARIABLES

ROOT = Path(__file__).parents[2]
LOCKED = re.compile(r"([a-z0-9-]+)==[0-9][a-z0-9.]*( ; .+)?")
INIT = ROOT / "src" / "otel_llmcost" / "cli" / "otel-llmcost.toml"
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


def _options(command: Command, path: str) -> Iterator[tuple[str, str]]:
    """(command, long option) of a command and of those below it."""
    for option in command.params:
        if not getattr(option, "hidden", False):
            yield from ((path, name) for name in option.opts if name.startswith("--"))
    if isinstance(command, Group):
        context = Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _options(below, f"{path} {name}".strip())


def test_the_page_of_the_command_line_names_every_option():
    told = set(re.findall(r"--[a-z0-9-]+", (ROOT / "docs" / "cli.md").read_text()))
    assert [found for found in _options(main, "") if found[1] not in told] == []


def documentation() -> str:
    return "\n".join(page.read_text() for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")])


def test_the_documentation_names_every_attribute_and_metric_of_ours():
    ours = [value for value in vars(semconv).values() if str(value).startswith(("llmcost.", "llm."))]
    assert [name for name in ours if f"`{name}" not in documentation()] == []


def test_every_setting_is_in_the_page_and_in_the_file_and_no_other():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert set(re.findall(r"OTEL_LLMCOST_([A-Z_]+)", page)) == VARIABLES
    template = tomllib.loads(re.sub(r"^#(?! )", "", INIT.read_text(), flags=re.MULTILINE))
    for table, keys in TABLES.items():
        assert {key for key in keys if f"`{table}.{key}`" not in page} == set()
        assert template[table].keys() == keys
    assert template.keys() <= TOP


def test_every_grouping_of_reports_is_in_the_page_of_the_ledger():
    page = (ROOT / "docs" / "ledger.md").read_text()
    assert [name for name in GROUPS if f"`{name}`" not in page] == []


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if "//" not in target and not (page.parent / target).exists()]
    assert missing == []

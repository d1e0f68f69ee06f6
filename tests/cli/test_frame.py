from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from otel_llmcost import cli
from otel_llmcost.errors import ConfigurationError, LedgerError
from otel_llmcost.version import __version__


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.main, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_the_overview_names_each_command_that_there_is() -> None:
    code, out, _ = invoke()
    assert code == 0
    assert out == invoke("--help")[1]
    for name in ("report", "calls", "prune", "sessions", "run", "doctor"):
        assert f"\n  {name} " in out


def test_version() -> None:
    assert invoke("--version") == (0, f"otel-llmcost, version {__version__}\n", "")


def test_every_command_that_there_is_can_be_loaded_and_explains_itself() -> None:
    names = cli.main.list_commands(click.Context(cli.main))
    assert {"report", "calls"} <= set(names)
    assert names == list(cli.COMMANDS)
    for name in names:
        code, out, err = invoke(name, "--help")
        assert (code, err) == (0, ""), name
        assert out.startswith(f"Usage: otel-llmcost {name} "), name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "No such command 'nothing'."),
        (["repor"], "No such command 'repor'. Did you mean 'report'?"),
        (["prices", "shwo"], "No such command 'shwo'. Did you mean 'show'?"),
        (["report", "--json", "--csv"], "give either --json or --csv, not both"),
        (["calls", "--failed", "--ok"], "give either --failed or --ok, not both"),
        (["calls", "--dearest", "--slowest"], "give either --dearest or --slowest, not both"),
        (["report", "--by", "tag:"], "cannot group by this (got 'tag:')"),
        (["report", "--nothing"], "No such option"),
        (["report", "today", "--since", "7d"], "either a range or --since"),
        (["report", "--tag", "alone"], "--tag wants NAME=VALUE"),
        (["calls", "--min-cost", "much"], "'much' is no amount in USD"),
        (["calls", "--min-cost", "NaN"], "is no amount in USD"),
        (["calls", "--status", "fine"], "'fine' is not one of"),
        (["report", "--tz", "Europe/Atlantis"], "no such time zone"),
        (["report", "soon"], "no such time"),
        (["report", "2026-11-24..2026-11-20"], "ends before it begins (got '2026-11-24..2026-11-20')"),
        (["report", "2026-11-20..2026-11-19"], "the earlier time first"),
        (["calls", "--since", "2026-11-24", "--until", "2026-11-20"], "'2026-11-24..2026-11-20'"),
        (["prune", "--older-than", "3", "--before", "today"], "either --older-than or --before"),
        (["calls", "-n", "0"], "0 shows nothing; give 1 or more, or -1 for all"),
        (["sessions", "--limit", "0"], "0 shows nothing; give 1 or more, or -1 for all"),
        (["run", "--no-sumary", "--", "ls"], "No such option"),
        (
            ["estimate", "--model", "gpt-5", "--tokens", "100", "x"],
            "give the prompt once, not as TEXT and --tokens",
        ),
        (["estimate", "--model", "gpt-5"], "give the prompt as TEXT, with --file, or its --tokens"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(arguments: list[str], said: str) -> None:
    code, out, err = invoke(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("otel-llmcost: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("group", ["budget", "prices"])
def test_a_group_without_its_command_explains_itself(group: str) -> None:
    code, out, err = invoke(group)
    explained = invoke(group, "--help")[1]
    assert (code, out, err) in ((2, "", explained), (0, explained, ""))  # click 8.2 and later, earlier
    assert "\nCommands:\n" in explained


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (LedgerError("it is\nlocked"), 1),
        (ConfigurationError("wrong", file="a.toml", line=3), 1),
        (ConfigurationError("wrong", value="x"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_failures_are_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: int
) -> None:
    @click.command()
    def broken() -> None:
        raise failure

    monkeypatch.setattr(importlib.import_module("otel_llmcost.cli.report"), "command", broken)
    found, out, err = invoke("report")
    assert (found, out) == (code, "")
    assert err.strip().count("\n") == 0
    assert "Traceback" not in err


def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    program = "import sys; from otel_llmcost.cli import main; sys.argv[1:] = ['--help']; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) in (0, 1)


def test_importing_the_package_loads_no_command_line_and_the_frame_loads_no_command() -> None:
    program = """
import sys
import otel_llmcost
assert not [name for name in sys.modules if name.startswith(("otel_llmcost.cli", "click", "rich"))]
import otel_llmcost.cli
heavy = ("otel_llmcost.cli.", "rich", "opentelemetry.sdk", "sqlite3")
assert {name for name in sys.modules if name.startswith(heavy)} == {"otel_llmcost.cli.streams"}
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

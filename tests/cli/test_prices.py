"""`otel-llmcost prices show`: rows as a person reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from otel_llmcost.cli import main


@pytest.fixture(autouse=True)
def nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path_factory.mktemp("nowhere")
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place))
    monkeypatch.setenv("XDG_STATE_HOME", str(place))
    monkeypatch.delenv("OTEL_LLMCOST_CONFIG", raising=False)


def show(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["prices", "show", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("model", ["gpt-5", "gpt-4o", "gpt-image-1-mini"])
@pytest.mark.parametrize("options", [(), ("--all",)])
def test_a_row_is_shown_once_however_its_provider_is_called(model: str, options: tuple[str, ...]) -> None:
    rows = [json.dumps(row) for row in json.loads(show(model, "--json", *options))]
    assert any("azure.ai.openai" in row for row in rows)
    assert len(rows) == len(set(rows))


def test_a_free_model_is_called_free() -> None:
    lines = show("omni-moderation-latest").splitlines()
    assert lines[0].startswith("openai moderation  standard")
    assert lines[1] == "free"
    assert lines[2].startswith("https://")


def test_rates_of_hours_name_their_hours() -> None:
    lines = show("deepseek/deepseek-v4-pro", "--time", "2026-11-23").splitlines()
    peak = "09:00-12:00, 14:00-18:00 mon-fri Asia/Shanghai, except 6 holidays"
    assert [line.split(peak)[1].split() for line in lines if f" input {peak} " in line] == [
        ["1.32", "1M", "tokens"]
    ]
    assert " hours 1" not in "\n".join(lines)


def test_a_provider_that_nobody_knows_is_told() -> None:
    asked = CliRunner().invoke(main, ["prices", "list", "--provider", "nobody", "--json"])
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr == "otel-llmcost: no provider 'nobody' is in the price list\n"
    assert "gpt-5-nano" in CliRunner().invoke(main, ["prices", "list", "--provider", "openai"]).output


def test_check_counts_the_rows_of_a_file(tmp_path: Path) -> None:
    page = tmp_path / "own.toml"
    row = '[[row]]\nprovider = "openai"\nmodel = "gpt-5"\nrates = {{ input = "{}" }}\n'
    page.write_text(row.format("1") + row.format("2").replace("gpt-5", "gpt-5-mini"))
    checked = CliRunner().invoke(main, ["prices", "check", str(page)])
    assert (checked.exit_code, checked.output.strip().endswith(", 2 in own.toml")) == (0, True), (
        checked.output
    )


OWN = """
[[prices.row]]
provider = "local"
model = "qwen3-coder"
gpu_hour = "1.80"
[[prices.row]]
provider = "local"
model = "gift"
free = true
[[prices.row]]
provider = "acme"
model = "reserved"
committed = true
[[prices.row]]
provider = "openai"
model = "gpt-5-house"
rates = { input = "1" }
"""


@pytest.fixture
def own(nowhere: None) -> None:
    Path("otel-llmcost.toml").write_text(OWN)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("qwen3-coder", "gpu_hour 1.8 hour of a call"),
        ("gift", "free"),
        ("reserved", "committed: capacity bought beforehand has no price per call"),
    ],
)
@pytest.mark.usefixtures("own")
def test_every_kind_of_own_row_shows_its_price(model: str, told: str) -> None:
    lines = [" ".join(line.split()) for line in show(model).splitlines()]
    assert told in lines
    assert lines[-1] == "your own row"


def listed(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["prices", "list", *arguments])


@pytest.mark.usefixtures("own")
def test_own_rows_are_listed_whatever_their_kind_and_provider() -> None:
    def kinds(*arguments: str) -> dict[str, str]:
        return {row["model"]: row["otherwise"] for row in json.loads(listed(*arguments, "--json").output)}

    assert kinds("--provider", "local") == {"gift": "free", "qwen3-coder": "1.8 an hour of a call"}
    assert kinds("--provider", "acme") == {"reserved": "committed"}
    assert kinds("--match", "5-house") == {"gpt-5-house": ""}
    assert {"gift", "reserved", "gpt-5-house", "gpt-5"} <= kinds().keys()
    assert "1.8 an hour of a call" in listed("--provider", "local").output
    assert "otherwise" not in listed("--match", "5-house").output


@pytest.mark.parametrize("options", [(), ("--json",), ("--csv",), ("--provider", "openai")])
def test_a_list_that_nothing_matches_says_so(options: tuple[str, ...]) -> None:
    asked = listed("--match", "zzz", *options)
    assert (asked.exit_code, asked.stdout) == (1, "")
    where = " of openai" if options[:1] == ("--provider",) else ""
    assert asked.stderr.startswith(f"otel-llmcost: nothing matches 'zzz' in the price list{where}; remedy: ")


def test_the_overview_names_commands_that_there_are() -> None:
    overview = CliRunner().invoke(main, ["--help"]).output.split("The price book: ")[1].partition(".")[0]
    for name in overview.split(", "):
        assert CliRunner().invoke(main, ["prices", name, "--help"]).exit_code == 0, name

"""`otel-llmcost init`: the file changes nothing as it is, and every example in it is right."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost import config
from otel_llmcost.cli.diagnosis_of_data import configuration, prices
from otel_llmcost.cli.findings import BROKEN
from otel_llmcost.cli.init import command, settings_template
from otel_llmcost.config import Config, load_config

TABLES = {"ledger", "metrics", "people", "baggage", "prices"}
ROWS = {"row", "discount", "local_size"}
EXAMPLES = re.sub(r"^#(?=[^ \n])", "", settings_template(), flags=re.MULTILINE)


def broken(directory):
    made = load_config({"OTEL_LLMCOST_CONFIG": str(directory / "otel-llmcost.toml")}, directory)
    findings = [*configuration(made), *prices(made)]
    return [finding.text for finding in findings if finding.state == BROKEN]


def test_unedited_it_changes_nothing(tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text(settings_template())
    made, default = load_config({}, tmp_path), load_config({}, tmp_path / "elsewhere")
    made.document = None
    names = {*Config.__annotations__, *vars(made), *vars(default)}
    assert {"ledger_enabled", "metric_tags", "problems"} <= names
    assert {name: getattr(made, name) for name in names} == {name: getattr(default, name) for name in names}
    assert not any(tomllib.loads(settings_template()).values())


def test_every_example_is_understood(tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text(EXAMPLES)
    told = tomllib.loads(EXAMPLES)
    assert broken(tmp_path) == []
    assert set(told["budgets"]) == {"everything", "search"}
    assert told["prices"]["row"][0]["model"] == "house-model-7"


def _reading_calls(source):
    kinds = {"flag", "number", "text", "choice", "names", "fitting", "trusted"}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="read"), attr=kind)) if kind in kinds:
                yield node


def _keys(call):
    """The path of keys that a reading call asks for; names of variables are in capitals."""
    texts = [each.value for each in call.args if isinstance(each, ast.Constant)]
    return tuple(text for text in texts if isinstance(text, str) and re.fullmatch("[a-z_]+", text))


def test_every_setting_is_explained_and_every_explained_one_is_read():
    """The template and `config` name the same keys; tables of free names and of other rooms apart."""
    paths = {_keys(call) for call in _reading_calls(Path(config.__file__).read_text())} - {()}
    known = {path[-2:] if len(path) > 1 and path[-2] in TABLES else path[-1:] for path in paths}
    told = tomllib.loads(EXAMPLES)
    explained = {
        (key,) for key, value in told.items() if not isinstance(value, dict | list) or key == "dialects"
    }
    explained |= {(table, key) for table in TABLES for key in told[table] if key not in ROWS}
    assert explained == known


def test_examples_take_effect(tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text(EXAMPLES)
    made = load_config({}, tmp_path)
    assert made.tags == {"team": "search", "feature": "answers"}
    assert made.hosts["127.0.0.1:4000/anthropic"] == "anthropic"
    assert made.models == {"my-deployment": "openai/gpt-5-mini"}


@pytest.mark.parametrize(
    ("right", "wrong", "word"),
    [
        ('amount = "100.00"', 'amount = "lots"', "budgets.everything.amount"),
        ('percent = "12.5"', 'percent = "120"', "percent"),
        ('set = { feature = "search" }', "set = 5", "rules[0].set"),
        ('key_env = "ANTHROPIC_API_KEY"', "key = 1", "use_cases.coding.key"),
    ],
)
def test_a_mistake_in_any_table_is_found_with_its_place(tmp_path, right, wrong, word):
    text = EXAMPLES.replace(right, wrong, 1)
    number = text.splitlines().index(wrong) + 1
    (tmp_path / "otel-llmcost.toml").write_text(text)
    [problem] = broken(tmp_path)
    assert word in problem
    assert f"otel-llmcost.toml:{number}:" in problem


def test_the_command_writes_once(tmp_path):
    path = tmp_path / "otel-llmcost.toml"
    first = CliRunner().invoke(command, [str(tmp_path)])
    path.write_text("changed")
    second = CliRunner().invoke(command, [str(path)])
    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "--force" in second.output
    assert path.read_text() == "changed"

    assert CliRunner().invoke(command, [str(path), "--force"]).exit_code == 0
    assert path.read_text() == settings_template()


def test_a_place_that_is_not_there_is_one_line(tmp_path):
    ended = CliRunner().invoke(command, [str(tmp_path / "no" / "file.toml")])
    assert ended.exit_code == 1
    assert len(ended.output.splitlines()) == 1


def test_a_directory_that_is_not_there_is_no_file(tmp_path):
    ended = CliRunner().invoke(command, [f"{tmp_path}/new/"])
    assert (ended.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert f"{tmp_path}/new/ is no directory; remedy: mkdir -p {tmp_path}/new/" in ended.output
    (tmp_path / "new").mkdir()
    assert CliRunner().invoke(command, [f"{tmp_path}/new/"]).exit_code == 0
    assert (tmp_path / "new" / "otel-llmcost.toml").is_file()

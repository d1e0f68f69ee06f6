"""`otel-llmcost init`: the file changes nothing as it is, and every example in it is right."""

from __future__ import annotations

import re
import tomllib

import pytest
from click.testing import CliRunner

from otel_llmcost.cli.diagnosis_of_data import configuration, prices
from otel_llmcost.cli.findings import BROKEN
from otel_llmcost.cli.init import command, settings_template
from otel_llmcost.config import load_config

EXAMPLES = re.sub(r"^#(?=[^ \n])", "", settings_template(), flags=re.MULTILINE)


def broken(directory):
    config = load_config({"HOME": str(directory)}, directory)
    findings = [*configuration(config), *prices(config)]
    return [finding.text for finding in findings if finding.state == BROKEN]


def test_unedited_it_changes_nothing(tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text(settings_template())
    config, default = load_config({}, tmp_path), load_config({}, tmp_path / "elsewhere")
    config.document = None
    assert config == default
    assert not any(tomllib.loads(settings_template()).values())


def test_every_example_is_understood(tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text(EXAMPLES)
    told = tomllib.loads(EXAMPLES)
    assert broken(tmp_path) == []
    assert set(told["budgets"]) == {"everything", "search"}
    assert told["prices"]["row"][0]["model"] == "house-model-7"


def test_examples_take_effect(tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text(EXAMPLES)
    config = load_config({}, tmp_path)
    assert config.tags == {"team": "search", "feature": "answers"}
    assert config.hosts["127.0.0.1:4000/anthropic"] == "anthropic"
    assert config.models == {"my-deployment": "openai/gpt-5-mini"}


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

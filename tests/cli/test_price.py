"""`otel-llmcost price` by hand and as a filter. Rates of gpt-5: $1.25 / $0.125 cached / $10 per million."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from otel_llmcost.cli import main

BY_HAND = ["--provider", "openai", "--model", "gpt-5", "--time", "2026-11-22"]


@pytest.fixture(autouse=True)
def nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path_factory.mktemp("nowhere")
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place))
    monkeypatch.setenv("XDG_STATE_HOME", str(place))
    monkeypatch.delenv("OTEL_LLMCOST_CONFIG", raising=False)


def run(*arguments: str, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["price", *arguments], input=text)


def test_a_call_from_its_numbers() -> None:
    result = run(*BY_HAND, "--input", "1000", "--cache-read", "200", "--output", "50", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert found["cost_usd"] == "0.001525"
    assert found["components"] == {"input": "0.001", "cache_read": "0.000025", "output": "0.0005"}
    assert found["status"] == "exact"


def test_the_answer_for_a_person() -> None:
    result = run(*BY_HAND, "--input", "1000")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("$0.00125  exact")


def test_an_amount_that_is_known_in_part_is_a_lower_bound() -> None:
    result = run(*BY_HAND, "--input", "1000", "--usage", "page=3")
    assert result.output.startswith(">= $0.00125  partial\n")


def test_the_components_for_a_person_add_up_to_the_exact_cost() -> None:
    lines = run(*BY_HAND, "--input", "123457", "--cache-read", "12345", "--output", "7").output.splitlines()
    assert [line.split() for line in (lines[0], *lines[4:7])] == [
        ["$0.140503125", "exact"],
        ["input", "$0.13889"],
        ["cache_read", "$0.001543125"],
        ["output", "$0.00007"],
    ]


def test_the_makers_price_is_meant_where_nobody_else_is_named() -> None:
    result = run("--model", "gpt-5", "--time", "2026-11-22", "--input", "1000")
    assert result.output.startswith("$0.00125  exact")
    assert "gpt-5 of openai at prices" in result.output
    # nobody makes and sells this one: Groq, Together and others serve it, each at prices of its own
    assert "unpriced" in run("--model", "llama-3.3-70b-versatile", "--input", "1000").output
    assert "unpriced" in run("--model", "gpt-5", "--host", "llm.example.com", "--input", "1000").output
    at_groq = run("--model", "llama-3.3-70b-versatile", "--host", "api.groq.com", "--input", "1000")
    assert at_groq.output.startswith("$0.00059  exact")


def test_no_price_is_said_with_its_reason() -> None:
    result = run("--provider", "openai", "--model", "gpt-nothing", "--input", "1000")
    assert result.exit_code == 0
    assert "no price  unpriced" in result.output
    assert "no-price" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--input", "5", "--cache-read", "6"],
        ["--input", "-5"],
        ["--usage", "serches=2"],
        ["--usage", "web_search=many"],
        ["--usage", "web_search=-1"],
        ["--time", "someday"],
    ],
)
def test_numbers_that_cannot_be_are_refused(arguments: list[str]) -> None:
    result = run("--provider", "openai", "--model", "gpt-5", *arguments)
    assert result.exit_code == 2


def test_a_filter_answers_line_by_line() -> None:
    attributes = {
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-5",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
    }
    span = json.dumps({"attributes": attributes, "time": "2026-11-22T12:00:00Z"})
    result = run(text=f"{span}\n\n{span}\n")
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.output.splitlines()]
    assert [answer["cost_usd"] for answer in answers] == ["0.00225", None, "0.00225"]


def test_a_filter_goes_on_after_nonsense_and_says_so_at_the_end() -> None:
    result = run(text=b'\xff\xfe\n{"attributes": {}}\n')
    assert result.exit_code == 1
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["status"] for answer in answers] == ["unpriced", "unpriced"]


def test_own_rows_of_the_settings_count(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("own")
    row = '[[prices.row]]\nprovider = "openai"\nmodel = "gpt-5"\nrates = { input = "1" }\n'
    (place / "otel-llmcost.toml").write_text(row)
    monkeypatch.chdir(place)
    assert run(*BY_HAND, "--input", "1000").output.startswith("$0.001  exact")


@pytest.mark.parametrize(
    ("tokens", "shown"), [("2000000", "$2.50"), ("1000000000000000", "$1,250,000,000.00")]
)
def test_amounts_look_as_in_other_commands(tokens: str, shown: str) -> None:
    assert run(*BY_HAND, "--input", tokens).output.startswith(f"{shown}  exact\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--input", "10"],
        ["--output", "0"],
        ["--usage", "image=1"],
        ["--provider", "openai"],
        ["--time", "2026-11-22"],
    ],
)
def test_numbers_without_a_model_are_wrong_usage(arguments: list[str]) -> None:
    result = run(*arguments, text="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"otel-llmcost: {arguments[0]} is about a call whose model is not named; remedy: --model NAME\n"
    )


@pytest.mark.parametrize(
    "host", ["https://api.openai.com/v1", "api.openai.com/v1", "https://me@api.openai.com"]
)
def test_a_host_may_be_given_as_an_address(host: str) -> None:
    result = run("--model", "gpt-5", "--time", "2026-11-22", "--host", host, "--input", "1000")
    assert result.output.startswith("$0.00125  exact")


def test_a_host_with_a_path_is_one_of_the_settings() -> None:
    Path("otel-llmcost.toml").write_text('[hosts]\n"gw.example.com/openai" = "openai"\n')
    asked = ["--model", "gpt-5", "--time", "2026-11-22", "--input", "1000", "--host"]
    assert run(*asked, "https://gw.example.com/openai/v1").output.startswith("$0.00125  exact")
    assert "unpriced" in run(*asked, "https://gw.example.com/other").output

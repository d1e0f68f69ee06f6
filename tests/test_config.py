"""Settings: the environment over one file; what is wrong is a problem with file and line and stops nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otel_llmcost.assembly import unknown_providers
from otel_llmcost.config import Config, load_config
from otel_llmcost.prices import load_book
from otel_llmcost.setting_names import VARIABLES


def config_of(folder: Path, text: str, **environ: str) -> Config:
    (folder / "otel-llmcost.toml").write_text(text, encoding="utf-8")
    return load_config({"HOME": str(folder), **environ}, folder)


def test_nothing_said_is_the_default(tmp_path: Path) -> None:
    config = load_config({}, tmp_path)
    assert config.enabled
    assert config.ledger_enabled
    assert config.metric_tags == ("source",)
    assert config.problems == []
    assert not config.include_usage
    assert not config.capture_content


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    text = '[metrics]\ntags = ["team", "feature"]\n[ledger]\nretention_days = 30\n'
    assert config_of(tmp_path, text).metric_tags == ("team", "feature")
    config = config_of(
        tmp_path, text, OTEL_LLMCOST_METRIC_TAGS="source, team", OTEL_LLMCOST_RETENTION_DAYS="7"
    )
    assert config.metric_tags == ("source", "team")
    assert config.ledger_retention_days == 7


def test_pairs_of_the_file_and_of_the_environment_are_joined(tmp_path: Path) -> None:
    text = '[hosts]\n"gateway.example" = "openai"\n"b.example" = "groq"\n[tags]\nteam = "search"\n'
    config = config_of(tmp_path, text, OTEL_LLMCOST_HOSTS="b.example=openrouter,127.0.0.1:80/v1=anthropic")
    assert config.hosts == {
        "gateway.example": "openai",
        "b.example": "openrouter",
        "127.0.0.1:80/v1": "anthropic",
    }
    assert config.tags == {"team": "search"}


@pytest.mark.parametrize(
    ("text", "line", "key", "allowed"),
    [
        ("[ledger]\nenabled = 'perhaps'\n", 2, "ledger.enabled", "true or false"),
        ("\n[ledger]\n\nretention_days = -3\n", 4, "ledger.retention_days", "not negative"),
        ("[metrics]\nhistograms = 'often'\n", 2, "metrics.histograms", "auto, on, off"),
        ("[metrics]\ntags = 7\n", 2, "metrics.tags", "list of texts"),
        ("[hosts]\na = 1\n", 2, "hosts.a", "a text"),
    ],
)
def test_a_mistake_names_file_line_key_value_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, key: str, allowed: str
) -> None:
    config = config_of(tmp_path, text)
    (problem,) = config.problems
    assert (problem.line, problem.key) == (line, key)
    assert problem.file.endswith("otel-llmcost.toml")
    assert allowed in problem.allowed
    assert str(problem.value) in str(problem)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    config = load_config({"OTEL_LLMCOST_INCLUDE_USAGE": "sometimes"}, tmp_path)
    (problem,) = config.problems
    assert problem.key == "OTEL_LLMCOST_INCLUDE_USAGE"
    assert not config.include_usage


def test_a_file_that_is_no_toml_is_one_problem_and_the_rest_works(tmp_path: Path) -> None:
    config = config_of(tmp_path, "[ledger\n", OTEL_LLMCOST_TAGS="team=a")
    (problem,) = config.problems
    assert problem.file.endswith("otel-llmcost.toml")
    assert config.tags == {"team": "a"}


def test_a_named_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    config = load_config({"OTEL_LLMCOST_CONFIG": str(tmp_path / "none.toml")}, tmp_path)
    assert len(config.problems) == 1


def test_only_a_named_or_home_file_is_trusted(tmp_path: Path) -> None:
    assert not config_of(tmp_path, "").trusted_document
    named = load_config({"OTEL_LLMCOST_CONFIG": str(tmp_path / "otel-llmcost.toml")}, tmp_path)
    assert named.trusted_document
    home = tmp_path / "home" / ".config" / "otel-llmcost"
    home.mkdir(parents=True)
    (home / "otel-llmcost.toml").write_text("", encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert load_config({"HOME": str(tmp_path / "home")}, elsewhere).trusted_document


@pytest.mark.parametrize("value", ["true", "TRUE", "1"])
def test_switched_off(tmp_path: Path, value: str) -> None:
    assert not load_config({"OTEL_LLMCOST_DISABLED": value}, tmp_path).enabled


def test_opentelemetrys_own_variables_keep_their_meaning(tmp_path: Path) -> None:
    config = load_config(
        {
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop%20api,llmcost.team=search",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http,gen_ai_latest_experimental",
        },
        tmp_path,
    )
    assert config.service == "shop api"
    assert config.resource["llmcost.team"] == "search"
    assert config.capture_content
    assert config.new_metric_names


@pytest.mark.parametrize("word", ["off", "none"])
def test_the_ledger_is_switched_off_by_its_place(tmp_path: Path, word: str) -> None:
    assert not load_config({"OTEL_LLMCOST_LEDGER": word}, tmp_path).ledger_enabled


def test_every_variable_is_documented() -> None:
    root = Path(__file__).parent.parent
    source = (root / "src" / "otel_llmcost" / "config.py").read_text(encoding="utf-8")
    page = (root / "docs" / "configuration.md").read_text(encoding="utf-8")
    read = set(re.findall(r'read\.\w+\((?:[^()"]|\([^()]*\)|"auto"|"given"|"")*"([A-Z_]+)"', source))
    assert len(read) > 20
    missing = {name for name in read if f"`OTEL_LLMCOST_{name}`" not in page}
    assert not missing


@pytest.mark.parametrize(
    ("name", "text", "value", "allowed"),
    [
        ("DIALECTS", "klingon", "klingon", "openinference, logfire, langfuse, draft"),
        ("METRIC_TAGS", "user", "user", "people, conversations, sessions are never labels"),
        ("HOSTS", "a=b=c", "a=b=c", "name=value,name=value"),
        ("HOSTS", "gateway.example.com=", "gateway.example.com=", "name=value,name=value"),
        ("HOSTS", "foo bar=openai", "foo bar=openai", "host, *.domain, host:port or host:port/path"),
        (
            "HOSTS",
            "gateway.example.com:abc=openai",
            "gateway.example.com:abc=openai",
            "such as 127.0.0.1:4000=openai",
        ),
        ("MODELS", "a=b=c", "a=b=c", "name=value,name=value"),
        ("RETENTION_DAYS", "99999999999999999999", "99999999999999999999", "up to 36500"),
        ("RETENTION_DAYS", "inf", "inf", "up to 36500"),
        # cut to 0 it would mean: for ever
        ("RETENTION_DAYS", "0.5", "0.5", "a whole number"),
        ("EXIT_TIMEOUT", "inf", "inf", "up to 86400"),
        ("EXIT_TIMEOUT", "nan", "nan", "not negative"),
        ("LEDGER_TIMEOUT", "inf", "inf", "up to 86400"),
        ("LEDGER_CAP_BYTES", "inf", "inf", "up to 1125899906842624"),
    ],
)
def test_a_value_that_means_nothing_is_one_problem_and_the_default_holds(
    tmp_path: Path, name: str, text: str, value: str, allowed: str
) -> None:
    config = load_config({f"OTEL_LLMCOST_{name}": text}, tmp_path)
    (problem,) = config.problems
    assert problem.key == f"OTEL_LLMCOST_{name}"
    assert problem.value == value
    assert allowed in problem.allowed
    kept = {field: value for field, value in vars(config).items() if field not in ("problems", "document")}
    bare = vars(load_config({}, tmp_path))
    assert kept == {field: bare[field] for field in kept}


def test_the_good_ones_among_several_names_are_in_force(tmp_path: Path) -> None:
    text = 'dialects = ["Logfire", "klingon"]\n[metrics]\ntags = ["session", "team"]\n'
    config = config_of(tmp_path, text)
    assert config.dialects == ("logfire",)
    assert config.metric_tags == ("team",)
    assert [(problem.key, problem.line, problem.value) for problem in config.problems] == [
        ("metrics.tags", 3, "session"),
        ("dialects", 1, "klingon"),
    ]


def test_no_labels_at_all_is_a_wish_and_a_tag_may_hold_an_equals_sign(tmp_path: Path) -> None:
    config = load_config(
        {"OTEL_LLMCOST_METRIC_TAGS": "none", "OTEL_LLMCOST_TAGS": "team=a=b,stage="}, tmp_path
    )
    assert config.metric_tags == ()
    assert config.tags == {"team": "a=b", "stage": ""}
    assert config.problems == []


@pytest.mark.parametrize(
    "name", ["LEDGER", "LEDGER_ENABLED", "METRIC_TAGS", "HISTOGRAMS", "EXIT_TIMEOUT", "PEOPLE", "HOSTS"]
)
def test_an_empty_variable_is_an_unset_one(name: str, tmp_path: Path) -> None:
    empty, unset = load_config({f"OTEL_LLMCOST_{name}": ""}, tmp_path), load_config({}, tmp_path)
    assert vars(empty) == vars(unset)


def test_a_setting_that_nobody_reads_is_told(tmp_path: Path) -> None:
    text = """
include_usages = true
[budget.all]
amount = "1.00"
[ledger]
retention_day = 4
[hosts]
"gateway.example.com" = "openai"
[[rows]]
"""
    config = config_of(tmp_path, text, OTEL_LLMCOST_RETENTION="4", OTEL_LLMCOSTS_ELSE="x")
    assert [(problem.key, problem.line, problem.allowed) for problem in config.problems] == [
        ("OTEL_LLMCOST_RETENTION", 0, "OTEL_LLMCOST_RETENTION_DAYS"),
        ("include_usages", 2, "include_usage"),
        ("budget", 3, "budgets"),
        ("rows", 9, "row"),
        ("ledger.retention_day", 6, "ledger.retention_days"),
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("BUDGETS", "is no variable; allowed: [budgets.NAME] in otel-llmcost.toml"),
        ("RULES", "is no variable; allowed: [[rules]] in otel-llmcost.toml"),
        ("HOST", "is no setting; allowed: OTEL_LLMCOST_HOSTS"),
        ("NONSENSE", "is no setting; allowed: OTEL_LLMCOST_BAGGAGE_IN, OTEL_LLMCOST_BAGGAGE_OUT, "),
    ],
)
def test_a_variable_that_is_none_names_what_may_be_meant(tmp_path: Path, name: str, said: str) -> None:
    [problem] = load_config({f"OTEL_LLMCOST_{name}": "x"}, tmp_path).problems
    assert str(problem).startswith(f"OTEL_LLMCOST_{name}: {said}")


def test_every_documented_setting_is_one() -> None:
    page = Path(__file__).parents[1] / "docs" / "configuration.md"
    named = set(re.findall(r"`OTEL_LLMCOST_([A-Z_]+)[`=]", page.read_text(encoding="utf-8")))
    assert named == VARIABLES


def test_a_relative_ledger_stays_where_the_program_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config({"OTEL_LLMCOST_LEDGER": "kept/here"}, tmp_path)
    monkeypatch.chdir("/")
    assert config.ledger_directory == tmp_path / "kept" / "here"


def test_a_file_that_run_found_is_in_force_elsewhere_and_not_trusted(tmp_path: Path) -> None:
    project, sub = tmp_path / "project", tmp_path / "project" / "sub"
    sub.mkdir(parents=True)
    text = """
[ledger]
directory = "kept"
[prices]
files = ["own.toml"]
directory = "updated"
update_from = "https://prices.example"
"""
    (project / "otel-llmcost.toml").write_text(text, encoding="utf-8")
    environ = {"OTEL_LLMCOST_PROJECT_CONFIG": str(project / "otel-llmcost.toml"), "HOME": str(tmp_path)}
    config = load_config(environ, sub)
    assert not config.trusted_document
    assert (config.ledger_directory, config.price_files) == (project / "kept", (project / "own.toml",))
    assert config.prices_directory == project / "updated"
    assert config.price_update_from == ""
    assert [problem.key for problem in config.problems] == ["prices.update_from"]

    (sub / "otel-llmcost.toml").write_text("", encoding="utf-8")  # its own working directory is nearer
    assert load_config(environ, sub).ledger_directory is None
    named = environ | {"OTEL_LLMCOST_CONFIG": str(project / "otel-llmcost.toml")}
    assert load_config(named, sub).price_update_from == "https://prices.example"


def test_settings_of_the_home_directory_hold_where_the_working_directory_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, gone = tmp_path / ".config" / "otel-llmcost", tmp_path / "gone"
    for folder in (home, gone):
        folder.mkdir(parents=True)
    (home / "otel-llmcost.toml").write_text('[tags]\nteam = "search"\n', encoding="utf-8")
    monkeypatch.chdir(gone)
    gone.rmdir()
    config = load_config({"HOME": str(tmp_path)})
    assert config.tags == {"team": "search"}
    assert config.trusted_document


def test_a_file_that_is_there_and_cannot_be_read_is_fatal_for_its_budgets_are_not_in_force(
    tmp_path: Path,
) -> None:
    for broken in (
        config_of(tmp_path, "[budgets.all\n"),
        load_config({"OTEL_LLMCOST_CONFIG": str(tmp_path)}),
    ):
        assert broken.fatal == broken.problems
        assert str(tmp_path) in str(broken.fatal[0])
    absent = load_config({"OTEL_LLMCOST_CONFIG": str(tmp_path / "none.toml")})
    assert (len(absent.problems), absent.fatal) == (1, [])


def test_a_program_that_calls_instrument_is_told_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "otel-llmcost.toml").write_text("[budgets.all\n", encoding="utf-8")
    program = """
import otel_llmcost
from otel_llmcost import entry
from otel_llmcost.process import assembled
entry.pre_instrument()
entry.OpenAIInstrumentor().instrument()
assert assembled().engine.active == {"openai"}
for told in (otel_llmcost.instrument, otel_llmcost.budget_status):
    try:
        told()
    except otel_llmcost.ConfigurationError as error:
        print(error)
assert assembled().engine.active == {"openai", "anthropic"}
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OTEL_LLMCOST_LEDGER": "off"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("otel-llmcost.toml" in line and "is not valid TOML" in line for line in lines)


def test_a_provider_of_a_budget_or_discount_that_nobody_knows_is_told_with_its_place(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        """
[budgets.search]
amount = 5
providers = ["gemini", "opnai"]
[budgets."a.b"]
amount = 5
providers = "bedrok"
[[prices.discount]]
provider = "antropic"
percent = 10
[[prices.discount]]
provider = "open*"
percent = 10
""",
    )
    assert config.document is not None
    told = [
        str(problem) for problem in unknown_providers(config, load_book(user_documents=[config.document]))
    ]
    file = f"{tmp_path}/otel-llmcost.toml"
    begins = [
        f"{file}:4: budgets.search.providers: names an unknown provider; did you mean 'openai'? (got 'opnai')",
        f"{file}:7: budgets.a.b.providers: names an unknown provider; did you mean 'aws.bedrock'?",
        f"{file}:9: discount.provider: names an unknown provider; did you mean 'anthropic'?",
    ]
    assert len(told) == len(begins)
    assert all(one.startswith(begin) for one, begin in zip(told, begins, strict=True)), told


def test_a_host_that_cannot_be_names_its_line_and_the_others_hold(tmp_path: Path) -> None:
    text = '[hosts]\n"https://gateway.example.com/v1" = "openai"\n"*." = "groq"\n'
    config = config_of(tmp_path, text)
    assert config.hosts == {"https://gateway.example.com/v1": "openai"}
    assert [str(problem) for problem in config.problems] == [
        f"{tmp_path}/otel-llmcost.toml:3: hosts.*.: is no host: a part of '*.' is empty (got '*.'); "
        "allowed: host, *.domain, host:port or host:port/path, such as 127.0.0.1:4000=openai"
    ]

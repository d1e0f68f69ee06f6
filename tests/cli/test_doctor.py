"""`otel-llmcost doctor`: what it finds, on real ports, files and installed packages."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from otel_llmcost import cli
from otel_llmcost.cli.diagnosis import diagnose
from otel_llmcost.cli.findings import BROKEN, NOTE, OK
from otel_llmcost.ledger.scopes import keep_seen

from ..loopback import free_port

COMMAND = str(Path(sys.executable).with_name("otel-llmcost"))


@pytest.fixture
def environ(tmp_path):
    return {"OTEL_LLMCOST_LEDGER": str(tmp_path / "ledger"), "HOME": str(tmp_path)}


def found(environ, directory, topic, name):
    matching = [
        finding
        for finding in diagnose(environ, directory).findings
        if (finding.topic, finding.name) == (topic, name)
    ]
    assert matching, f"no finding {topic}/{name}"
    return matching[0]


@pytest.fixture(name="free_port")
def a_free_port():
    return free_port()


def test_a_fresh_machine_is_not_broken_and_nothing_is_made(environ, tmp_path):
    assert diagnose(environ, tmp_path).broken == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_sdks_are_named_with_their_versions(environ, tmp_path, sdk):
    finding = found(environ, tmp_path, "sdk", sdk)
    assert (finding.state, finding.text) == (OK, f"{metadata.version(sdk)}, watched")


def test_a_switched_off_instrumentor_is_seen(environ, tmp_path):
    environ["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "requests, llmcost-openai"
    assert found(environ, tmp_path, "sdk", "openai").state == NOTE
    assert found(environ, tmp_path, "sdk", "anthropic").state == OK
    environ["OTEL_LLMCOST_DISABLED"] = "true"
    assert found(environ, tmp_path, "package", "switch").state == NOTE
    assert found(environ, tmp_path, "sdk", "anthropic").text.endswith(", not watched")


def test_a_listening_collector_is_told_from_a_missing_one(environ, tmp_path, free_port):
    environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{free_port}"
    missing = found(environ, tmp_path, "export", "spans")
    assert missing.state == BROKEN
    assert str(free_port) in missing.text

    with socket.create_server(("127.0.0.1", free_port)):
        assert found(environ, tmp_path, "export", "spans").state == OK
        assert found(environ, tmp_path, "export", "counters").state == OK


def test_other_machines_are_never_asked(environ, tmp_path):
    environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://collector.invalid:4318"
    finding = found(environ, tmp_path, "export", "spans")
    assert (finding.state, "not tried" in finding.text) == (OK, True)


@pytest.mark.parametrize(
    ("told", "name", "state", "word"),
    [
        ({}, "spans", NOTE, "stays in the ledger"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "spans", NOTE, "OTEL_TRACES_EXPORTER=none"),
        ({"OTEL_METRICS_EXPORTER": "console"}, "counters", OK, "console"),
        ({"OTEL_SDK_DISABLED": "true"}, "sdk", NOTE, "ledger counts every call"),
        ({"OTEL_CONFIG_FILE": __file__}, "sdk", OK, "test_doctor.py; not followed further"),
        (
            {"OTEL_CONFIG_FILE": "/no/o.yaml"},
            "sdk",
            BROKEN,
            "/no/o.yaml cannot be read (No such file or directory)",
        ),
        # no version of the SDK reads it
        ({"OTEL_EXPERIMENTAL_CONFIG_FILE": __file__}, "spans", NOTE, "no exporter and no endpoint is named"),
        ({"OTEL_TRACES_EXPORTER": "None"}, "spans", NOTE, "stays in the ledger"),
        ({"OTEL_METRICS_EXPORTER": "console, otlp"}, "counters", BROKEN, "nobody listens"),
        (
            {"OTEL_TRACES_EXPORTER": "foo"},
            "spans",
            BROKEN,
            "OTEL_TRACES_EXPORTER=foo names an exporter that is not",
        ),
        ({"OTEL_TRACES_EXPORTER": "foo"}, "counters", NOTE, "no exporter and no endpoint is named"),
        (
            {"OTEL_TRACES_EXPORTER": "foo", "OTEL_METRICS_EXPORTER": "console"},
            "counters",
            BROKEN,
            "not sent, either: OTEL_TRACES_EXPORTER=foo",
        ),
        ({"OTEL_LOGS_EXPORTER": "foo", "OTEL_METRICS_EXPORTER": "console"}, "logs", BROKEN, "foo"),
        (
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid",
            },
            "spans",
            BROKEN,
            "OTEL_EXPORTER_OTLP_PROTOCOL=http is no protocol that the SDK speaks, so no spans and counters are sent",
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid",
            },
            "spans",
            BROKEN,
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/json",
        ),
        ({"OTEL_TRACES_SAMPLER": "traceidratio"}, "sampler", NOTE, "count every call"),
        (
            {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"},
            "temporality",
            NOTE,
            "says so only in its own log",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:http"}, "spans", BROKEN, "no address"),
    ],
)
def test_settings_of_the_pipeline_are_explained(environ, tmp_path, told, name, state, word):
    finding = found(environ | told, tmp_path, "export", name)
    assert finding.state == state
    assert word in finding.text


def test_what_doctor_calls_unknown_the_sdk_refuses_and_the_log_says_what_that_means(environ, tmp_path):
    program = """
import openai, otel_llmcost
from otel_llmcost.server.demo_provider import DemoProvider
otel_llmcost.instrument()
with DemoProvider() as provider:
    client = openai.OpenAI(base_url=provider.openai_url, api_key="demo")
    client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "?"}])
print(len(otel_llmcost.calls()))
"""
    mistakes = (
        {"OTEL_TRACES_EXPORTER": "foo", "OTEL_METRICS_EXPORTER": "console"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        {"OTEL_CONFIG_FILE": "/no/o.yaml"},
    )
    clean = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    for told in mistakes:
        assert diagnose(environ | told, tmp_path).broken
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env={**clean, **environ, **told},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        [line] = [line for line in ended.stderr.splitlines() if line.startswith("otel-llmcost: ")]
        assert (
            "but no spans and counters are sent; the ledger keeps the cost; remedy: otel-llmcost doctor"
            in line
        )
    assert ended.stdout == "3\n"  # the ledger kept all of them


@pytest.fixture
def fake_package(tmp_path):
    """Makes an installed distribution: its metadata, as an installer leaves it."""
    folder = tmp_path / "site"

    def make(name, version, entry_points=""):
        place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        place.mkdir(parents=True)
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (place / "entry_points.txt").write_text(entry_points)
        return str(folder)

    return make


def doctor_json(environ, directory, **more):
    ended = subprocess.run(
        [COMMAND, "doctor", "--json"],
        env={**os.environ, **environ, **more},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = json.loads(ended.stdout)
    return {(finding["topic"], finding["name"]): finding for finding in told["findings"]}


def test_neighbours_are_named_with_what_becomes_of_their_spans(environ, tmp_path, fake_package):
    entry = "[opentelemetry_instrumentor]\nopenai = opentelemetry.instrumentation.openai:OpenAIInstrumentor\n"
    path = fake_package("opentelemetry-instrumentation-openai", "0.62.4", entry)
    fake_package("logfire", "4.0.0")
    told = doctor_json(environ, tmp_path, PYTHONPATH=path)
    assert "priced once" in told["neighbour", "opentelemetry-instrumentation-openai"]["text"]
    assert "4.0.0" in told["neighbour", "logfire"]["text"]

    off = doctor_json(environ, tmp_path, PYTHONPATH=path, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai")
    assert "switched off" in off["neighbour", "opentelemetry-instrumentation-openai"]["text"]
    assert off["sdk", "openai"]["text"].endswith("watched")


def test_a_distributions_default_endpoint_is_no_mistake_of_the_users(environ, tmp_path, fake_package):
    entry = "[opentelemetry_configurator]\nconfigurator = somebody:Configurator\n"
    told = doctor_json(environ, tmp_path, PYTHONPATH=fake_package("a-distro", "1.0", entry))
    spans = told["export", "spans"]
    assert "http://localhost:4317" in spans["text"]
    assert spans["state"] == (NOTE if "nobody listens" in spans["text"] else OK)
    asked = doctor_json(environ, tmp_path, PYTHONPATH=str(tmp_path / "site"), OTEL_TRACES_EXPORTER="otlp")
    assert asked["export", "spans"]["state"] == (BROKEN if spans["state"] == NOTE else OK)


def test_an_sdk_that_is_too_old_is_broken(environ, tmp_path, fake_package):
    told = doctor_json(environ, tmp_path, PYTHONPATH=fake_package("openai", "0.28.1"))
    assert told["sdk", "openai"]["state"] == BROKEN
    assert "0.28.1 is not watched" in told["sdk", "openai"]["text"]


def test_spans_of_others_that_were_seen_are_named(environ, tmp_path):
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    keep_seen(ledger, {"logfire.openai": 3}, 1_795_000_000 * 10**9)
    finding = found(environ, tmp_path, "seen", "logfire.openai")
    assert finding.text == "3 of its spans were priced, the last ones until 2026-11-18 11:06:40 UTC"


def test_a_damaged_ledger_is_broken_with_a_remedy(environ, tmp_path):
    ledger = tmp_path / "ledger"
    (ledger / "journal").mkdir(parents=True)
    (ledger / "ledger.sqlite3").write_bytes(b"not a database" * 100)
    finding = found(environ, tmp_path, "ledger", "content")
    assert finding.state == BROKEN
    assert "remedy" in finding.text


def test_a_place_that_cannot_be_made_is_broken(environ, tmp_path):
    (tmp_path / "file").write_text("")
    environ["OTEL_LLMCOST_LEDGER"] = str(tmp_path / "file" / "ledger")
    assert found(environ, tmp_path, "ledger", "place").state == BROKEN
    environ["OTEL_LLMCOST_LEDGER"] = "off"
    assert found(environ, tmp_path, "ledger", "place").state == NOTE


def test_prices_tell_version_and_age(environ, tmp_path):
    finding = found(environ, tmp_path, "prices", "book")
    assert "version 20" in finding.text
    assert "days old" in finding.text


def test_a_mistake_in_the_settings_names_file_and_line(environ, tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text("\n[ledger]\nretention_days = 'long'\n")
    finding = found(environ, tmp_path, "settings", "ledger.retention_days")
    assert finding.state == BROKEN
    assert f"{tmp_path / 'otel-llmcost.toml'}:3" in finding.text


@pytest.mark.parametrize(
    ("written", "got"),
    [
        ("{}", "a table"), ("{ a = 1 }", "a table"), ("[]", "a list"), ("[{ a = 1 }]", "a list"), ("true", "true"),
        ("2026-11-30", "2026-11-30"), ("1.5", "1.5"), ("'long'", "'long'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_the_words_of_a_settings_file(environ, tmp_path, written, got):
    (tmp_path / "otel-llmcost.toml").write_text(f"[ledger]\nretention_days = {written}\n")
    finding = found(environ, tmp_path, "settings", "ledger.retention_days")
    assert f" (got {got}); allowed: " in finding.text


@pytest.mark.parametrize(
    ("written", "name", "line", "said"),
    [
        ("[[budgets]]\namount = '1'", "budgets", 1, "must be a table (got a list); allowed: [budgets.NAME]"),
        ("hosts = []", "hosts", 1, "must be a table (got a list); allowed: [hosts]"),
        ("\nledger = false", "ledger", 2, "must be a table (got false); allowed: [ledger]"),
    ],
)
def test_a_table_that_is_none_is_told(environ, tmp_path, written, name, line, said):
    (tmp_path / "otel-llmcost.toml").write_text(written)
    finding = found(environ, tmp_path, "settings", name)
    text = f"{tmp_path / 'otel-llmcost.toml'}:{line}: {name}: {said}"
    assert (finding.state, finding.text) == (BROKEN, text)


@pytest.mark.parametrize(("port_is_open", "code"), [(True, 0), (False, 1)])
def test_the_command_answers_in_json_and_by_exit_code(environ, tmp_path, free_port, port_is_open, code):
    environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{free_port}"
    server = socket.create_server(("127.0.0.1", free_port)) if port_is_open else None
    asked = {**os.environ, **environ}
    ended = subprocess.run(
        [COMMAND, "doctor", "--json"], env=asked, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    if server is not None:
        server.close()
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["ok"]) == (code, port_is_open)
    assert {"topic", "name", "state", "text", "remedy"} == set(told["findings"][0])


def test_the_command_is_readable(environ, tmp_path):
    asked = {**os.environ, **environ, "COLUMNS": "200"}
    ended = subprocess.run(
        [COMMAND, "doctor"], env=asked, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert f"{metadata.version('openai')}, watched" in ended.stdout
    assert "nothing is broken" in ended.stdout


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DIALECTS", "klingon"),
        ("HOSTS", "gateway.example.com=opneai"),
        ("HOSTS", "a=b=c"),
        ("MODELS", "foo=opneai/gpt-5"),
        ("METRIC_TAGS", "user"),
        ("RETENTION_DAYS", "99999999999999999999"),
        ("EXIT_TIMEOUT", "inf"),
        ("LEDGER_TIMEOUT", "inf"),
    ],
)
def test_a_mistake_in_a_variable_names_it_its_value_and_what_is_allowed(environ, tmp_path, variable, value):
    environ[f"OTEL_LLMCOST_{variable}"] = value
    finding = found(environ, tmp_path, "settings", f"OTEL_LLMCOST_{variable}")
    assert finding.state == BROKEN
    assert repr(value) in finding.text
    assert "allowed: " in finding.text


def test_a_provider_of_own_rows_is_no_mistake_and_another_one_names_its_line(environ, tmp_path):
    text = """
[hosts]
"a.example.com" = "acme"
"b.example.com" = "acne"
[[prices.row]]
provider = "acme"
model = "house-1"
rates = { input = "1", output = "2" }
"""
    (tmp_path / "otel-llmcost.toml").write_text(text)
    wrong = [f for f in diagnose(environ, tmp_path).findings if f.name.startswith("hosts.")]
    assert [(f.name, f.state) for f in wrong] == [("hosts.b.example.com", BROKEN)]
    assert f"{tmp_path / 'otel-llmcost.toml'}:4" in wrong[0].text


def test_a_provider_of_own_rows_that_is_nearly_another_is_a_note(environ, tmp_path):
    row = '[[prices.row]]\nprovider = "antropic"\nmodel = "m"\nfree = true\n'
    (tmp_path / "otel-llmcost.toml").write_text(row)
    finding = found(environ, tmp_path, "prices", "own prices")
    assert finding.state == NOTE
    assert "2: provider: only your own rows name this provider; did you mean 'anthropic'?" in finding.text
    assert diagnose(environ, tmp_path).broken == ()


@pytest.mark.parametrize(
    ("days", "said"), [("0", "kept for ever"), ("1", "kept for 1 day"), ("90", "for 90 days")]
)
def test_how_long_calls_are_kept_is_said_as_people_say_it(environ, tmp_path, days, said):
    (tmp_path / "ledger" / "journal").mkdir(parents=True)
    environ["OTEL_LLMCOST_RETENTION_DAYS"] = days
    assert found(environ, tmp_path, "ledger", "content").text.endswith(said)


def test_a_settings_file_that_cannot_be_read_is_not_called_none(environ, tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text("[budgets.all")
    files = [f for f in diagnose(environ, tmp_path).findings if (f.topic, f.name) == ("settings", "file")]
    assert [(file.state, "is not valid TOML" in file.text) for file in files] == [(BROKEN, True)]


@pytest.mark.parametrize(
    ("key", "state", "word"),
    [
        ("", BROKEN, "not updated from https://prices.example without a key"),
        ("the publisher's public key", BROKEN, "is not an Ed25519 key: 26 bytes instead of 32"),
        ("11" * 32, OK, "https://prices.example"),
    ],
)
def test_the_key_of_price_updates_is_looked_at(environ, tmp_path, key, state, word):
    environ |= {
        "OTEL_LLMCOST_PRICES_UPDATE_FROM": "https://prices.example",
        "OTEL_LLMCOST_PRICES_UPDATE_KEY": key,
    }
    finding = found(environ, tmp_path, "prices", "update")
    assert (finding.state, word in finding.text) == (state, True)


def test_an_environment_without_any_sdk_is_told(environ, tmp_path):
    """Somebody else's environment, such as that of the shell and not of the program: ours without the SDKs."""
    packages, here = tmp_path / "packages", Path(metadata.distribution("click").locate_file(""))
    packages.mkdir()
    for one in here.iterdir():
        if not one.name.startswith(("openai", "anthropic")):
            (packages / one.name).symlink_to(one)
    asked = {**environ, "PYTHONPATH": f"{packages}{os.pathsep}{Path(cli.__file__).parents[2]}"}
    ended = subprocess.run(
        [sys.executable, "-S", "-c", "from otel_llmcost.cli import main; main(['doctor', '--json'])"],
        env=asked, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    findings = {(f["topic"], f["name"]): f for f in json.loads(ended.stdout)["findings"]}
    told = findings["sdk", "environment"]
    assert (told["state"], "no call will be watched there" in told["text"]) == (NOTE, True)
    assert "environment" not in [f.name for f in diagnose(environ, tmp_path).findings if f.topic == "sdk"]

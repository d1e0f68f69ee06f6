"""`otel-llmcost demo`, as it is typed: real SDKs, real HTTP, and the ledger that it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from otel_llmcost.cli.demo import demo_environment
from otel_llmcost.cli.demo_export import Destination, destinations

from ..acceptance.ledger_sum import ledger_calls, ledger_total
from ..acceptance.sink import Sink
from .terminal import typed

COMMAND = str(Path(sys.executable).with_name("otel-llmcost"))


def otel_llmcost(*arguments: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], env=environ, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """(what was said, the calls in the kept ledger, the home of the user)."""
    home = tmp_path_factory.mktemp("home")
    environ = {
        **os.environ,
        "HOME": str(home),
        "OTEL_LLMCOST_LEDGER": str(home / "own"),
        "OPENAI_API_KEY": "secret",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    kept = str(home / "kept")
    said = otel_llmcost("demo", "--keep", kept, environ=environ)
    assert said.returncode == 0, said.stderr
    calls = json.loads(otel_llmcost("calls", "--json", "--ledger", kept, "-n", "-1", environ=environ).stdout)
    return said, calls, home


def model_of(call):
    return call["response_model"] or call["request_model"]


def costs(calls, model, status="exact"):
    known = [call for call in calls if model_of(call) == model and call["status"] == status]
    return sorted(Decimal(call["cost"]) for call in known if call["cost"] is not None)


@pytest.mark.parametrize(
    ("model", "amounts"),
    [
        # USD per million: input 0.25, cached 0.025, output 2; flex half; a refused call costs nothing
        ("gpt-5-mini", ["0", "0.00045", "0.0006696", "0.0009"]),
        # input 2.50, output 15; two searches at $10 per thousand
        ("gpt-5.4", ["0.0075", "0.0325"]),
        ("text-embedding-3-small", ["0.00000072"]),
        # input 2, written 2.50 and 4, read 0.20, output 10
        ("claude-sonnet-5", ["0.0038", "0.0103"]),
        # input 5, output 25; two searches at $10 per thousand
        ("claude-opus-5", ["0.02825"]),
        ("gpt-5-nano", ["0.0003"]),
        ("claude-haiku-4-5", ["0.0009"]),
    ],
)
def test_the_amounts_are_those_of_the_published_prices(demo, model, amounts):
    assert costs(demo[1], model) == [Decimal(amount) for amount in amounts]


def test_what_cannot_be_exact_says_so(demo):
    _, calls, _ = demo
    statuses = [call["status"] for call in calls]
    assert len(calls) == 15
    assert (statuses.count("estimated"), statuses.count("unpriced")) == (2, 1)
    assert [model_of(call) for call in calls if call["cost"] is None] == ["house-model-7"]


def test_it_shows_calls_report_reasons_and_what_comes_next(demo):
    said = demo[0].stdout
    for word in ("RateLimitError", "$0.02825", "cache saved", "house-model-7 is in no price list"):
        assert word in said
    assert "otel-llmcost run -- python app.py" in said
    assert demo[0].stderr == ""


def test_the_users_own_ledger_and_home_are_left_alone(demo):
    assert [path.name for path in demo[2].iterdir()] == ["kept"]
    assert demo[2].joinpath("kept").stat().st_mode & 0o777 == 0o700


def test_nothing_of_the_user_leads_it_elsewhere():
    told = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "secret",
        "ANTHROPIC_BASE_URL": "https://example.com",
        "https_proxy": "http://proxy",
        "OTEL_LLMCOST_DISABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector",
    }
    assert demo_environment(told) == {"PATH": "/bin"}
    exported = demo_environment(told, export=True)
    assert exported == {"PATH": "/bin", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"}


def test_export_sends_the_same_money_to_the_users_collector(tmp_path):
    kept = tmp_path / "kept"
    with Sink() as sink:
        environ = {
            **os.environ,
            "HOME": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
        said = otel_llmcost("demo", "--export", "--keep", str(kept), environ=environ)
        assert said.returncode == 0, said.stderr
        spent = ledger_total(kept)
        # a counter travels as a double, a span's cost too: equal but for its rounding
        assert abs(sink.total("llm.cost") - spent) < Decimal("1e-15")
        assert len(sink.priced) == sum(row.amount is not None for row in ledger_calls(kept))
        assert f"\nexported: spans and counters to {sink.url}\n" in said.stdout


class Refusing(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


def test_an_export_that_failed_is_told(tmp_path):
    collector = HTTPServer(("127.0.0.1", 0), Refusing)
    serving = threading.Thread(target=collector.serve_forever)
    serving.start()
    url = f"http://127.0.0.1:{collector.server_port}"
    environ = {**os.environ, "HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": url}
    try:
        said = otel_llmcost("demo", "--export", environ=environ)
    finally:
        collector.shutdown()
        serving.join()
        collector.server_close()
    assert "Failed to export" in said.stdout
    assert "otel-llmcost run -- python app.py" in said.stdout
    assert said.stderr == (
        f"otel-llmcost: not everything was exported: spans and counters to {url}; "
        "remedy: otel-llmcost doctor says whether somebody listens there\n"
    )
    assert said.returncode == 1


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({}, "nothing says where to; remedy: set OTEL_EXPORTER_OTLP_ENDPOINT"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"},
            "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318 names no scheme: nothing can be sent to it; "
            "remedy: name http://localhost:4318",
        ),
    ],
)
def test_an_export_to_nowhere_is_refused_before_anything_runs(tmp_path, told, reason):
    kept = tmp_path / "kept"
    environ = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    said = otel_llmcost("demo", "--export", "--keep", str(kept), environ=environ | told)
    assert (said.returncode, said.stdout, said.stderr) == (2, "", f"otel-llmcost: --export: {reason}\n")
    assert not kept.exists()


def test_destinations_are_named_by_signal():
    told = {
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/m",
    }
    assert destinations(told) == [
        Destination("spans", "the exporter console"),
        Destination("counters", "http://collector:4318/m"),
    ]
    assert destinations(told | {"OTEL_METRICS_EXPORTER": "none"}) == destinations(told)[:1]


def test_a_second_demo_in_the_same_ledger_shows_its_own_calls(demo):
    _, _, home = demo
    kept = str(home / "kept")
    environ = {**os.environ, "HOME": str(home), "OTEL_LLMCOST_LEDGER": str(home / "own")}
    again = otel_llmcost("demo", "--keep", kept, environ=environ)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("RateLimitError") == 1
    assert ["total", "15"] in [line.split()[:2] for line in again.stdout.splitlines()]
    assert "Calls of earlier runs that are kept there, too, and not shown: 15\n" in again.stdout
    assert "earlier runs" not in demo[0].stdout


def test_in_a_terminal_of_80_columns_calls_keep_tier_and_cached_tokens(tmp_path):
    lines = typed(80, tmp_path / "own", "demo", cwd=tmp_path)
    assert [line.split() for line in lines[1:6]] == [
        ["model", "tier", "in", "cache", "out", "cost"],
        ["─" * 80],
        ["gpt-5-mini", "standard", "1,200", "300", "$0.0009"],
        ["gpt-5-mini", "standard", "1,200", "1,024", "300", "$0.0006696"],
        ["gpt-5-mini", "flex", "1,200", "300", "$0.00045"],
    ]
    assert "left out, the terminal is narrow: besides; a wider one shows them" in lines

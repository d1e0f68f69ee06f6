"""`otel-llmcost demo`, as it is typed: real SDKs, real HTTP, and the ledger that it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.cli.demo import demo_environment

from ..acceptance.ledger_sum import ledger_calls, ledger_total
from ..acceptance.sink import Sink

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

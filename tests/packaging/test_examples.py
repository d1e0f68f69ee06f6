"""The examples run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

EXAMPLES = Path(__file__).parents[2] / "examples"
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ([str(BIN / "otel-llmcost"), "run", "--", sys.executable, "zero_code.py"], "$0.0009"),
        ([str(BIN / "otel-llmcost"), "run", "--", sys.executable, "attribution.py"], "extraction"),
        ([sys.executable, "in_code.py"], '"gen_ai.usage.cost": 4.8e-07'),
        ([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_what_it_costs.py"], "1 passed"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_an_example_runs(tmp_path, command, says):
    with DemoProvider() as provider:
        told = {
            "OPENAI_BASE_URL": provider.openai_url,
            "OPENAI_API_KEY": "demo",
            "OTEL_LLMCOST_HOSTS": f"127.0.0.1:{provider.port}=openai",
            "OTEL_LLMCOST_LEDGER": str(tmp_path),
        }
        ended = subprocess.run(
            command, cwd=EXAMPLES, env={**os.environ, **told}, capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 0, ended.stderr
    assert says in ended.stdout + ended.stderr

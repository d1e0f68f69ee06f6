"""A Node.js program under OpenTelemetry's JavaScript instrumentation, priced by the collector alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from otel_llmcost import semconv as s
from otel_llmcost.collector import Options
from otel_llmcost.prices.load import load_book
from otel_llmcost.server.demo_provider import DemoProvider

from .pricing_collector import PricingCollector
from .real_parts import ROOT, Parts, until

EXAMPLE = ROOT / "examples" / "node"


@pytest.fixture(scope="module")
def program() -> Path:
    """The example with its packages installed. No Node.js is a failure in CI and a visible skip elsewhere."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
            pytest.fail("node and npm are not installed")
        pytest.skip("node and npm are not installed")
    if not (EXAMPLE / "node_modules" / "openai").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=EXAMPLE, check=True, timeout=300)
    return EXAMPLE


def test_a_node_program_is_priced(parts: Parts, program: Path) -> None:
    book = load_book()
    with DemoProvider() as provider:
        # What a user would say of an own proxy; a loopback host is nobody's price list by itself.
        hosts = {f"127.0.0.1:{provider.port}": "openai"}
        collector = PricingCollector(parts, book, Options(providers=("openai",), hosts=hosts))
        done = subprocess.run(
            ["node", "--require", "./tracing.js", "chat.js"],
            cwd=program,
            env={
                **os.environ,
                "OPENAI_API_KEY": "sk-none",
                "OPENAI_BASE_URL": provider.openai_url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.collector.http,
                "OTEL_SERVICE_NAME": "node-shop",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    until("three spans", lambda: collector.sink.count() >= 3)
    found = {str(span[s.REQUEST_MODEL]): span for span in collector.sink.spans().values()}
    # the demo provider's usage times the published rates, USD per million tokens
    expected = {
        "gpt-4o-mini": ("estimated", (1200 * 0.15 + 300 * 0.60) / 1e6),
        "gpt-5": ("estimated", (1200 * 1.25 + 300 * 10) / 1e6),
        "text-embedding-3-small": ("exact", 24 * 0.02 / 1e6),
    }
    assert {model: (span[s.STATUS], span[s.COST]) for model, span in found.items()} == expected
    text = urllib.request.urlopen(f"http://{collector.scrape}/metrics", timeout=5).read().decode()
    money = [line for line in text.splitlines() if line.startswith("llm_cost_USD_total{")]
    assert all('service_name="node-shop"' in line for line in money)
    total = sum(cost for _, cost in expected.values())
    assert sum(float(line.rpartition(" ")[2]) for line in money) == pytest.approx(total, abs=1e-15)

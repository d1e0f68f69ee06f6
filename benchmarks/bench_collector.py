"""CPU of the real gateway per span: without pricing, and with pricing.yaml for 100 and for 2,000 models.

gateway.yaml as shipped (memory limiter, tail sampling at 10%, delta to cumulative), its exporters replaced by one
that does nothing, so that the ratio is against the cheapest pipeline there is. "bare" has no sampling either.
One core (GOMAXPROCS=1), one run, batches of 500 spans over OTLP/HTTP; CPU of the collector's process, not wall time.
Spans are spread over all the models, so that hardly two of a batch share a series: the dearest case for counters.
Needs `make backends`. Bounds: with 2,000 models at most 20x the unpriced gateway, at most 4x that of 100 models.
`--tokens` (off by default) is shown, not bounded.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from otel_llmcost.collector import Options, pricing_document
from otel_llmcost.prices.load import load_book
from otel_llmcost.prices.rates import Row
from otel_llmcost.prices.shards import write_snapshot

ROOT = Path(__file__).parent.parent
COLLECTOR = ROOT / ".backends" / "bin" / "otelcol-llmcost"
BATCH, BATCHES, ROUNDS = 500, 40, 3
BASE = "gateway, no pricing"
ATTRIBUTES: dict[str, str | int] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.request.temperature": 1,
    "gen_ai.request.max_tokens": 1000,
    "gen_ai.response.id": "chatcmpl-123",
    "gen_ai.usage.input_tokens": 1200,
    "gen_ai.usage.output_tokens": 300,
    "gen_ai.usage.cache_read.input_tokens": 1024,
    "gen_ai.usage.reasoning.output_tokens": 128,
    "openai.response.service_tier": "default",
    "server.address": "api.openai.com",
    "server.port": 443,
}
_TO_NOWHERE = """
exporters:
  debug: {}
service:
  pipelines:
    traces/sampled:
      exporters: [debug]
    metrics:
      exporters: [debug]
"""
_BARE = """
receivers: {otlp: {protocols: {http: {endpoint: "${env:LLMCOST_OTLP_HTTP}"}}}}
processors: {memory_limiter: {check_interval: 1s, limit_percentage: 80}}
exporters: {debug: {}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [debug]}}
"""


def names(models: int) -> list[str]:
    """Model names that look like real ones, spread over the alphabet."""
    return [f"{chr(97 + n % 26)}{n * 7919 % 10007:05d}-model-{n % 7}.{n % 10}" for n in range(models)]


def pricing(models: int, folder: Path, *, tokens: bool = False) -> str:
    """pricing.yaml for so many models."""
    rates = {"input": Decimal("1.25"), "cache_read": Decimal("0.125"), "output": Decimal(10)}
    rows = [
        Row(provider="openai", model=name, tier=tier, rates={m: rate + n % 500 for m, rate in rates.items()})
        for n, name in enumerate(names(models))
        for tier in ("standard", "batch", "flex", "priority")
    ]
    snapshot = folder / f"prices-{models}-{tokens}"
    write_snapshot(rows, [], snapshot, date=dt.date(2026, 11, 23), sources={})
    return pricing_document(load_book(snapshot_dir=snapshot), Options(tokens=tokens))


def batch(models: int) -> bytes:
    """500 spans over all the models."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    scope = resource.scope_spans.add()
    scope.scope.name = "@opentelemetry/instrumentation-openai"
    known = names(models)
    for number in range(BATCH):
        attributes = {**ATTRIBUTES, "gen_ai.response.model": known[number * 31 % models]}
        span = scope.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="chat", kind=3)
        span.start_time_unix_nano, span.end_time_unix_nano = time.time_ns() - 10**9, time.time_ns()
        for name, value in attributes.items():
            inner = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
            span.attributes.append(KeyValue(key=name, value=inner))
    return request.SerializeToString()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-protobuf"})
    urllib.request.urlopen(request, timeout=30).close()


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Running:
    """A started collector, on one core."""

    def __init__(self, folder: Path, name: str, configs: list[str]) -> None:
        address = free_address()
        self.url = f"http://{address}/v1/traces"
        arguments = []
        for number, config in enumerate(configs):
            path = folder / f"{name}-{number}.yaml"
            path.write_text(config)
            arguments += ["--config", str(path)]
        environment = {
            **os.environ,
            "GOMAXPROCS": "1",
            "LLMCOST_OTLP_HTTP": address,
            "LLMCOST_OTLP_GRPC": free_address(),
            "LLMCOST_HEALTH": free_address(),
            "LLMCOST_SCRAPE": free_address(),
            "LLMCOST_QUEUE_DIR": str(folder / f"{name}-queue"),
        }
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(COLLECTOR), *arguments], env=environment, stdout=log, stderr=log
            )

    def ready(self, body: bytes) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                return post(self.url, body)
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise SystemExit(self.log.read_text()[-2000:]) from None
                time.sleep(0.2)

    def microseconds(self, body: bytes) -> float:
        before = cpu_seconds(self.process.pid)
        for _ in range(BATCHES):
            post(self.url, body)
        return (cpu_seconds(self.process.pid) - before) / (BATCHES * BATCH) * 1e6


def pipelines(folder: Path) -> dict[str, tuple[list[str], bytes]]:
    """What is compared: configurations, and what is sent to them."""
    gateway = (ROOT / "collector-config" / "gateway.yaml").read_text()
    few, many = pricing(100, folder), pricing(2000, folder)
    tokens = pricing(2000, folder, tokens=True)
    return {
        "bare, no pricing": ([_BARE], batch(100)),
        BASE: ([gateway, _TO_NOWHERE], batch(100)),
        "gateway, 100 models": ([gateway, few, _TO_NOWHERE], batch(100)),
        "gateway, 2,000 models": ([gateway, many, _TO_NOWHERE], batch(2000)),
        "gateway, 2,000 models, --tokens": ([gateway, tokens, _TO_NOWHERE], batch(2000)),
    }


def measured(folder: Path) -> dict[str, float]:
    """Microseconds of CPU per span of each: the median of some rounds, in turns."""
    compared = pipelines(folder)
    started = {name: Running(folder, str(n), files) for n, (name, (files, _)) in enumerate(compared.items())}
    try:
        for name, one in started.items():
            one.ready(compared[name][1])
            one.microseconds(compared[name][1])
        rounds = [
            {name: one.microseconds(compared[name][1]) for name, one in started.items()}
            for _ in range(ROUNDS)
        ]
    finally:
        for one in started.values():
            one.process.terminate()
            one.process.wait(10)
    return {name: sorted(one[name] for one in rounds)[ROUNDS // 2] for name in compared}


def main() -> int:
    if not COLLECTOR.exists():
        print("the collector is not built; remedy: make backends")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        found = measured(Path(temporary))
    for name, value in found.items():
        print(f"{name:32} {value:7.1f} us of CPU per span   {value / found[BASE]:5.1f}x")
    growth = found["gateway, 2,000 models"] / found["gateway, 100 models"]
    print(f"{'growth from 100 to 2,000 models':32} {growth:7.2f}x")
    within = found["gateway, 2,000 models"] <= 20 * found[BASE] and growth <= 4
    print("within bounds" if within else "OUT OF BOUNDS (20x, 4x)")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())

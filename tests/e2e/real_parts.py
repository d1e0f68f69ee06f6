"""Starts the real backends from the files that the project ships, on free loopback ports, and stops them again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from ..loopback import free_port

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".backends" / "bin"
NAMES = ("otelcol-llmcost", "prometheus", "promtool", "jaeger", "alertmanager", "amtool")
CONFIG = ROOT / "collector-config"
PROMETHEUS = ROOT / "prometheus"

Found = TypeVar("Found")


def is_there(name: str) -> bool:
    return os.access(BIN / name, os.X_OK)


def binary(name: str) -> Path:
    """The path of a real part. A missing one is a failure in CI and a visible skip elsewhere."""
    return _found(name, is_there(name))


def shared(name: str) -> Path:
    """The path of a file that came with the real parts."""
    return _found(name, (BIN / name).is_file())


def _found(name: str, there: bool) -> Path:
    if there:
        return BIN / name
    message = f"{name} is not in .backends/bin; remedy: make backends"
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(message)
    pytest.skip(message)


def until(what: str, look: Callable[[], Found | None], seconds: float = 30.0) -> Found:
    """Ask `look` again and again until it answers with something true."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last answer {found!r}")
        time.sleep(0.1)


def get(url: str, **parameters: str) -> object:
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    with urllib.request.urlopen(url + query, timeout=10) as answer:
        body = answer.read()
    return json.loads(body) if body[:1] in (b"{", b"[") else body.decode()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(200 <= answer.status < 300)
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class Part:
    """One started backend."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    ready: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Part:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, stdout=log, stderr=log
            )
        until(f"{self.name} is ready, see {self.log}", self._ready_or_dead, 40)
        return self

    def _ready_or_dead(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-3000:]
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{tail}")
        return answers(self.ready)

    def kill(self) -> None:
        """Pull the plug."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


@dataclass
class Jaeger(Part):
    grpc: str = ""
    http: str = ""
    api: str = ""

    def trace(self, trace_id: str) -> list[dict[str, object]]:
        """The spans of a trace as Jaeger's API shows them: name, attributes, ids."""
        return self._found(f"{self.api}/api/v3/traces/{trace_id}")

    def spans(self, service: str) -> list[dict[str, object]]:
        return self._found(
            f"{self.api}/api/v3/traces",
            **{
                "query.service_name": service,
                "query.start_time_min": "2020-01-01T00:00:00Z",
                "query.start_time_max": "2100-01-01T00:00:00Z",
                "query.num_traces": "100000",
                "query.search_depth": "100000",
            },
        )

    @staticmethod
    def _found(url: str, **parameters: str) -> list[dict[str, object]]:
        try:
            return spans_of(get(url, **parameters))
        except urllib.error.HTTPError as error:
            if error.code == 404:  # nothing found
                return []
            raise


def spans_of(answer: object) -> list[dict[str, object]]:
    """Spans of an OTLP/JSON answer, attributes as a plain dictionary."""
    assert isinstance(answer, dict)
    result = answer.get("result", answer)
    found: list[dict[str, object]] = []
    for resource in result.get("resourceSpans", ()):
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                attributes = {a["key"]: plain(a["value"]) for a in span.get("attributes", ())}
                found.append({**span, "attributes": attributes})
    return found


def plain(value: Mapping[str, object]) -> object:
    """A plain value of an OTLP/JSON attribute value."""
    ((kind, inner),) = value.items()
    if kind == "intValue":
        return int(str(inner))
    if kind == "doubleValue":
        return float(str(inner))
    if kind == "arrayValue":
        assert isinstance(inner, dict)
        return [plain(v) for v in inner.get("values", ())]
    return inner


@dataclass
class Prometheus(Part):
    api: str = ""

    @property
    def otlp(self) -> str:
        return f"{self.api}/api/v1/otlp/v1/metrics"

    def query(self, expression: str, at: float | None = None) -> list[dict[str, object]]:
        """The instant vector of an expression; raises on a query that Prometheus refuses."""
        moment = {"time": f"{at:.3f}"} if at else {}
        answer = get(f"{self.api}/api/v1/query", query=expression, **moment)
        assert isinstance(answer, dict)
        result: list[dict[str, object]] = answer["data"]["result"]
        return result

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, object]]:
        answer = get(
            f"{self.api}/api/v1/query_range",
            query=expression,
            start=f"{start:.3f}",
            end=f"{end:.3f}",
            step=f"{step:g}",
        )
        assert isinstance(answer, dict)
        result: list[dict[str, object]] = answer["data"]["result"]
        return result

    def value(self, expression: str, at: float | None = None) -> float | None:
        """The one value of an expression, None where there is none."""
        rows = self.query(expression, at)
        assert len(rows) <= 1, rows
        return float(rows[0]["value"][1]) if rows else None  # type: ignore[index]

    def exemplars(self, expression: str) -> list[dict[str, object]]:
        now = time.time()
        answer = get(
            f"{self.api}/api/v1/query_exemplars",
            query=expression,
            start=f"{now - 3600:.3f}",
            end=f"{now + 60:.3f}",
        )
        assert isinstance(answer, dict)
        return [exemplar for series in answer["data"] for exemplar in series["exemplars"]]


@dataclass
class Collector(Part):
    http: str = ""
    grpc: str = ""


@dataclass
class Parts:
    """What one test started, in a folder of its own."""

    folder: Path
    started: list[Part] = field(default_factory=list)

    def _begin(self, part: Part) -> None:
        self.started.append(part)
        part.start()

    def stop(self) -> None:
        """End everything at once: nothing that a test asserts depends on how the parts end."""
        for part in reversed(self.started):
            part.kill()

    def jaeger(self) -> Jaeger:
        ports = [free_port() for _ in range(5)]
        grpc, http, query, query_grpc, health = (f"127.0.0.1:{port}" for port in ports)
        part = Jaeger(
            name="jaeger",
            command=[str(binary("jaeger")), "--config", str(ROOT / "deploy" / "jaeger.yaml")],
            environment={
                "JAEGER_OTLP_GRPC": grpc,
                "JAEGER_OTLP_HTTP": http,
                "JAEGER_QUERY_HTTP": query,
                "JAEGER_QUERY_GRPC": query_grpc,
                "JAEGER_HEALTH": health,
            },
            ready=f"http://{health}/status",
            log=self.folder / "jaeger.log",
            grpc=grpc,
            http=f"http://{http}/v1/traces",
            api=f"http://{query}",
        )
        self._begin(part)
        return part

    def prometheus(
        self, *, alertmanager: str = "", scrape: str = "", collectors: str = "", rules: Path | None = None
    ) -> Prometheus:
        """Prometheus on the shipped configuration, its addresses replaced by this test's own."""
        address = f"127.0.0.1:{free_port()}"
        text = (PROMETHEUS / "prometheus.yml").read_text()
        for shipped, own in (
            ("alertmanager:9093", alertmanager),
            ("gateway:8889", scrape),
            ("gateway:8887", collectors),
        ):
            assert shipped in text
            text = text.replace(shipped, own or "127.0.0.1:9")
        text = text.replace("rules/*.yml", f"{rules or PROMETHEUS / 'rules'}/*.yml")
        # The tests ask about seconds, not minutes.
        text = text.replace("scrape_interval: 15s", "scrape_interval: 1s")
        text = text.replace("evaluation_interval: 30s", "evaluation_interval: 1s")
        config = self.folder / "prometheus.yml"
        config.write_text(text)
        part = Prometheus(
            name="prometheus",
            command=[
                str(binary("prometheus")),
                f"--config.file={config}",
                f"--storage.tsdb.path={self.folder / 'tsdb'}",
                f"--web.listen-address={address}",
                "--web.enable-otlp-receiver",
                "--web.enable-remote-write-receiver",
                "--enable-feature=exemplar-storage",
                "--log.level=warn",
            ],
            environment={},
            ready=f"http://{address}/-/ready",
            log=self.folder / "prometheus.log",
            api=f"http://{address}",
        )
        self._begin(part)
        return part

    def alertmanager(self, config: Path) -> Part:
        address = f"127.0.0.1:{free_port()}"
        part = Part(
            name="alertmanager",
            command=[
                str(binary("alertmanager")),
                f"--config.file={config}",
                f"--storage.path={self.folder / 'alertmanager'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            environment={"ADDRESS": address},
            ready=f"http://{address}/-/ready",
            log=self.folder / "alertmanager.log",
        )
        self._begin(part)
        return part

    def collector(self, *configs: str | Path, name: str = "collector", **environment: str) -> Collector:
        """A collector on shipped configuration files (names of collector-config/ or paths)."""
        grpc, http, health = (f"127.0.0.1:{free_port()}" for _ in range(3))
        command = [str(binary("otelcol-llmcost"))]
        for config in configs:
            command += ["--config", str(CONFIG / config)]
        part = Collector(
            name=name,
            command=command,
            environment={
                "LLMCOST_OTLP_GRPC": grpc,
                "LLMCOST_OTLP_HTTP": http,
                "LLMCOST_HEALTH": health,
                "LLMCOST_QUEUE_DIR": str(self.folder / f"{name}-queue"),
                **environment,
            },
            ready=f"http://{health}/",
            log=self.folder / f"{name}.log",
            http=f"http://{http}",
            grpc=grpc,
        )
        self._begin(part)
        return part

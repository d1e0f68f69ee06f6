"""Programs in processes of their own, as a user starts them, against a provider and an OTLP endpoint on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

from .sink import Sink

BIN = Path(sys.executable).parent


@dataclass
class World:
    """A provider for each SDK, an OTLP endpoint, a ledger, and a way to run a program among them."""

    openai: DemoProvider
    anthropic: DemoProvider
    sink: Sink
    folder: Path

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "HOME", "SSL_CERT_FILE") if name in os.environ
        }
        return {
            **kept,
            "HOME": str(self.folder),
            "OPENAI_API_KEY": "sk-none",
            "ANTHROPIC_API_KEY": "sk-none",
            "OPENAI_BASE_URL": self.openai.openai_url,
            "ANTHROPIC_BASE_URL": self.anthropic.url,
            "OTEL_LLMCOST_HOSTS": f"127.0.0.1:{self.openai.port}=openai,127.0.0.1:{self.anthropic.port}=anthropic",
            "OTEL_LLMCOST_LEDGER": str(self.ledger),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "acceptance",
            "PYTHONWARNINGS": "ignore",
            **more,
        }

    def run(
        self, program: str, *, wrapper: tuple[str, ...] = ("opentelemetry-instrument",), **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python program to its end; fails the test where it fails or says anything went wrong."""
        done = self.start(program, wrapper=wrapper, **more)
        assert done.returncode == 0, done.stderr
        for line in done.stderr.splitlines():
            assert "Traceback" not in line, done.stderr
            assert "otel-llmcost:" not in line, done.stderr
            assert "Failed to detach context" not in line, done.stderr
        return done

    def start(
        self,
        program: str,
        *,
        wrapper: tuple[str, ...] = ("opentelemetry-instrument",),
        timeout: float = 120,
        **more: str,
    ) -> subprocess.CompletedProcess[str]:
        path = self.folder / "app.py"
        path.write_text(textwrap.dedent(program), encoding="utf-8")
        start = [str(BIN / part) if (BIN / part).exists() else part for part in wrapper]
        return subprocess.run(
            [*start, sys.executable, str(path)],
            env=self.environment(**more),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with DemoProvider() as openai, DemoProvider() as anthropic, Sink() as sink:
        yield World(openai, anthropic, sink, tmp_path)


Run = Callable[..., subprocess.CompletedProcess[str]]

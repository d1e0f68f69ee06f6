"""A priced call to keep, and Python programs to keep it from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from otel_llmcost.call import Call, Priced, Tags

CALL = Call(
    key="otel:4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7",
    provider="openai",
    request_model="gpt-5.4-mini",
    response_model="gpt-5.4-mini-2026-03-17",
    start_ns=1_795_000_000_000_000_001,
    end_ns=1_795_000_001_250_000_002,
    usage={"input": 1200, "cache_read": 800, "output": 350},
    tier="flex",
    host="api.openai.com",
    port=443,
    response_id="chatcmpl-1",
    finish_reasons=("stop",),
    tags=Tags(source="extraction"),
)
PRICED = Priced(
    status="exact",
    amount=2_425_200_000_000_001,
    components={
        "input": 900_000_000_000_001,
        "cache_read": 60_000_000_000_000,
        "output": 1_465_200_000_000_000,
    },
    version="2026-11-20+3f9a1c2b",
    savings=540_000_000_000_000,
)


@pytest.fixture
def call() -> Callable[..., Call]:
    """A call with some fields changed."""
    return lambda **changes: replace(CALL, **changes)


@pytest.fixture
def priced() -> Callable[..., Priced]:
    """A price with some fields changed."""
    return lambda **changes: replace(PRICED, **changes)


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a Python program with `tmp_path` as its first argument."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", source, str(tmp_path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()

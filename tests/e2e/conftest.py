"""The real backends: which of them were found stands in the report's head."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

from ..acceptance.conftest import World
from ..acceptance.sink import Sink
from . import real_parts


def pytest_report_header() -> list[str]:
    lines = []
    for name in real_parts.NAMES:
        version = real_parts.BIN / f".{name}.version"
        told = version.read_text() if version.exists() else "version unknown"
        lines.append(f"real {name}: {told if real_parts.is_there(name) else 'MISSING (make backends)'}")
    return lines


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        long = item.get_closest_marker("endurance") is not None
        if Path(str(item.path)).parent == Path(__file__).parent and not long:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[real_parts.Parts]:
    started = real_parts.Parts(tmp_path)
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[World]:
    """Instrumented programs with the real SDKs, in processes of their own."""
    folder = tmp_path / "apps"
    folder.mkdir()
    with DemoProvider() as openai, DemoProvider() as anthropic, Sink() as sink:
        yield World(openai, anthropic, sink, folder)

"""The real backends, or a word about why not: a missing one is a failure in CI and a visible skip elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import real_parts


def pytest_report_header() -> list[str]:
    lines = []
    for name in real_parts.NAMES:
        version = real_parts.BIN / f".{name}.version"
        found = name not in real_parts.missing()
        told = version.read_text() if version.exists() else "version unknown"
        lines.append(f"real {name}: {told if found else 'MISSING (make backends)'}")
    return lines


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(str(item.path)).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def binaries() -> None:
    absent = real_parts.missing()
    if not absent:
        return
    message = f"missing in .backends/bin: {', '.join(absent)}; remedy: make backends"
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def parts(binaries: None, tmp_path: Path) -> Iterator[real_parts.Parts]:
    started = real_parts.Parts(tmp_path)
    try:
        yield started
    finally:
        started.stop()

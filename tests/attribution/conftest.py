from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_llmcost import attribution


@pytest.fixture(autouse=True)
def settings_put_back() -> Iterator[None]:
    """Attribution's settings are one per process: each test leaves the default ones behind."""
    yield
    attribution.configure(attribution.AttributionSettings())

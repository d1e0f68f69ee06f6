"""Realistic bodies and what they bought. `tests/bodies/*.json`: each with its arithmetic (`about`), typed by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from otel_llmcost.call import Reading, code_of
from otel_llmcost.usage import read_body

BODIES = Path(__file__).parent.parent / "bodies"
PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "others": "", "hosts": ""}


def cases() -> list[Any]:
    return [
        pytest.param(case.get("provider", PROVIDERS[path.stem]), case, id=f"{path.stem}: {name}")
        for path in sorted(BODIES.glob("*.json"))
        for name, case in json.loads(path.read_text()).items()
    ]


def quantities(usage: dict[str, Any]) -> dict[str, int | Decimal]:
    return {meter: Decimal(some) if isinstance(some, str) else some for meter, some in usage.items()}


def read(provider: str, case: dict[str, Any]) -> Reading:
    return read_body(provider, case["body"], api=case.get("api", ""), request=case.get("request"))


@pytest.mark.parametrize(("provider", "case"), cases())
def test_body(provider: str, case: dict[str, Any]) -> None:
    reading = read(provider, case)
    assert dict(reading.usage) == quantities(case["usage"]), case["about"]
    assert [code_of(text) for text in reading.notes] == case.get("notes", [])
    for number in case.get("says", []):
        assert number in " ".join(reading.notes)
    told = [[line.model, dict(line.usage)] for line in reading.lines]
    assert told == case.get("lines", [])
    assert reading.reported == (Decimal(case["reported"]) if "reported" in case else None)
    for name in ("tier", "model", "region", "speed", "variant", "response_id", "conversation"):
        if name in case:
            assert getattr(reading, name) == case[name]
    for name in ("region", "speed", "variant"):
        assert getattr(reading, name) == case.get(name, "")
    if "finish_reasons" in case:
        assert list(reading.finish_reasons) == case["finish_reasons"]


@pytest.mark.parametrize(("provider", "case"), cases())
def test_lines_add_up_to_the_usage(provider: str, case: dict[str, Any]) -> None:
    reading = read(provider, case)
    if reading.lines:
        whole: dict[str, Any] = {}
        for line in reading.lines:
            assert line.provider == provider
            for meter, quantity in line.usage.items():
                whole[meter] = whole.get(meter, 0) + quantity
        assert whole == dict(reading.usage)

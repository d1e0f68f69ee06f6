"""Served terms that nobody knows yet are kept: they are never priced as the standard ones."""

from __future__ import annotations

import pytest

from otel_llmcost.call import Call
from otel_llmcost.prices import load_book
from otel_llmcost.usage import read_body

NOVEMBER_21 = 1_795_219_200_000_000_000  # 2026-11-21T00:00:00Z
BOOK = load_book()


@pytest.mark.parametrize(
    ("speed", "status"), [("standard", "exact"), (None, "exact"), (3, "exact"), ("warp", "unpriced")]
)
def test_a_speed(speed: object, status: str) -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, "speed": speed}
    reading = read_body("anthropic", {"type": "message", "model": "claude-sonnet-4-5", "usage": usage})
    call = Call(
        key="otel:00000000000000000000000000000001:0000000000000002",
        provider="anthropic",
        response_model=reading.model,
        start_ns=NOVEMBER_21,
        end_ns=NOVEMBER_21,
        usage=reading.usage,
        speed=reading.speed,
    )
    priced = BOOK.price(call)
    assert priced.status == status
    if status == "unpriced":
        assert priced.amount is None
        assert "speed warp" in priced.reasons[0]

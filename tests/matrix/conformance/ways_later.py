"""Work that is paid later: visible as pending when it is asked for, settled once when its result is first seen."""

from __future__ import annotations

from decimal import Decimal

from .bench import Bench
from .surfaces import ASK, MESSAGES, RESPONSES
from .way import Expect, way

_PENDING = Expect(None, "pending", "pending")


@way(
    "openai",
    "responses",
    "in the background, polled past its end",
    _PENDING,
    Expect(RESPONSES.cost),
    needs="responses",
)
async def background(bench: Bench) -> None:
    made = await bench.wait(bench.client.responses.create(**RESPONSES.asked, background=True))
    bench.saw(made)
    for _ in range(4):
        bench.saw(await bench.wait(bench.client.responses.retrieve(made.id)))


@way("openai", "responses", "read again after a whole answer", Expect(RESPONSES.cost), needs="responses")
async def read_again(bench: Bench) -> None:
    made = await bench.wait(bench.client.responses.create(**RESPONSES.asked))
    bench.saw(await bench.wait(bench.client.responses.retrieve(made.id)))


@way(
    "openai",
    "batches",
    "polled past its end",
    _PENDING,
    Expect((2400 * Decimal("0.25") + 600 * Decimal(2)) / 2 / 10**6),
)
async def openai_batch(bench: Bench) -> None:
    """gpt-5-mini at half of 0.25 and 2 USD per million tokens (openai.com/api/pricing, checked 2026-11-23)."""
    batches = bench.client.batches
    asked = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "input_file_id": "file_1"}
    made = await bench.wait(batches.create(**asked))
    for _ in range(4):
        bench.saw(await bench.wait(batches.retrieve(made.id)))


@way(
    "anthropic",
    "messages.batches",
    "results read twice: each counts once",
    _PENDING,
    Expect(MESSAGES.cost / 2),
    Expect(MESSAGES.cost / 2),
    needs="messages.batches.results",
)
async def batch(bench: Bench) -> None:
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": ASK}
    requests = [{"custom_id": name, "params": asked} for name in ("first", "second")]
    batches = bench.client.messages.batches
    made = await bench.wait(batches.create(requests=requests))
    for _ in range(2):
        await bench.each(await bench.wait(batches.results(made.id)), bench.saw)

"""Recorded answers of `tests/bodies` through the SDKs: what is billed beside the plain tokens, and by whom.

Prices in USD per million tokens, checked 2026-11-23: gpt-5 1.25, cached 0.125, 10; gpt-5-mini 0.25, 2; gpt-image-1
text 5, cached 1.25, image 10, cached 2.50, out 40 (openai.com/api/pricing). Claude Sonnet 4.5 3, read 0.30, written
3.75 (an hour: 6), 15; Claude Opus 4.8 5, 25; Claude Fable 5 10, 50 (claude.com/pricing). A search costs 0.01, a search
in files 0.0025, a container 0.03.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from otel_llmcost.server.demo_provider import Reply

from .bench import Bench
from .surfaces import MESSAGES, RESPONSES
from .way import Expect, way

_BODIES = Path(__file__).parent.parent.parent / "bodies"
_RECORDED = {
    sdk: json.loads((_BODIES / f"{sdk}.json").read_text(encoding="utf-8")) for sdk in ("openai", "anthropic")
}
_MILLION = 10**6
_MESSAGE = (
    10 * Decimal(3) + 1000 * Decimal("0.3") + 2000 * Decimal("3.75") + 500 * Decimal(6) + 100 * Decimal(15)
)
_RESPONSE = 1488 * Decimal("1.25") + 512 * Decimal("0.125") + 400 * Decimal(10)
_SVG = 50 * Decimal("0.25") + 200 * Decimal(2)
_IMAGE = 18 * Decimal(5) + 2 * Decimal("1.25") + 32 * Decimal(10) + 8 * Decimal("2.50") + 272 * Decimal(40)
_ADVISED = (
    1760 * Decimal(3) + 412 * Decimal("0.3") + 531 * Decimal(15) + 823 * Decimal(5) + 1612 * Decimal(25)
)

_ANTHROPIC: tuple[tuple[str, Decimal], ...] = (
    ("message", _MESSAGE),
    ("message with server tools", _MESSAGE + 2 * 10_000),
    ("advisor", _ADVISED),
    ("compaction", 3500 * Decimal(3) + 980 * Decimal(15)),
    ("fallback", 700 * Decimal(3) + 90 * Decimal(15)),
    (
        "fallback after a partial answer",
        700 * Decimal(3) + 90 * Decimal(15) + 650 * Decimal(10) + 30 * Decimal(50),
    ),
)
_OPENAI: tuple[tuple[str, Decimal], ...] = (
    ("response with searches told", _RESPONSE + 3 * 10_000),
    ("response with containers", _RESPONSE + 2 * 30_000 + 2_500),
    ("response with an image", _RESPONSE + _IMAGE),
    ("response with an SVG", _RESPONSE + _SVG),
)

for _path in ("messages", "beta.messages"):
    for _name, _cost in _ANTHROPIC:

        @way("anthropic", f"{_path}: answers", _name, Expect(_cost / _MILLION), needs=_path)
        async def answered(bench: Bench, path: str = _path, name: str = _name) -> None:
            bench.provider.script([Reply(_RECORDED["anthropic"][name]["body"])])
            owner = bench.client.beta if path.startswith("beta") else bench.client
            bench.saw(await bench.wait(owner.messages.create(**MESSAGES.asked)))


for _name, _cost in _OPENAI:

    @way("openai", "responses: answers", _name, Expect(_cost / _MILLION), needs="responses")
    async def responded(bench: Bench, name: str = _name) -> None:
        bench.provider.script([Reply(_RECORDED["openai"][name]["body"])])
        asked = {**RESPONSES.asked, "model": "gpt-5"}
        bench.saw(await bench.wait(bench.client.responses.create(**asked)))


@way(
    "openai",
    "responses",
    "compact",
    Expect((3000 * Decimal(2) + 200 * Decimal(8)) / _MILLION),
    needs="responses.compact",
)
async def compacted(bench: Bench) -> None:
    bench.saw(await bench.wait(bench.client.responses.compact(**RESPONSES.asked)))


@way(
    "openai",
    "images",
    "generate, an SVG beside the image",
    Expect((50 * Decimal(5) + 4160 * Decimal(40) + _SVG) / _MILLION),
)
async def svg(bench: Bench) -> None:
    svg_usage = {"model": "gpt-5-mini", "input_tokens": 50, "output_tokens": 200, "reasoning_tokens": 80}
    usage = {
        "input_tokens": 50,
        "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
        "output_tokens": 4160,
        "total_tokens": 4210,
    }
    body: dict[str, Any] = {
        "created": 1,
        "data": [{"b64_json": "AA=="}],
        "usage": usage,
        "svg_usage": svg_usage,
    }
    bench.provider.script([Reply(body)])
    bench.saw(await bench.wait(bench.client.images.generate(model="gpt-image-1", prompt="a cat")))

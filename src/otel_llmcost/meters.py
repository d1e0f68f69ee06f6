"""The meters: disjoint billable quantities, and the cost component that each belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

Quantity = int | Decimal
Usage = Mapping[str, Quantity]
"""Meter -> billable quantity. Disjoint: no token stands in two meters. Zeros are left out."""

INPUT_METERS = ("input", "input_audio", "input_image", "input_video")
CACHE_READ_METERS = ("cache_read", "cache_read_audio", "cache_read_image")
CACHE_WRITE_METERS = (
    "cache_write",
    "cache_write_5m",
    "cache_write_30m",
    "cache_write_1h",
    "cache_write_12h",
)
OUTPUT_METERS = ("output", "output_reasoning", "output_audio", "output_image")
UNIT_METERS = ("image", "audio_second", "video_second", "character", "page", "search_unit", "request")
TOOL_METERS = ("web_search", "grounded_prompt", "file_search", "code_execution", "container")

TOKEN_METERS = INPUT_METERS + CACHE_READ_METERS + CACHE_WRITE_METERS + OUTPUT_METERS
METERS = TOKEN_METERS + UNIT_METERS + TOOL_METERS

COMPONENT: dict[str, str] = {
    **dict.fromkeys(INPUT_METERS, "input"),
    **dict.fromkeys(CACHE_READ_METERS, "cache_read"),
    **dict.fromkeys(CACHE_WRITE_METERS, "cache_write"),
    **dict.fromkeys(OUTPUT_METERS, "output"),
    **dict.fromkeys(UNIT_METERS, "units"),
    **dict.fromkeys(TOOL_METERS, "tools"),
}
COMPONENTS = ("input", "cache_read", "cache_write", "output", "units", "tools")

PROMPT_METERS = INPUT_METERS + CACHE_READ_METERS + CACHE_WRITE_METERS
"""What counts towards a long-context threshold and towards `gen_ai.usage.input_tokens`."""


def total(usage: Usage, meters: tuple[str, ...]) -> int:
    """The whole-number sum of some token meters."""
    whole = 0
    for meter, quantity in usage.items():  # a third of the time of a sum over a generator
        if meter in meters:
            whole += int(quantity)
    return whole

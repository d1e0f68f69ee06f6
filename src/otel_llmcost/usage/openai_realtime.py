"""OpenAI's realtime sessions: the usage of a `response.done` event, every modality cached or not.

Types of openai 3.54 (`types/realtime/realtime_response_usage.py`), checked 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import Reading
from .compatible import add_tier
from .inclusive import Meters, Parts, split
from .quantities import count, explained, table, text

Body = Mapping[str, object]


def read_realtime(event: Body) -> Reading:
    """A `response.done` event, or the response in it; the session's model is not in either."""
    response = table(event.get("response")) or event
    notes: list[str] = []
    usage = table(response.get("usage"))
    reading = Reading(text(response.get("model")), text(response.get("id")))
    status = text(response.get("status"))
    reading.finish_reasons = (status,) if status else ()
    if usage:
        reading.usage = realtime_meters(usage, notes)
    add_tier(reading, response, usage, notes)
    reading.notes = explained(reading, notes)
    return reading


def realtime_meters(usage: Body, notes: list[str]) -> Meters:
    """The disjoint meters of a realtime usage object."""
    given, made = table(usage.get("input_token_details")), table(usage.get("output_token_details"))
    cached = table(given.get("cached_tokens_details"))
    parts: Parts = ()
    for kind in ("audio", "image"):
        whole = count(given.get(f"{kind}_tokens"), f"input {kind}_tokens", notes)
        read = min(count(cached.get(f"{kind}_tokens"), f"cached {kind}_tokens", notes), whole)
        parts += ((f"cache_read_{kind}", read), (f"input_{kind}", whole - read))
    elsewhere = sum(quantity for meter, quantity in parts if meter.startswith("cache_"))
    all_cached = count(given.get("cached_tokens"), "cached_tokens", notes)
    parts = (("cache_read", max(all_cached - elsewhere, 0)), *parts)
    meters: Meters = {}
    split(
        meters, count(usage.get("input_tokens"), "input_tokens", notes), parts, "input", "input_tokens", notes
    )
    spoken = (("output_audio", count(made.get("audio_tokens"), "output audio_tokens", notes)),)
    total = count(usage.get("output_tokens"), "output_tokens", notes)
    split(meters, total, spoken, "output", "output_tokens", notes)
    return meters

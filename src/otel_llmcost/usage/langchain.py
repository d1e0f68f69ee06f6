"""LangChain's messages: `usage_metadata` counts inclusively for every provider.

https://docs.langchain.com/oss/python/langchain/messages, checked 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import Reading
from .inclusive import Meters, lifetime_parts, split
from .quantities import count, explained, table, text

Body = Mapping[str, object]


def read_message(body: Body) -> Reading:
    """An AIMessage: its own counts, and the model that its response metadata names."""
    notes: list[str] = []
    usage = table(body.get("usage_metadata"))
    told = table(body.get("response_metadata"))
    details, made_of = table(usage.get("input_token_details")), table(usage.get("output_token_details"))
    short = count(details.get("ephemeral_5m_input_tokens"), "ephemeral_5m_input_tokens", notes)
    long = count(details.get("ephemeral_1h_input_tokens"), "ephemeral_1h_input_tokens", notes)
    written = count(details.get("cache_creation"), "cache_creation", notes)
    lived = (("cache_write_5m", short), ("cache_write_1h", long))
    parts = (
        ("cache_read", count(details.get("cache_read"), "cache_read", notes)),
        *(
            lifetime_parts(written, lived, "cache_creation", notes)
            if short or long
            else (("cache_write", written),)
        ),
        ("input_audio", count(details.get("audio"), "input audio", notes)),
    )
    meters: Meters = {}
    split(
        meters, count(usage.get("input_tokens"), "input_tokens", notes), parts, "input", "input_tokens", notes
    )
    made = (
        ("output_reasoning", count(made_of.get("reasoning"), "reasoning", notes)),
        ("output_audio", count(made_of.get("audio"), "output audio", notes)),
    )
    split(
        meters,
        count(usage.get("output_tokens"), "output_tokens", notes),
        made,
        "output",
        "output_tokens",
        notes,
    )
    model = text(told.get("model_name")) or text(told.get("model"))
    reading = Reading(model, text(told.get("id")), meters)
    reading.notes = explained(reading, notes)
    return reading

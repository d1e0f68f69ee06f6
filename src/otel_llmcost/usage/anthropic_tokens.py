"""Anthropic's token counts: exclusive, with cache writes by lifetime; of a message or of one iteration."""

from __future__ import annotations

from collections.abc import Mapping

from ..call import INCOMPLETE_NOTE, note
from .inclusive import Meters, Parts, lifetime_parts, split
from .quantities import count, table

Body = Mapping[str, object]


_SIMPLE = (("input_tokens", "input"), ("cache_read_input_tokens", "cache_read"))


def token_meters(usage: Body, notes: list[str]) -> Meters:
    """The token meters. `output_tokens` includes thinking, `input_tokens` excludes everything cached."""
    meters: Meters = {}
    get = usage.get
    for field, meter in _SIMPLE:
        told = get(field)
        if told:
            tokens = count(told, field, notes)
            if tokens:
                meters[meter] = tokens
    written, lifetimes = get("cache_creation_input_tokens"), get("cache_creation")
    if written or lifetimes:
        _add_written(meters, written, table(lifetimes), notes)
    made = count(get("output_tokens"), "output_tokens", notes)
    details = get("output_tokens_details")
    thinking = details.get("thinking_tokens") if isinstance(details, dict) else None
    if thinking:
        thought = count(thinking, "thinking_tokens", notes)
        split(meters, made, (("output_reasoning", thought),), "output", "output_tokens", notes)
    elif made:
        meters["output"] = made
    if "input_tokens" not in usage and "output_tokens" not in usage:
        notes.append(note(INCOMPLETE_NOTE, "usage has neither input_tokens nor output_tokens"))
    return meters


def _add_written(meters: Meters, written: object, lifetimes: Body, notes: list[str]) -> None:
    total = count(written, "cache_creation_input_tokens", notes)
    short = count(lifetimes.get("ephemeral_5m_input_tokens"), "ephemeral_5m_input_tokens", notes)
    long = count(lifetimes.get("ephemeral_1h_input_tokens"), "ephemeral_1h_input_tokens", notes)
    # A split of zeros beside a total is no split: some gateways fill the object in by default.
    parts: Parts = (("cache_write", total),)
    if short or long:
        parts = (("cache_write_5m", short), ("cache_write_1h", long))
        if short + long != total:
            if written == 0:
                notes.append(
                    note(
                        INCOMPLETE_NOTE,
                        f"cache_creation_input_tokens is 0, its lifetimes add up to {short + long}",
                    )
                )
            parts = lifetime_parts(total, parts, "cache_creation_input_tokens", notes)
    for meter, quantity in parts:
        if quantity:
            meters[meter] = quantity

"""From counts that include each other (OpenAI, Gemini and most others) to meters that do not."""

from __future__ import annotations

from collections.abc import Mapping

from ..call import ESTIMATED_NOTE, INCOMPLETE_NOTE, note
from ..meters import Quantity
from .quantities import count, table

Meters = dict[str, Quantity]
Parts = tuple[tuple[str, int], ...]
"""Meter and quantity, in the order in which they keep their place when the total is too small."""


def split(meters: Meters, total: int, parts: Parts, rest: str, name: str, notes: list[str]) -> None:
    """Put `parts` into their meters and what they leave of `total` into the meter `rest`.

    Parts beyond the total cannot be true: they are cut to it, in their order, and a note names both numbers.
    """
    left = total
    for meter, quantity in parts:
        if quantity:
            if quantity > left:
                claimed = sum(some for _, some in parts)
                notes.append(
                    note(INCOMPLETE_NOTE, f"{name} is {total}, its parts are {claimed}: {_named(parts)}")
                )
                if left:
                    meters[meter] = meters.get(meter, 0) + left
                return
            meters[meter] = meters.get(meter, 0) + quantity
            left -= quantity
    if left:
        meters[rest] = meters.get(rest, 0) + left


def _named(parts: Parts) -> str:
    return ", ".join(f"{meter} {quantity}" for meter, quantity in parts if quantity)


_LIFETIMES = {
    "ttl_30m_tokens": "cache_write_30m",
    "ttl_12h_tokens": "cache_write_12h",
    "ephemeral_5m_input_tokens": "cache_write_5m",
    "ephemeral_1h_input_tokens": "cache_write_1h",
}


def written_parts(written: int, lifetimes: object, name: str, notes: list[str]) -> Parts:
    """Cache writes by lifetime, where OpenAI's or (through a gateway) Anthropic's details tell them."""
    told = table(lifetimes)
    lived = tuple(
        (meter, count(told.get(field), field, notes)) for field, meter in _LIFETIMES.items() if field in told
    )
    if not any(quantity for _, quantity in lived):
        return (("cache_write", written),)
    return lifetime_parts(written, lived, name, notes)


def lifetime_parts(written: int, lifetimes: Parts, name: str, notes: list[str]) -> Parts:
    """Lifetimes that add up to `written`; the rest goes to `cache_write` and the note says `estimated`.

    Lifetimes beyond the total cannot be true: the total stays, without a lifetime, and a note names both.
    """
    known = sum(quantity for _, quantity in lifetimes)
    if known == written:
        return lifetimes
    if known > written:
        if not written:
            return lifetimes  # the total is missing, not zero
        notes.append(note(INCOMPLETE_NOTE, f"{name} is {written}, its lifetimes add up to {known}"))
        return (("cache_write", written),)
    if known:
        notes.append(
            note(ESTIMATED_NOTE, f"{name} is {written}, only {known} of it with a known cache lifetime")
        )
    return (*lifetimes, ("cache_write", written - known))


def cached_by_modality(
    cached: int, text_tokens: int, audio: int, details: Mapping[str, object], notes: list[str]
) -> tuple[int, int]:
    """(cached text, cached audio). Where nobody says, text is cached first, and a note says `estimated`."""
    if details:
        cached_audio = count(details.get("audio_tokens"), "cached audio_tokens", notes)
        return cached - min(cached_audio, cached), min(cached_audio, cached)
    if not cached or not audio:
        return cached, 0
    notes.append(
        note(ESTIMATED_NOTE, f"which of {cached} cached tokens are audio is not said; text is assumed first")
    )
    from_audio = min(max(cached - max(text_tokens, 0), 0), audio)
    return cached - from_audio, from_audio

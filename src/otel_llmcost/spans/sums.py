"""From the conventions' sums, which include each other, back to disjoint meters."""

from __future__ import annotations

from collections.abc import Mapping

from .. import semconv as s
from ..call import INCOMPLETE_NOTE, note
from ..meters import TOKEN_METERS
from ..usage.inclusive import Meters, Parts, lifetime_parts, split
from ..usage.quantities import count, measure

Attributes = Mapping[str, object]

_LIFETIMES = ("cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h")
_ON_SPANS_AS_SUMS = frozenset(TOKEN_METERS)


def usage_of(attributes: Attributes, notes: list[str]) -> Meters:
    """The disjoint meters of a span that counts as the conventions say; what cannot be true is noted."""
    meters: Meters = {}
    _add_input(meters, attributes, notes)
    _add_output(meters, attributes, notes)
    for name, value in attributes.items():
        if isinstance(name, str) and name.startswith(s.USAGE_PREFIX):
            meter = name[len(s.USAGE_PREFIX) :]
            if meter and meter not in _ON_SPANS_AS_SUMS:
                quantity = measure(value, name, notes)
                if quantity:
                    meters[meter] = quantity
    return meters


def _add_input(meters: Meters, attributes: Attributes, notes: list[str]) -> None:
    audio, audio_read = _subset(attributes, s.AUDIO_INPUT_TOKENS, s.AUDIO_CACHE_READ_TOKENS, "audio", notes)
    image, image_read = _subset(attributes, s.IMAGE_INPUT_TOKENS, s.IMAGE_CACHE_READ_TOKENS, "image", notes)
    video = _metered(attributes, "input_video", notes)
    if s.CACHE_READ_TOKENS in attributes:
        read = count(attributes[s.CACHE_READ_TOKENS], s.CACHE_READ_TOKENS, notes)
        read_text = max(read - audio_read - image_read, 0)
    else:
        read_text = _metered(attributes, "cache_read", notes)
    parts = (
        ("cache_read", read_text),
        ("cache_read_audio", audio_read),
        ("cache_read_image", image_read),
        *_written(attributes, notes),
        ("input_audio", audio),
        ("input_image", image),
        ("input_video", video),
    )
    said = attributes.get(s.INPUT_TOKENS)
    known = sum(quantity for _, quantity in parts)
    if said is None and known:
        notes.append(note(INCOMPLETE_NOTE, f"{s.INPUT_TOKENS} is missing, its parts are {known}"))
        split(meters, known, parts, "input", s.INPUT_TOKENS, notes)
    else:
        split(meters, count(said, s.INPUT_TOKENS, notes), parts, "input", s.INPUT_TOKENS, notes)


def _metered(attributes: Attributes, meter: str, notes: list[str]) -> int:
    """A meter under our own name, where a span says it so: disjoint, as meters are."""
    name = s.USAGE_PREFIX + meter
    return count(attributes.get(name), name, notes)


def _subset(
    attributes: Attributes, whole: str, cached: str, modality: str, notes: list[str]
) -> tuple[int, int]:
    """(uncached, cached) tokens of one modality."""
    if cached in attributes:
        read = count(attributes[cached], cached, notes)
    else:
        read = _metered(attributes, f"cache_read_{modality}", notes)
    if whole not in attributes:
        return _metered(attributes, f"input_{modality}", notes), read
    tokens = count(attributes[whole], whole, notes)
    if read > tokens:
        notes.append(note(INCOMPLETE_NOTE, f"{whole} is {tokens}, {cached} is {read}"))
        read = tokens
    return max(tokens - read, 0), read


def _written(attributes: Attributes, notes: list[str]) -> Parts:
    total = attributes.get(s.CACHE_WRITE_TOKENS)
    total = attributes.get(s.CACHE_WRITE_TOKENS_OLD) if total is None else total
    lived: Parts = tuple(
        (meter, quantity)
        for meter in _LIFETIMES
        if (quantity := count(attributes.get(s.USAGE_PREFIX + meter), s.USAGE_PREFIX + meter, notes))
    )
    if total is None:
        return (*lived, ("cache_write", _metered(attributes, "cache_write", notes)))
    written = count(total, s.CACHE_WRITE_TOKENS, notes)
    rest = written - sum(quantity for _, quantity in lived)
    if rest < 0:
        return lifetime_parts(written, lived, s.CACHE_WRITE_TOKENS, notes)
    return (*lived, ("cache_write", rest))


def _add_output(meters: Meters, attributes: Attributes, notes: list[str]) -> None:
    parts = (
        _produced(attributes, s.REASONING_TOKENS, "output_reasoning", notes),
        _produced(attributes, s.AUDIO_OUTPUT_TOKENS, "output_audio", notes),
        _produced(attributes, s.IMAGE_OUTPUT_TOKENS, "output_image", notes),
    )
    said = attributes.get(s.OUTPUT_TOKENS)
    known = sum(quantity for _, quantity in parts)
    total = count(said, s.OUTPUT_TOKENS, notes) if said is not None else known
    split(meters, total, parts, "output", s.OUTPUT_TOKENS, notes)


def _produced(attributes: Attributes, name: str, meter: str, notes: list[str]) -> tuple[str, int]:
    if name in attributes:
        return meter, count(attributes[name], name, notes)
    return meter, _metered(attributes, meter, notes)

"""What a stream has used that does not tell it, or not to its end: counted from what was sent and seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..call import (
    BROKEN_OFF,
    ESTIMATED_NOTE,
    INCOMPLETE_NOTE,
    NO_USAGE_NOTE,
    NOTED,
    PENDING_NOTE,
    Reading,
    code_of,
    note,
)
from ..meters import OUTPUT_METERS, PROMPT_METERS
from ..usage.quantities import total_of
from .exchange import Exchange

_CHARACTERS_PER_TOKEN = 4
"""English text and code average 3.5 to 4.5 characters a token with the current tokenizers; estimates say so."""


def estimate(
    exchange: Exchange, asked: Mapping[str, Any], reading: Reading, *, failed: bool, remedy: str
) -> None:
    """Estimate what a stream did not say because it ended early or was not asked for its usage (`remedy`)."""
    collector = exchange.collector
    if reading.reported is not None or collector.body is not None:
        return
    if not collector.lacks_usage():
        old = collector.usage_is_old()
        if old:
            reading.notes = (*reading.notes, note(ESTIMATED_NOTE, f"{old}: it is a lower bound"))
        return
    seen = _tokens(collector.characters)
    told = reading.lines[0].usage if reading.lines else reading.usage
    usage: dict[str, Any] = {m: q for m, q in told.items() if m not in OUTPUT_METERS}
    said = [f"{collector.characters} characters seen: {seen} output tokens"]
    if not any(meter in usage for meter in PROMPT_METERS):
        characters = sum(_characters(asked))
        usage["input"] = _tokens(characters)
        said.append(f"{characters} characters sent: {usage['input']} input tokens")
        if _has_media(asked):
            text = "images, sound and files of the request are in no estimate"
            reading.notes = (*reading.notes, note(INCOMPLETE_NOTE, text))
    if seen:
        usage["output"] = seen
    reading.usage = {meter: quantity for meter, quantity in usage.items() if quantity}
    if reading.lines:  # the model's own comes first, before what its tools used
        own, *others = reading.lines
        reading.lines = (own._replace(usage=reading.usage), *others)
        reading.usage = total_of(reading.lines)
    # a response that runs in the foreground ends with its stream: nothing of it is paid later
    kept = tuple(
        text
        for text in reading.notes
        if code_of(text) not in (NO_USAGE_NOTE, PENDING_NOTE) and text != BROKEN_OFF
    )
    # the counts apart: the same reason, many times, is one line of a report
    counts, why = note(NOTED, f"estimated from {', '.join(said)}"), _why(exchange, failed, remedy)
    reading.notes = (*kept, counts, note(ESTIMATED_NOTE, why))


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)


def _why(exchange: Exchange, failed: bool, remedy: str) -> str:
    if failed:
        how = "failed"
    elif exchange.collector.complete:
        return f"the stream carried no usage{f'; remedy: {remedy}' if remedy else ''}"
    else:
        how = "ended" if exchange.read else "was left"
    return f"the stream {how} before its usage came"


_MEDIA = frozenset(
    {
        "image",
        "image_url",
        "input_image",
        "audio",
        "input_audio",
        "document",
        "file",
        "input_file",
        "video_url",
    }
)


def _has_media(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("type") in _MEDIA or any(_has_media(value.get(name)) for name in _PARTS)
    return isinstance(value, list | tuple) and any(map(_has_media, value))


_PARTS = ("messages", "input", "content", "output")
_TEXTS = frozenset({"messages", "input", "instructions", "system", "prompt", "content", "text", "arguments"})
_AS_JSON = frozenset({"tools", "functions", "tool_calls", "function_call"})
"""What the model reads as JSON: tools that it may call, and those that it did."""


def _characters(value: Any) -> Iterator[int]:
    """Lengths of the texts of a request: messages, instructions, tools; not the data of images and files."""
    if isinstance(value, str):
        if not value.startswith(("data:", "http://", "https://")):
            yield len(value)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key in _AS_JSON:
                if isinstance(part, list | tuple | Mapping):  # else a sentinel: nothing is sent
                    yield len(json.dumps(part, default=str))
            elif key in _TEXTS:
                yield from _characters(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _characters(part)

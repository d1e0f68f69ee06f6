"""Hosted tools of the Responses API: searches, containers and images, billed beside the model's tokens.

`tool_usage` counts what is billed (types of openai 3.54, checked 2026-11-23); where a host leaves it out, the
output items are counted: opening a page is no search, a container that was there is not started again.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import ESTIMATED_NOTE, INCOMPLETE_NOTE, NOTED, Line, Reading, note
from . import terms
from .inclusive import Meters, cached_by_modality, split
from .quantities import count, rows, table, text, total_of

Body = Mapping[str, object]


def with_tools(reading: Reading, body: Body, notes: list[str]) -> None:
    """Add what the response's hosted tools used; other models than the response's own get their own lines."""
    items = rows(body.get("output"))
    said = body.get("tool_usage")
    if not isinstance(said, dict) and all(item.get("type") in _FREE_ITEMS for item in items):
        return
    usage = table(said)
    fees = _fees(body, items, usage, notes)
    others = _image_lines(reading, body, usage, notes) + _svg_lines(items, notes)
    drawn = sum(_is_drawn(item) for item in items)
    if drawn and not others:
        notes.append(note(INCOMPLETE_NOTE, f"{drawn} images were made whose usage is not told"))
    if fees:
        reading.usage = {**reading.usage, **fees}
    if others:
        own = Line("", reading.model, reading.usage, reading.tier)
        reading.lines = (own, *others)
        reading.usage = total_of(reading.lines)


_FREE_ITEMS = frozenset(
    {"message", "reasoning", "function_call", "custom_tool_call", "compaction", "mcp_call"}
)


def _is_drawn(item: Body) -> bool:
    return item.get("type") == "image_generation_call" and item.get("status", "completed") == "completed"


def _fees(body: Body, items: list[Body], usage: Body, notes: list[str]) -> Meters:
    searched = table(usage.get("web_search")).get("num_requests")
    if searched is None:
        searched = sum(1 for item in items if _is_search(item))
    fees: Meters = {
        "web_search": count(searched, "tool_usage.web_search.num_requests", notes),
        "file_search": sum(1 for item in items if item.get("type") == "file_search_call"),
        "container": _containers(body, items, notes),
    }
    return {meter: quantity for meter, quantity in fees.items() if quantity}


def _is_search(item: Body) -> bool:
    if item.get("type") != "web_search_call" or item.get("status") == "failed":
        return False
    return table(item.get("action")).get("type", "search") == "search"


def _containers(body: Body, items: list[Body], notes: list[str]) -> int:
    """Containers that this response started: none where the request named one that was there."""
    used = {item.get("container_id") for item in items if item.get("type") == "code_interpreter_call"}
    if not used:
        return 0
    given = {
        tool["container"]
        for tool in rows(body.get("tools"))
        if tool.get("type") == "code_interpreter" and isinstance(tool.get("container"), str)
    }
    started = len({name for name in used if isinstance(name, str)} - given)
    if started and body.get("previous_response_id"):
        notes.append(
            note(ESTIMATED_NOTE, f"{started} containers counted, the previous response may have paid them")
        )
    return started


def _image_lines(reading: Reading, body: Body, usage: Body, notes: list[str]) -> tuple[Line, ...]:
    said = table(usage.get("image_gen"))
    if not said:
        return ()
    meters = image_meters(said, notes)
    if not meters:
        return ()
    models = [
        text(tool.get("model")) for tool in rows(body.get("tools")) if tool.get("type") == "image_generation"
    ]
    model = models[0] if models else ""
    if not model:
        notes.append(note(NOTED, "the response does not say which image model its tool used"))
    return (Line("", model, meters, _tier_of_images(reading.tier)),)


def _tier_of_images(tier: str) -> str:
    # Image models are sold at the standard and the batch tier, whatever tier served the text.
    return tier if tier in ("", terms.BATCH) else terms.STANDARD


def image_meters(usage: Body, notes: list[str]) -> Meters:
    """The disjoint meters of an image model's usage: text and image tokens on both sides, cached apart."""
    meters: Meters = {}
    given = count(usage.get("input_tokens"), "input_tokens", notes)
    made = count(usage.get("output_tokens"), "output_tokens", notes)
    details = table(usage.get("input_tokens_details"))
    images = count(details.get("image_tokens"), "image_tokens", notes)
    cached = usage.get("cached_tokens")
    cached = count(details.get("cached_tokens") if cached is None else cached, "cached_tokens", notes)
    by_kind = table(usage.get("cached_tokens_details") or details.get("cached_tokens_details"))
    said = by_kind.get("cached_image_tokens", by_kind.get("image_tokens"))
    kinds = {"audio_tokens": said} if by_kind else by_kind  # the arithmetic is that of audio
    cached_text, cached_image = cached_by_modality(cached, given - images, images, kinds, notes)
    parts = (
        ("cache_read", cached_text),
        ("cache_read_image", cached_image),
        ("input_image", images - min(cached_image, images)),
    )
    split(meters, given, parts, "input", "input_tokens", notes)
    _split_made(meters, made, usage.get("output_tokens_details"), notes)
    return meters


def _split_made(meters: Meters, made: int, details: object, notes: list[str]) -> None:
    # Image models that do not split their output make images only.
    if not isinstance(details, dict) or "text_tokens" not in details:
        if made:
            meters["output_image"] = made
        return
    words = count(details.get("text_tokens"), "output text_tokens", notes)
    split(meters, made, (("output", words),), "output_image", "output_tokens", notes)


def _svg_lines(items: list[Body], notes: list[str]) -> tuple[Line, ...]:
    return tuple(
        line
        for item in items
        if item.get("type") == "image_generation_call"
        for line in svg_line(item.get("svg_usage"), notes)
    )


def svg_line(said: object, notes: list[str]) -> tuple[Line, ...]:
    """The line of the model that wrote an SVG, which is billed apart from the image model."""
    usage = table(said)
    if not usage:
        return ()
    meters: Meters = {}
    given = count(usage.get("input_tokens"), "svg input_tokens", notes)
    made = count(usage.get("output_tokens"), "svg output_tokens", notes)
    reasoning = count(usage.get("reasoning_tokens"), "svg reasoning_tokens", notes)
    split(meters, given, (), "input", "svg input_tokens", notes)
    split(meters, made, (("output_reasoning", reasoning),), "output", "svg output_tokens", notes)
    return (Line("", text(usage.get("model")), meters),) if meters else ()

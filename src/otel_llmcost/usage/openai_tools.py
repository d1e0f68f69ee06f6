"""Hosted tools of the Responses API: searches, containers and images, billed beside the model's tokens.

`tool_usage` counts what is billed (types of openai 3.54, checked 2026-11-23); where a host leaves it out, the
output items are counted: opening a page is no search. Containers are in `openai_containers`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import ESTIMATED_NOTE, INCOMPLETE_NOTE, NOTED, Line, Reading, note
from . import terms
from .inclusive import Meters, cached_by_modality, split
from .openai_containers import started_containers
from .quantities import count, rows, table, text, total_of

Body = Mapping[str, object]


def with_tools(reading: Reading, body: Body, notes: list[str]) -> None:
    """Add what the response's hosted tools used; other models and variants of a fee get their own lines."""
    items = rows(body.get("output"))
    said = body.get("tool_usage")
    if not isinstance(said, dict) and all(item.get("type") in _FREE_ITEMS for item in items):
        return
    usage = table(said)
    fees = _fees(reading.model, body, items, usage, notes)
    others = _image_lines(reading, body, usage, notes) + _svg_lines(items, notes)
    drawn = sum(_is_drawn(item) for item in items)
    if drawn and not others:
        notes.append(note(INCOMPLETE_NOTE, f"{drawn} images were made whose usage is not told"))
    if plain := fees.pop("", None):
        reading.usage = {**reading.usage, **plain}
    if fees or others:
        own = Line("", reading.model, reading.usage, reading.tier)
        of_variants = (own._replace(usage=part, variant=variant) for variant, part in fees.items())
        reading.lines = (own, *of_variants, *others)
        reading.usage = total_of(reading.lines)


_FREE_ITEMS = frozenset(
    {"message", "reasoning", "function_call", "custom_tool_call", "compaction", "mcp_call"}
)


def _is_drawn(item: Body) -> bool:
    return item.get("type") == "image_generation_call" and item.get("status", "completed") == "completed"


def _fees(model: str, body: Body, items: list[Body], usage: Body, notes: list[str]) -> dict[str, Meters]:
    """What is billed by the piece: variant of its price ("" for the common one) -> meters."""
    searched = table(usage.get("web_search")).get("num_requests")
    if searched is None:
        searched = sum(1 for item in items if _is_search(item))
    searches = count(searched, "tool_usage.web_search.num_requests", notes)
    files = sum(1 for item in items if item.get("type") == "file_search_call")
    fees: dict[str, Meters] = {}
    if searches:
        fees.setdefault(_kind_of_search(model, body, notes), {})["web_search"] = searches
    if files:
        fees.setdefault("", {})["file_search"] = files
    for size, started in started_containers(body, items, notes).items():
        fees.setdefault(size, {})["container"] = started
    return fees


def _is_search(item: Body) -> bool:
    if item.get("type") != "web_search_call" or item.get("status") == "failed":
        return False
    return table(item.get("action")).get("type", "search") == "search"


_PREVIEW = "preview"
_WITHOUT_REASONING = ("gpt-4", "chatgpt-4", "ft:gpt-4")
"""Models with which a search by `web_search_preview` costs more than one by `web_search`."""


def _kind_of_search(model: str, body: Body, notes: list[str]) -> str:
    """The variant of a search's price: the response repeats the tools, its items do not say which was used."""
    kinds = {
        kind.startswith("web_search_preview")
        for tool in rows(body.get("tools"))
        if (kind := text(tool.get("type"))).startswith("web_search")
    }
    if kinds == {True}:
        return _PREVIEW
    if kinds != {False} and model.startswith(_WITHOUT_REASONING):
        which = "whether web_search or web_search_preview was used is not told; counted as web_search"
        notes.append(note(ESTIMATED_NOTE, which))
    return ""


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

"""OpenAI's images, audio and batches: tokens where the body tells them, else units from the request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ..call import (
    ESTIMATED_NOTE,
    INCOMPLETE_NOTE,
    NO_USAGE_NOTE,
    NOT_BILLED_NOTE,
    PENDING_NOTE,
    SUMMED_NOTE,
    Line,
    Reading,
    note,
)
from . import terms
from .compatible import add_vendor_fields
from .inclusive import Meters, split
from .openai_tokens import chat_meters
from .openai_tools import image_meters, svg_line
from .quantities import count, explained, measure, rows, table, text, total_of

Body = Mapping[str, object]
_NO_REQUEST: Body = {}


def read_images(body: Body, request: Body | None = None) -> Reading:
    """Generated or edited images: tokens for gpt-image models, size and quality times number for DALL·E."""
    asked = request or _NO_REQUEST
    notes: list[str] = []
    reading = Reading(text(body.get("model")) or text(asked.get("model")))
    usage = table(body.get("usage"))
    made = len(rows(body.get("data")))
    if "input_tokens" in usage or "output_tokens" in usage:
        reading.usage = image_meters(usage, notes)
        _compare_with_total(usage, notes)
    elif made:
        reading.usage = {"image": made}
        reading.variant = image_variant(body, asked)
    else:
        notes.append(note(NO_USAGE_NOTE, "the body tells neither usage nor images"))
    svg = svg_line(body.get("svg_usage"), notes)
    if svg:
        reading.lines = (Line("", reading.model, reading.usage, variant=reading.variant), *svg)
        reading.usage = total_of(reading.lines)
    add_vendor_fields(reading, body, usage, notes)
    reading.notes = explained(reading, notes)
    return reading


def _compare_with_total(usage: Body, notes: list[str]) -> None:
    total, parts = usage.get("total_tokens"), (usage.get("input_tokens"), usage.get("output_tokens"))
    added = sum(part for part in parts if type(part) is int)
    if type(total) is int and total != added:
        notes.append(note(INCOMPLETE_NOTE, f"total_tokens is {total}, input and output add up to {added}"))


def image_variant(body: Body, asked: Body) -> str:
    """ "1024x1024/standard": what an image's price depends on; OpenAI's defaults where nothing is said."""
    size = text(body.get("size")) or text(asked.get("size"))
    quality = text(body.get("quality")) or text(asked.get("quality"))
    size = "1024x1024" if size in ("", "auto") else size
    quality = "standard" if quality in ("", "auto") else quality
    return f"{size}/{quality}"


def read_video(body: Body) -> Reading:
    """A video job: seconds at a size once it is done, to be paid later before, nothing where it failed."""
    notes: list[str] = []
    status = text(body.get("status"))
    reading = Reading(text(body.get("model")), text(body.get("id")), variant=text(body.get("size")))
    if status in ("queued", "in_progress"):
        notes.append(note(PENDING_NOTE, f"the video is {status}"))
    elif status == "failed":
        notes.append(note(NOT_BILLED_NOTE, "the video failed"))
    else:
        reading.usage = _only("video_second", measure(body.get("seconds"), "seconds", notes))
    reading.notes = explained(reading, notes)
    return reading


def fold_images(events: Iterable[object]) -> Body:
    """The body of a streamed image: its completed events are one image each, the last usage counts."""
    body: dict[str, object] = {"data": []}
    images: list[object] = []
    for event in events:
        if not isinstance(event, dict):
            continue
        if text(event.get("type")).endswith(".completed"):
            images.append({})
            body.update(
                {name: event[name] for name in ("usage", "size", "quality", "model") if event.get(name)}
            )
    body["data"] = images
    return body


def read_transcription(body: object, request: Body | None = None) -> Reading:
    """A transcription or translation: audio tokens, or seconds; plain text formats tell nothing."""
    asked = request or _NO_REQUEST
    notes: list[str] = []
    said = table(body)
    reading = Reading(text(said.get("model")) or text(asked.get("model")))
    usage = table(said.get("usage"))
    seconds = usage.get("seconds")
    if seconds is None:
        seconds = said.get("duration")  # verbose_json, also of translations
    if usage and usage.get("type") != "duration" and "input_tokens" in usage:
        reading.usage = _transcribed(usage, notes)
    elif seconds is not None:
        reading.usage = _only("audio_second", measure(seconds, "seconds", notes))
    else:
        notes.append(note(NO_USAGE_NOTE, "the answer tells neither tokens nor the audio's duration"))
    reading.notes = explained(reading, notes)
    return reading


def _transcribed(usage: Body, notes: list[str]) -> Meters:
    meters: Meters = {}
    details = table(usage.get("input_token_details") or usage.get("input_tokens_details"))
    given = count(usage.get("input_tokens"), "input_tokens", notes)
    audio = count(details.get("audio_tokens"), "audio_tokens", notes)
    split(meters, given, (("input_audio", audio),), "input", "input_tokens", notes)
    made = count(usage.get("output_tokens"), "output_tokens", notes)
    if made:
        meters["output"] = made
    return meters


def fold_transcription(events: Iterable[object]) -> Body:
    """The body of a streamed transcription: its done event has the usage."""
    body: Body = {}
    for event in events:
        if isinstance(event, dict) and event.get("type") == "transcript.text.done":
            body = event
    return body


def fold_speech(events: Iterable[object]) -> Body:
    """The body of speech that came as events (`stream_format="sse"`): its done event has the usage."""
    body: Body = {}
    for event in events:
        if isinstance(event, dict) and isinstance(event.get("usage"), dict):
            body = event
    return body


def read_speech(request: Body, body: Body = _NO_REQUEST) -> Reading:
    """Speech: where it came as events the last tells tokens, else the answer is sound and nothing more.

    Of sound the request's characters are what is known. Models of the tts-1 family are billed by them; those of
    token-billed ones (gpt-4o-mini-tts) are an estimate that the price book may have no rate for. The event is
    `speech.audio.done`, which clients made from OpenAI's API description have (checked 2026-11-30; openai 3.54 has not).
    """
    model = text(request.get("model"))
    usage = table(body.get("usage"))
    if "input_tokens" in usage or "output_tokens" in usage:
        return _spoken(model, usage)
    spoken = text(request.get("input"))
    notes: tuple[str, ...] = ()
    if not spoken:
        notes = (note(NO_USAGE_NOTE, "the request tells no text to speak"),)
    elif not model.startswith("tts-1"):
        named = model or "the model"
        notes = (note(ESTIMATED_NOTE, f"{named} is billed by tokens, which the answer does not tell"),)
    return Reading(model, usage=_only("character", len(spoken)), notes=notes)


def _spoken(model: str, usage: Body) -> Reading:
    notes: list[str] = []
    given = count(usage.get("input_tokens"), "input_tokens", notes)
    made = count(usage.get("output_tokens"), "output_tokens", notes)
    _compare_with_total(usage, notes)
    reading = Reading(model, usage={**_only("input", given), **_only("output_audio", made)})
    reading.notes = explained(reading, notes)
    return reading


_RESPONSES = "/v1/responses"


def read_batch(body: Body) -> Reading:
    """A finished batch: its aggregated usage, at the batch tier; an unfinished one is paid later.

    The aggregate has tokens only (`BatchUsage` of openai 3.54, checked 2026-11-30): neither the size of each
    request, on which long-context prices depend, nor the searches and containers of the Responses API.
    """
    notes: list[str] = []
    reading = Reading(text(body.get("model")), text(body.get("id")), tier=terms.BATCH)
    usage = table(body.get("usage"))
    status = text(body.get("status"))
    if status and status not in ("completed", "expired", "cancelled", "failed"):
        notes.append(note(PENDING_NOTE, f"the batch is {status}"))
    elif usage:
        reading.usage = chat_meters(usage, notes)
        if reading.usage:
            notes.extend(_untold_by_the_sum(body))
    else:
        notes.append(note(NO_USAGE_NOTE, "the batch tells no usage"))
    reading.notes = explained(reading, notes)
    return reading


def _untold_by_the_sum(body: Body) -> Iterable[str]:
    done = table(body.get("request_counts")).get("completed")
    if done != 1:
        several = done if type(done) is int and done > 1 else "several"
        yield note(SUMMED_NOTE, f"the usage is the sum of the batch's {several} requests")
    if text(body.get("endpoint")).rstrip("/").endswith(_RESPONSES):
        yield note(
            INCOMPLETE_NOTE, "a batch of responses does not tell their searches, containers and other tools"
        )


def _only(meter: str, quantity: int | Decimal) -> Meters:
    return {meter: quantity} if quantity else {}

"""Mistral's bodies: OpenAI's shape, audio by the second, pages of the OCR API.

https://docs.mistral.ai/capabilities/audio and /capabilities/document_ai, and the mistralai 3.7 types.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import NO_USAGE_NOTE, Reading, note
from . import openai
from .openai_tokens import chat_meters
from .quantities import explained, measure, table, text

Body = Mapping[str, object]


def read_chat(body: Body) -> Reading:
    """A chat, completion or embeddings answer; audio in the prompt is billed by the second, beside the text."""
    usage = table(body.get("usage"))
    told = usage.get("prompt_audio_seconds")
    if told in (None, 0) or isinstance(told, dict):  # chats without audio have null, 0 or {}
        return openai.read_chat(body)
    notes: list[str] = []
    seconds = measure(told, "prompt_audio_seconds", notes)
    reading = openai.read_chat({**body, "usage": {}})
    reading.usage = {"audio_second": seconds} if seconds else {}
    if "choices" in body:  # a transcription is billed by its seconds alone
        # total_tokens and the details count the audio's tokens, which prompt_tokens does not.
        counted = {name: usage.get(name) for name in ("prompt_tokens", "completion_tokens")}
        reading.usage |= chat_meters(counted, notes)
    reading.notes = explained(reading, notes)
    return reading


def read_ocr(body: Body) -> Reading:
    """An OCR answer: pages; those with annotations have their own, dearer, variant of the model's price."""
    notes: list[str] = []
    usage = table(body.get("usage_info"))
    pages = measure(usage.get("pages_processed"), "pages_processed", notes)
    if not pages and not notes:
        notes.append(note(NO_USAGE_NOTE, "the body tells no pages"))
    annotated = body.get("document_annotation") is not None
    return Reading(
        text(body.get("model")),
        usage={"page": pages} if pages else {},
        variant="annotated" if annotated else "",
        notes=tuple(notes),
    )

"""OpenAI's bodies, and those of the many hosts that speak the same: chat, completions, responses, embeddings.

Counts are inclusive: cached and written tokens are part of the prompt, reasoning is part of the completion
(https://developers.openai.com/api/docs/guides/prompt-caching, checked 2026-11-22; types of openai 3.54).
Images, audio and batches are in `openai_media`; vendors' own fields in `compatible`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..call import NO_USAGE_NOTE, PENDING_NOTE, Reading, note
from . import compatible
from .openai_media import (
    fold_images,
    fold_speech,
    fold_transcription,
    read_batch,
    read_images,
    read_speech,
    read_transcription,
    read_video,
)
from .openai_realtime import read_realtime
from .openai_tokens import chat_meters
from .openai_tools import with_tools
from .quantities import explained, rows, table, text

__all__ = [
    "fold_chat",
    "fold_images",
    "fold_responses",
    "fold_speech",
    "fold_transcription",
    "read_batch",
    "read_chat",
    "read_completion",
    "read_embeddings",
    "read_images",
    "read_realtime",
    "read_responses",
    "read_speech",
    "read_transcription",
    "read_video",
]

Body = Mapping[str, object]


def read_chat(body: Body) -> Reading:
    """A chat completion, or the folded chunks of a streamed one."""
    notes: list[str] = []
    said = body.get("usage")
    usage = said if isinstance(said, dict) else compatible.stray_usage(body)
    # Positional, because keywords and defaults cost half a microsecond a call.
    reading = Reading(
        text(body.get("model")),
        text(body.get("id")),
        chat_meters(usage, notes) if usage else {},
        *("", "", "", "", ()),
        _finish_reasons(body.get("choices")),
        *(None, (), ""),
        text(body.get("system_fingerprint")),
    )
    if usage:
        compatible.add_vendor_fields(reading, body, usage, notes)
    else:
        notes.append(no_usage(body))
    compatible.add_tier(reading, body, usage, notes)
    if notes or not reading.usage:
        reading.notes = explained(reading, notes)
    return reading


def _finish_reasons(choices: object) -> tuple[str, ...]:
    if not isinstance(choices, list):
        return ()
    if len(choices) == 1 and isinstance(choices[0], dict):
        only = choices[0].get("finish_reason")
        return (text(only),) if isinstance(only, str) else ()
    said = [choice.get("finish_reason") for choice in choices if isinstance(choice, dict)]
    return tuple([text(reason) for reason in said if isinstance(reason, str)])


def read_completion(body: Body) -> Reading:
    """A legacy text completion: the same usage as chat."""
    return read_chat(body)


def read_embeddings(body: Body) -> Reading:
    """An embeddings answer: the prompt's tokens are all there is."""
    return read_chat(body)


def no_usage(body: Body) -> str:
    """Why there is nothing to price: an answer of status 200 can carry an error instead of a completion."""
    if body.get("error"):
        return note(NO_USAGE_NOTE, "the body is an error")
    return note(NO_USAGE_NOTE, "the body tells no usage")


def read_responses(body: Body) -> Reading:
    """A response of the Responses API (or a compacted one, a decision): tokens, hosted tools, searches."""
    notes: list[str] = []
    usage = table(body.get("usage"))
    reading = Reading(text(body.get("model")), text(body.get("id")))
    status = body.get("status")
    if isinstance(status, str):
        reading.finish_reasons = (text(status),)
    conversation = body.get("conversation")
    if isinstance(conversation, dict):
        reading.conversation = text(conversation.get("id"))
    if usage:
        reading.usage = chat_meters(usage, notes)
        compatible.add_vendor_fields(reading, body, usage, notes)
    elif status in ("queued", "in_progress"):
        notes.append(note(PENDING_NOTE, f"the response is {status}"))
    else:
        notes.append(no_usage(body))
    compatible.add_tier(reading, body, usage, notes)
    if usage or "broken_off" in body:
        with_tools(reading, body, notes)
    if notes or not reading.usage:
        reading.notes = explained(reading, notes)
    return reading


def fold_chat(chunks: Iterable[object]) -> Body:
    """One body of a stream's chunks, or of the few that matter: the last usage counts, never a sum."""
    body: dict[str, object] = {}
    choices: list[object] = []
    for chunk in chunks:
        if not isinstance(chunk, dict):
            continue
        for name in ("id", "model", "system_fingerprint", "service_tier", "usage", "x_groq", "error"):
            value = chunk.get(name)
            if value is not None:
                body[name] = value
        for choice in rows(chunk.get("choices")):
            if choice.get("finish_reason") is not None:
                choices.append({"finish_reason": choice["finish_reason"]})
            if isinstance(choice.get("usage"), dict):
                body["usage"] = choice["usage"]  # Moonshot puts it there
    body["choices"] = choices
    return body


_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


def fold_responses(events: Sequence[object]) -> Body:
    """The response of a stream's terminal event; before one was seen, the newest that any event has.

    One that runs in the foreground and broke off has the items that were done (`broken_off`): their fees are due.
    """
    newest: Body = {}
    done: list[object] = []
    for event in events:
        if not isinstance(event, dict):
            continue
        response = event.get("response")
        if isinstance(response, dict):
            newest = response
            if event.get("type") in _TERMINAL:
                return response
        elif event.get("type") == "error" or "error" in event:
            newest = {**newest, "error": event.get("error") or event}
        elif event.get("type") == "response.output_item.done":
            done.append(event.get("item"))
    if done and newest.get("background") is not True:
        return {**newest, "output": done, "broken_off": True}
    return newest

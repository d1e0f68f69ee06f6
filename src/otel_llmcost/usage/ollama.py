"""Ollama's own API: counts at the body's top, in the last chunk of a stream (https://docs.ollama.com/api, 2026-11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..call import NO_USAGE_NOTE, Reading, note
from .quantities import count, rows, text

Body = Mapping[str, object]


def read_reply(body: Body) -> Reading:
    """A chat, generate or embed answer. A prompt that was cached whole may tell no count of its own."""
    notes: list[str] = []
    meters = {
        "input": count(body.get("prompt_eval_count"), "prompt_eval_count", notes),
        "output": count(body.get("eval_count"), "eval_count", notes),
    }
    found = {meter: quantity for meter, quantity in meters.items() if quantity}
    if not found and not notes:
        notes.append(note(NO_USAGE_NOTE, "the body tells no counts"))
    reason = text(body.get("done_reason"))
    return Reading(
        text(body.get("model")), usage=found, finish_reasons=(reason,) if reason else (), notes=tuple(notes)
    )


def fold_reply(chunks: Iterable[object]) -> Body:
    """The chunk that says it is done, else the last one."""
    last: Body = {}
    for chunk in rows(list(chunks)):
        last = chunk
        if chunk.get("done") is True:
            return chunk
    return last

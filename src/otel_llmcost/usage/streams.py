"""The events of a stream, whole or in part, as one body: which fold takes them, by their shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import anthropic, bedrock, cohere, gemini, ollama, openai
from .quantities import table, text

Body = Mapping[str, object]


def fold(events: list[Body]) -> Body:
    """One body of a stream's events; a dictionary that no fold knows is taken as OpenAI's chunks."""
    for event in events:
        for fits, fold_events in _FOLDS:
            if fits(event):
                return fold_events(events)
    return openai.fold_chat(events)


def _kind(event: Body) -> str:
    return text(event.get("type")) or text(event.get("event_type"))


def _has(*names: str) -> Callable[[Body], bool]:
    return lambda event: any(name in event for name in names)


_FOLDS: tuple[tuple[Callable[[Body], bool], Callable[[list[Body]], Body]], ...] = (
    (lambda event: _kind(event) in ("message_start", "message_delta"), anthropic.fold_message),
    (lambda event: _kind(event).startswith("response."), openai.fold_responses),
    (lambda event: _kind(event).startswith(("image_generation.", "image_edit.")), openai.fold_images),
    (lambda event: _kind(event).startswith("transcript.text."), openai.fold_transcription),
    (lambda event: _kind(event).startswith("speech.audio."), openai.fold_speech),
    (lambda event: _kind(event) in ("message-end", "stream-end"), cohere.fold_chat),
    (_has("usageMetadata", "usage_metadata", "candidates"), gemini.fold_generated),
    (
        _has("messageStart", "messageStop", "contentBlockDelta", "amazon-bedrock-invocationMetrics"),
        bedrock.fold_converse,
    ),
    (lambda event: "usage" in table(event.get("metadata")), bedrock.fold_converse),
    (_has("prompt_eval_count", "eval_count", "done"), ollama.fold_reply),
)

"""Which answer a request gets: by its path, then by what it asks for."""

from __future__ import annotations

from collections.abc import Callable

from . import anthropic_messages, openai_chat, openai_media, openai_responses
from .exchange import Reply, SeenRequest
from .memory import Memory, template

__all__ = ["Memory", "answer"]

Answerer = Callable[[SeenRequest, Memory], Reply]

# Endings of paths, the longer ones first: a base URL may have any prefix (/v1, /openai/deployments/<name>).
_POSTS: tuple[tuple[str, Answerer], ...] = (
    ("/chat/completions", openai_chat.chat),
    ("/completions", openai_chat.completion),
    ("/embeddings", openai_chat.embeddings),
    ("/responses/compact", openai_responses.compact),
    ("/responses/input_tokens", openai_responses.count_tokens),
    ("/responses", openai_responses.create),
    ("/cancel", openai_responses.cancel),
    ("/images/generations", openai_media.images),
    ("/images/edits", openai_media.images),
    ("/images/variations", openai_media.images),
    ("/audio/speech", openai_media.speech),
    ("/audio/transcriptions", openai_media.transcription),
    ("/audio/translations", openai_media.translation),
    ("/messages/count_tokens", anthropic_messages.count_tokens),
    ("/messages/batches", anthropic_messages.create_batch),
    ("/messages", anthropic_messages.message),
    ("/batches", openai_media.create_batch),
)
_GETS: tuple[tuple[str, Answerer], ...] = (
    ("/results", anthropic_messages.batch_results),
    ("/content", openai_media.batch_output),
    ("/models", openai_media.models),
)
_GETS_BY_ID: tuple[tuple[str, Answerer], ...] = (
    ("/messages/batches/", anthropic_messages.batch),
    ("/batches/", openai_media.batch),
    ("/responses/", openai_responses.retrieve),
)


def answer(request: SeenRequest, memory: Memory) -> Reply:
    """The answer to a request; what it cannot read or does not know is a 4xx in the provider's own form."""
    try:
        failure = _wished_failure(request)
        if failure is not None:
            return failure
        route = _route(request)
        return route(request, memory) if route else failed(request, 404)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return failed(request, 400, f"the demo provider cannot read this request: {error!r}")


def failed(request: SeenRequest, status: int, message: str = "") -> Reply:
    """An error body in the form of the provider that the path belongs to."""
    family = "anthropic" if "/messages" in request.path else "openai"
    errors = template(f"{family}_errors")
    body = errors[str(status)] if str(status) in errors else errors["500"]
    if message:
        body["error"]["message"] = message
    retry = request.wish("retry-after") or ("0.05" if status == 429 else "")
    headers = {"retry-after-ms": str(int(float(retry) * 1000))} if retry else {}
    return Reply(body, status=status, headers=headers)


def _wished_failure(request: SeenRequest) -> Reply | None:
    """`x-demo-status` fails every attempt, together with `x-demo-fail: n` only the first n."""
    status = request.wish("status")
    if not status:
        return None
    attempts = request.wish("fail")
    if attempts and int(request.headers.get("x-stainless-retry-count", "0")) >= int(attempts):
        return None
    return failed(request, int(status))


def _route(request: SeenRequest) -> Answerer | None:
    path = request.path.rstrip("/")
    if request.method == "POST":
        return next((route for ending, route in _POSTS if path.endswith(ending)), None)
    for ending, route in _GETS:
        if path.endswith(ending):
            return route
    return next((route for part, route in _GETS_BY_ID if part in path), None)

"""The openai SDK, 1.40 and newer: which of its requests spend money, and who reads their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import semconv
from ..call import PENDING_NOTE, Reading, note
from ..usage import openai as read
from .collectors import ChatCollector, ResponsesCollector
from .declaration import Body, Route, Sdk, Socket
from .events import chats_and_responses

_LATER = "this surface is not priced yet"


def _speech(body: Body, request: Body) -> Reading:
    return read.read_speech(request, body)


def _nothing(body: Body, request: Body) -> Reading:
    model = body.get("model")
    return Reading(model if isinstance(model, str) else "", str(body.get("id") or ""))


def _batch(body: Body, request: Body) -> Reading:
    reading = _nothing(body, request)
    reading.notes = (note(PENDING_NOTE, "a batch is paid when it is finished"),)
    return reading


def _without_request(reader: Any) -> Any:
    def read_body(body: Body, request: Body) -> Reading:
        found: Reading = reader(body)
        return found

    return read_body


def _unpriced(api: str, operation: str, what: str) -> Route:
    return Route(api, operation, _nothing, unpriced=f"{what}: {_LATER}")


_RESPONSES = Route(
    "responses",
    semconv.CHAT,
    _without_request(read.read_responses),
    fold=read.fold_responses,
    collector=ResponsesCollector,
)
_FETCHED = Route(
    "responses",
    semconv.FETCH_RESPONSE,
    _without_request(read.read_responses),
    fold=read.fold_responses,
    collector=ResponsesCollector,
    settles="response",
)
_IMAGES = Route("images", semconv.IMAGE_GENERATION, read.read_images, fold=read.fold_images)
_TRANSCRIPTION = Route(
    "transcriptions", semconv.TRANSCRIPTION, read.read_transcription, fold=read.fold_transcription
)

_AGENTS = _unpriced("agents", semconv.CHAT, "agent sessions")
_SPOKEN_ELSEWHERE = _unpriced("realtime", semconv.CHAT, "sessions whose sound takes another way")

ROUTES: Mapping[str, Route] = {
    "POST /chat/completions": Route(
        "chat_completions",
        semconv.CHAT,
        _without_request(read.read_chat),
        fold=read.fold_chat,
        collector=ChatCollector,
    ),
    "POST /completions": Route(
        "completions",
        semconv.TEXT_COMPLETION,
        _without_request(read.read_completion),
        fold=read.fold_chat,
        collector=ChatCollector,
    ),
    "POST /responses": _RESPONSES,
    "POST /responses/compact": Route("responses", semconv.CHAT, _without_request(read.read_responses)),
    "POST /decisions": Route("decisions", semconv.CHAT, _without_request(read.read_responses)),
    "POST /embeddings": Route("embeddings", semconv.EMBEDDINGS, _without_request(read.read_embeddings)),
    "POST /images/generations": _IMAGES,
    "POST /images/edits": _IMAGES,
    "POST /images/variations": _IMAGES,
    "POST /audio/speech": Route(
        "speech", semconv.SPEECH, _speech, fold=read.fold_speech, body_is_binary=True
    ),
    "POST /audio/transcriptions": _TRANSCRIPTION,
    "POST /audio/translations": _TRANSCRIPTION,
    "POST /batches": Route("batches", "create_batch", _batch),
    "POST /videos": _unpriced("videos", "video_generation", "videos"),
    "POST /threads/runs": _unpriced("assistants", semconv.CHAT, "assistants"),
    "POST /fine_tuning/jobs": _unpriced("fine_tuning", "fine_tuning", "fine-tuning"),
    "POST /fine_tuning/alpha/graders/run": _unpriced("graders", semconv.CHAT, "runs of graders"),
    "POST /agents/sessions": _AGENTS,
    "POST /realtime/calls": _SPOKEN_ELSEWHERE,
    "POST /live/sessions": _SPOKEN_ELSEWHERE,
}

PATTERNS: tuple[tuple[re.Pattern[str], Route], ...] = (
    (re.compile(r"^GET (/.*)?/responses/[^/]+$"), _FETCHED),
    (re.compile(r"^POST (/.*)?/responses/[^/]+/cancel$"), _FETCHED),
    (
        re.compile(r"^(GET|POST) (/.*)?/batches/[^/]+(/cancel)?$"),
        Route("batches", semconv.FETCH_RESPONSE, _without_request(read.read_batch), settles="batch"),
    ),
    (
        re.compile(r"^POST (/.*)?/threads/[^/]+/runs(/[^/]+/submit_tool_outputs)?$"),
        _unpriced("assistants", semconv.CHAT, "assistants"),
    ),
    (re.compile(r"^POST (/.*)?/agents/sessions/[^/]+/events$"), _AGENTS),
    (re.compile(r"^POST (/.*)?/(realtime/calls|live/sessions)/[^/]+/accept$"), _SPOKEN_ELSEWHERE),
    (re.compile(r"^POST (/.*)?/videos/"), _unpriced("videos", "video_generation", "videos")),
    (re.compile(r"^POST (/.*)?/evals/[^/]+/runs$"), _unpriced("evals", semconv.CHAT, "evaluation runs")),
    # the same surfaces under an absolute address or a gateway's prefix
    (re.compile(r"^POST (/.*)?/chat/completions$"), ROUTES["POST /chat/completions"]),
    (re.compile(r"^POST (/.*)?/embeddings$"), ROUTES["POST /embeddings"]),
    (re.compile(r"^POST (/.*)?/v1/completions$"), ROUTES["POST /completions"]),
    (re.compile(r"^POST (/.*)?/v1/responses$"), _RESPONSES),
    (re.compile(r"^POST (/.*)?/images/(generations|edits|variations)$"), _IMAGES),
    (re.compile(r"^POST (/.*)?/audio/speech$"), ROUTES["POST /audio/speech"]),
    (re.compile(r"^POST (/.*)?/audio/(transcriptions|translations)$"), _TRANSCRIPTION),
    (re.compile(r"^POST (/.*)?/v1/batches$"), ROUTES["POST /batches"]),
)

_DONE = {f"response.{end}": _RESPONSES for end in ("completed", "incomplete", "failed")}
_SPOKEN = "conversation.item.input_audio_transcription.completed"

SOCKETS = (
    Socket(
        ("openai.resources.responses.responses", "openai.resources.beta.responses.responses"),
        ends=_DONE,
        begins=frozenset({"response.created"}),
    ),
    Socket(
        ("openai.resources.realtime.realtime", "openai.resources.beta.realtime.realtime"),
        ends={
            "response.done": Route("realtime", semconv.CHAT, _without_request(read.read_realtime)),
            _SPOKEN: _TRANSCRIPTION,
        },
        begins=frozenset({"response.created"}),
        describes=frozenset({"session.created", "session.updated"}),
    ),
    Socket(
        ("openai.resources.realtime.translations.translations",),
        opens=_unpriced("realtime", semconv.CHAT, "realtime translations"),
    ),
    Socket(
        tuple(f"openai.resources.live.{name}" for name in ("live", "sideband", "forks")),
        opens=_unpriced("live", semconv.CHAT, "live sessions"),
    ),
)

SDK = Sdk(
    name="openai",
    provider=semconv.OPENAI,
    routes=ROUTES,
    patterns=PATTERNS,
    providers_by_class={
        "AzureOpenAI": semconv.AZURE_OPENAI,
        "AsyncAzureOpenAI": semconv.AZURE_OPENAI,
        "BedrockOpenAI": semconv.BEDROCK,
        "AsyncBedrockOpenAI": semconv.BEDROCK,
    },
    sockets=SOCKETS,
    frame=chats_and_responses,
)

"""Any body to a reading: an SDK's object, a dictionary, the events of a stream, of any provider.

The shape decides which reader takes a body; the provider's name only where shapes are alike. `registry` is the one
piece of state of this package: the readers that users add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .. import semconv as s
from ..call import NO_USAGE_NOTE, Reading, note
from ..meters import Quantity
from . import anthropic, bedrock, cohere, gemini, generation_servers, langchain, mistral, ollama, openai
from .plain import plain_body
from .quantities import measure, rows, table, text
from .streams import fold

Body = Mapping[str, object]
UserReader = Callable[[object], "Reading | Mapping[str, Quantity]"]
"""Takes the body as the user has it; answers a `Reading`, or meters and their quantities."""

registry: dict[str, UserReader] = {}


def register_usage_reader(provider: str, reader: UserReader) -> None:
    """Let `reader` read every body of `provider`, before any reader of ours; the last one registered counts."""
    registry[provider] = reader


def read_body(provider: str, body: object, *, api: str = "", request: Body | None = None) -> Reading:
    """What a body says was bought.

    `body` is an SDK's object, a dictionary, or the list of a stream's events or chunks. `api` names the API where
    the body alone does not: speech, transcription, images, batch, embeddings, rerank, ocr. `request` is the
    request's JSON: speech and images that are priced by size cannot be read without it.
    """
    own = registry.get(provider)
    if own is not None:
        return _own_reading(own(body))
    plain = plain_body(body)
    if isinstance(plain, list):
        plain = fold(rows(plain))
    reading = _read(provider, table(plain), api, request)
    reading.lines = tuple(line._replace(provider=line.provider or provider) for line in reading.lines)
    return reading


def _own_reading(answer: object) -> Reading:
    if isinstance(answer, Reading):
        return answer
    notes: list[str] = []
    told = answer if isinstance(answer, Mapping) else {}
    usage = {str(meter): measure(quantity, str(meter), notes) for meter, quantity in told.items()}
    usage = {meter: quantity for meter, quantity in usage.items() if quantity}
    if not usage:
        notes.append(note(NO_USAGE_NOTE, "the registered reader found no usage"))
    return Reading(usage=usage, notes=tuple(notes))


def _read(provider: str, body: Body, api: str, request: Body | None) -> Reading:
    if provider in _GOOGLE and (read_media := _of_google(body)) is not None:
        return read_media(body)
    if api in _BY_API:
        return _BY_API[api](body, request)
    for fits, read in _BY_SHAPE:
        if fits(body):
            return read(body)
    usage = table(body.get("usage"))
    if provider in (s.ANTHROPIC, s.BEDROCK, s.VERTEX) and ("input_tokens" in usage or "type" in body):
        return anthropic.read_message(body)
    if provider == s.BEDROCK:
        return bedrock.read_invoked(body)
    return mistral.read_chat(body) if provider == s.MISTRAL else openai.read_chat(body)


_GOOGLE = (s.GEMINI, s.VERTEX, s.GCP_GEN_AI)


def _of_google(body: Body) -> Callable[[Body], Reading] | None:
    """The reader of what Google's models answer beside text: embeddings and images."""
    made = rows(body.get("predictions"))
    if "embeddings" in body or any("embeddings" in prediction for prediction in made):
        return gemini.read_embedding
    return gemini.read_images if made or "generatedImages" in body or "generated_images" in body else None


_BY_API: dict[str, Callable[[Body, Body | None], Reading]] = {
    s.SPEECH: lambda body, request: openai.read_speech(request or {}, body),
    s.TRANSCRIPTION: openai.read_transcription,
    "translation": openai.read_transcription,
    "images": openai.read_images,
    s.IMAGE_GENERATION: openai.read_images,
    "batch": lambda body, request: openai.read_batch(body),
    s.RERANK: lambda body, request: cohere.read_billed(body),
    s.OCR: lambda body, request: mistral.read_ocr(body),
}


def _has(*names: str) -> Callable[[Body], bool]:
    return lambda body: any(name in body for name in names)


def _usage_has(*names: str) -> Callable[[Body], bool]:
    return lambda body: any(name in table(body.get("usage")) for name in names)


def _is_langchain(body: Body) -> bool:
    return "input_tokens" in table(body.get("usage_metadata"))


def _is_gemini(body: Body) -> bool:
    return any(name in body for name in ("usageMetadata", "usage_metadata", "candidates", "modelVersion"))


def _is_interaction(body: Body) -> bool:
    return body.get("object") == "interaction" or "total_input_tokens" in table(body.get("usage"))


def _is_watsonx(body: Body) -> bool:
    return any("generated_token_count" in result for result in rows(body.get("results")))


def _is_finished_job(body: Body) -> bool:
    # Perplexity's async API has the answer inside the job.
    return table(body.get("response")).get("object") == "chat.completion"


def _is_response(body: Body) -> bool:
    kind = text(body.get("object"))
    return (
        kind == "response"
        or kind.startswith("response.")
        or (bool(body.get("output")) and "tool_usage" in body)
    )


def _is_realtime(body: Body) -> bool:
    event = body.get("type") == "response.done" and isinstance(body.get("response"), dict)
    return event or body.get("object") == "realtime.response"


def _is_message(body: Body) -> bool:
    usage = table(body.get("usage"))
    told = "cache_creation_input_tokens" in usage or "iterations" in usage
    return body.get("type") == "message" or (told and "prompt_tokens" not in usage)


def _is_transcript(body: Body) -> bool:
    usage = table(body.get("usage"))
    by_type = usage.get("type") in ("tokens", "duration")
    return by_type or (isinstance(body.get("text"), str) and "duration" in body and "choices" not in body)


def _is_image(body: Body) -> bool:
    made = rows(body.get("data"))
    return "svg_usage" in body or any("b64_json" in image or "url" in image for image in made)


def _is_session(body: Body) -> bool:
    told = "list_cost" in body or "list_cost" in table(body.get("usage"))
    return told or body.get("type") in ("session", "session_thread")


def _is_cohere(body: Body) -> bool:
    return "billed_units" in table(body.get("usage")) or "billed_units" in table(body.get("meta"))


def _read_batch_line(body: Body) -> Reading:
    inner = table(table(body.get("response")).get("body"))
    if "result" in body:
        return anthropic.read_batch_result(body)
    reading = _read(s.OPENAI, inner, "", None)
    reading.tier = "batch"
    return reading


_BY_SHAPE: tuple[tuple[Callable[[Body], bool], Callable[[Body], Reading]], ...] = (
    (_has("custom_id"), _read_batch_line),
    (_is_realtime, openai.read_realtime),
    (_is_langchain, langchain.read_message),
    (_is_gemini, gemini.read_generated),
    (_has("prompt_eval_count", "eval_count"), ollama.read_reply),
    (_is_interaction, gemini.read_interaction),
    (_has("tokens_predicted", "tokens_evaluated"), generation_servers.read_completion),
    (lambda body: "generated_tokens" in table(body.get("details")), generation_servers.read_generated_text),
    (_is_watsonx, generation_servers.read_results),
    (lambda body: body.get("object") == "video", openai.read_video),
    (_is_finished_job, lambda body: openai.read_chat(table(body["response"]))),
    (
        _has(
            "ResponseMetadata",
            "amazon-bedrock-invocationMetrics",
            "inputTextTokenCount",
            "generation_token_count",
        ),
        bedrock.read_invoked,
    ),
    (_usage_has("inputTokens"), bedrock.read_converse),
    (_is_cohere, cohere.read_billed),
    (_has("usage_info"), mistral.read_ocr),
    (_is_session, anthropic.read_session),
    (_is_response, openai.read_responses),
    (_is_message, anthropic.read_message),
    (lambda body: body.get("object") == "batch", openai.read_batch),
    (_usage_has("prompt_audio_seconds"), mistral.read_chat),
    (_is_image, openai.read_images),
    (_is_transcript, openai.read_transcription),
)

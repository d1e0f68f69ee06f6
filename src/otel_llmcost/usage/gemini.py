"""Gemini's and Vertex AI's bodies: `usageMetadata`, in camel case on the wire and in snake case from the SDK.

The prompt's count includes cached tokens; thoughts and tool-use prompts stand beside the other counts
(https://googleapis.github.io/js-genai/release_docs/interfaces/types.UsageMetadata.html, checked 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..call import INCOMPLETE_NOTE, NO_USAGE_NOTE, PENDING_NOTE, Reading, note
from . import terms
from .inclusive import Meters, cached_by_modality, split
from .quantities import count, explained, rows, table, text

Body = Mapping[str, object]


def either(body: Body, camel: str) -> object:
    """A field under its name on the wire, or as the Python SDK spells it."""
    value = body.get(camel)
    if value is not None:
        return value
    return body.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in camel))


def read_generated(body: Body) -> Reading:
    """A generateContent answer, or the folded chunks of a streamed one."""
    notes: list[str] = []
    usage = table(either(body, "usageMetadata"))
    candidates = rows(body.get("candidates"))
    reasons = tuple(text(either(candidate, "finishReason")) for candidate in candidates)
    reading = Reading(
        text(either(body, "modelVersion")),
        text(either(body, "responseId")),
        finish_reasons=tuple(reason for reason in reasons if reason),
    )
    if usage:
        reading.usage = generated_meters(usage, notes)
        _add_terms(reading, usage, notes)
        _add_grounding(reading, candidates, notes)
    else:
        notes.append(note(NO_USAGE_NOTE, "the body is an error" if body.get("error") else "no usageMetadata"))
    reading.notes = explained(reading, notes)
    return reading


def generated_meters(usage: Body, notes: list[str]) -> Meters:
    """The disjoint meters of a `usageMetadata` object."""
    prompt = count(either(usage, "promptTokenCount"), "promptTokenCount", notes)
    tool_use = count(either(usage, "toolUsePromptTokenCount"), "toolUsePromptTokenCount", notes)
    made = either(usage, "candidatesTokenCount")
    made = either(usage, "responseTokenCount") if made is None else made
    answer = count(made, "candidatesTokenCount", notes)
    thoughts = count(either(usage, "thoughtsTokenCount"), "thoughtsTokenCount", notes)
    meters: Meters = {}
    _split_prompt(meters, prompt, usage, notes)
    if tool_use:
        meters["input"] = meters.get("input", 0) + tool_use
    kinds = _by_modality(
        either(usage, "candidatesTokensDetails") or either(usage, "responseTokensDetails"), notes
    )
    parts = (("output_audio", kinds.get("AUDIO", 0)), ("output_image", kinds.get("IMAGE", 0)))
    split(meters, answer, parts, "output", "candidatesTokenCount", notes)
    if thoughts:
        meters["output_reasoning"] = thoughts
    total = either(usage, "totalTokenCount")
    known = prompt + tool_use + answer + thoughts
    if total is not None and count(total, "totalTokenCount", notes) not in (0, known):
        notes.append(note(INCOMPLETE_NOTE, f"totalTokenCount is {total}, its parts are {known}"))
    return meters


def read_interaction(body: Body) -> Reading:
    """An answer of the Interactions API, which counts the same under other names, modalities in small letters."""
    notes: list[str] = []
    usage = table(body.get("usage"))
    reading = Reading(text(body.get("model")), text(body.get("id")))
    status = text(body.get("status"))
    reading.finish_reasons = (status,) if status else ()
    if usage:
        reading.usage = generated_meters(_as_metadata(usage), notes)
        queries = [
            query
            for step in rows(body.get("outputs") or body.get("steps"))
            if step.get("type") == "google_search_call"
            for query in _strings(table(step.get("arguments")).get("queries"))
        ]
        _add_searches(reading, queries)
    elif status in ("in_progress", "requires_action"):
        notes.append(note(PENDING_NOTE, f"the interaction is {status}"))
    reading.notes = explained(reading, notes)
    return reading


def _as_metadata(usage: Body) -> Body:
    named = {
        "promptTokenCount": "total_input_tokens",
        "cachedContentTokenCount": "total_cached_tokens",
        "candidatesTokenCount": "total_output_tokens",
        "thoughtsTokenCount": "total_thought_tokens",
        "toolUsePromptTokenCount": "total_tool_use_tokens",
        "totalTokenCount": "total_tokens",
    }
    details = {
        "promptTokensDetails": "input_tokens_by_modality",
        "cacheTokensDetails": "cached_tokens_by_modality",
        "candidatesTokensDetails": "output_tokens_by_modality",
    }
    told: dict[str, object] = {name: usage.get(field) for name, field in named.items()}
    for name, field in details.items():
        told[name] = [
            {"modality": part.get("modality"), "tokenCount": part.get("tokens")}
            for part in rows(usage.get(field))
        ]
    return told


def _split_prompt(meters: Meters, prompt: int, usage: Body, notes: list[str]) -> None:
    # Text, images, video and documents share one rate in Gemini's price lists; audio has its own.
    cached = count(either(usage, "cachedContentTokenCount"), "cachedContentTokenCount", notes)
    audio = _by_modality(either(usage, "promptTokensDetails"), notes).get("AUDIO", 0)
    of_cache = _by_modality(either(usage, "cacheTokensDetails"), notes)
    details: Body = {"audio_tokens": of_cache.get("AUDIO", 0)} if of_cache else {}
    cached_text, cached_audio = cached_by_modality(cached, prompt - audio, audio, details, notes)
    parts = (
        ("cache_read", cached_text),
        ("cache_read_audio", cached_audio),
        ("input_audio", audio - min(cached_audio, audio)),
    )
    split(meters, prompt, parts, "input", "promptTokenCount", notes)


def _by_modality(details: object, notes: list[str]) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for part in rows(details):
        modality = part.get("modality")
        name = text(modality) or text(getattr(modality, "value", ""))
        kinds[name.upper()] = kinds.get(name.upper(), 0) + count(
            either(part, "tokenCount"), "tokenCount", notes
        )
    return kinds


def _add_terms(reading: Reading, usage: Body, notes: list[str]) -> None:
    said = either(usage, "serviceTier") or either(usage, "trafficType")
    name = text(said) or text(getattr(said, "value", ""))
    reading.tier = STANDARD_TRAFFIC.get(name.upper(), terms.tier(name))
    if reading.tier == terms.COMMITTED:
        notes.append(terms.bought_beforehand(name))


STANDARD_TRAFFIC = {"ON_DEMAND": terms.STANDARD}


def _add_grounding(reading: Reading, candidates: list[Body], notes: list[str]) -> None:
    """Searches: billed by the query since Gemini 3, by the grounded prompt before."""
    found = [table(either(candidate, "groundingMetadata")) for candidate in candidates]
    queries = [query for grounding in found for query in _strings(either(grounding, "webSearchQueries"))]
    if any("maps" in chunk for grounding in found for chunk in rows(either(grounding, "groundingChunks"))):
        notes.append(note(INCOMPLETE_NOTE, "grounding with maps is billed apart and not counted"))
    _add_searches(reading, queries)


def _add_searches(reading: Reading, queries: list[str]) -> None:
    if not queries:
        return
    by_prompt = reading.model.removeprefix("models/").startswith(("gemini-1", "gemini-2"))
    meter, quantity = ("grounded_prompt", 1) if by_prompt else ("web_search", len(queries))
    reading.usage = {**reading.usage, meter: quantity}


def _strings(value: object) -> list[str]:
    return (
        [item for item in value if isinstance(item, str) and item] if isinstance(value, list | tuple) else []
    )


def read_embedding(body: Body) -> Reading:
    """An embedContent or Vertex `predict` answer: tokens or billable characters, where it tells any."""
    notes: list[str] = []
    usage = table(either(body, "usageMetadata"))
    tokens = count(either(usage, "promptTokenCount"), "promptTokenCount", notes)
    for prediction in rows(body.get("predictions")):
        statistics = table(table(prediction.get("embeddings")).get("statistics"))
        tokens += count(statistics.get("token_count"), "token_count", notes)
    characters = either(table(body.get("metadata")), "billableCharacterCount")
    meters: Meters = {"input": tokens} if tokens else {}
    if not tokens and characters is not None:
        meters = {"character": count(characters, "billableCharacterCount", notes)}
    if not meters:
        notes.append(note(NO_USAGE_NOTE, "the embedding tells neither tokens nor characters"))
    return Reading(text(either(body, "modelVersion")), usage=meters, notes=tuple(notes))


def read_images(body: Body) -> Reading:
    """An Imagen answer: one image per prediction that was not filtered away."""
    made = rows(either(body, "generatedImages") or body.get("predictions"))
    if not made:
        return Reading(notes=(note(NO_USAGE_NOTE, "the body tells no images"),))
    return Reading(usage={"image": len(made)})


def fold_generated(chunks: Iterable[object]) -> Body:
    """One body of a stream's chunks: the last usage counts, searches are those of the last grounding."""
    body: dict[str, object] = {}
    candidates: dict[str, object] = {}
    for chunk in rows(list(chunks)):
        for name in ("usageMetadata", "modelVersion", "responseId", "error"):
            value = either(chunk, name)
            if value is not None:
                body[name] = value
        for candidate in rows(chunk.get("candidates")):
            for name in ("finishReason", "groundingMetadata"):
                value = either(candidate, name)
                if value is not None:
                    candidates[name] = value
    body["candidates"] = [candidates] if candidates else []
    return body

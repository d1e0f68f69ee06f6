"""The token counts of OpenAI's usage objects, under the names of both its APIs and of compatible hosts."""

from __future__ import annotations

from collections.abc import Mapping

from ..call import INCOMPLETE_NOTE, note
from .inclusive import Meters, cached_by_modality, split, written_parts
from .quantities import LARGEST, count, table

Body = Mapping[str, object]


def chat_meters(usage: Body, notes: list[str]) -> Meters:
    """The disjoint meters of a usage object, of chat completions or of responses."""
    return _plain_meters(usage) or _any_meters(usage, notes)


def _plain_meters(usage: Body) -> Meters | None:
    """The answer for a usage object without surprises, in a fifth of the time; None sends it the long way."""
    get = usage.get
    details = get("prompt_tokens_details")
    if details is None:
        prompt, completion = get("input_tokens"), get("output_tokens")
        details, made_of = get("input_tokens_details"), get("output_tokens_details")
    else:
        prompt, completion = get("prompt_tokens"), get("completion_tokens")
        made_of = get("completion_tokens_details")
    if not (type(details) is dict and type(made_of) is dict and type(prompt) is type(completion) is int):
        return None
    cached, reasoning = details.get("cached_tokens"), made_of.get("reasoning_tokens")
    if not (
        type(cached) is type(reasoning) is int
        and 0 <= cached <= prompt < LARGEST
        and 0 <= reasoning <= completion < LARGEST
        and prompt + completion == get("total_tokens")
    ):
        return None
    if details.get("audio_tokens") or details.get("cache_write_tokens") or len(usage) > 5:
        return None
    if details.get("cache_creation_tokens") or details.get("cache_creation_input_tokens"):
        return None
    if made_of.get("audio_tokens") or made_of.get("image_tokens"):
        return None
    meters: Meters = {"input": prompt - cached, "output": completion - reasoning}
    if cached:
        meters["cache_read"] = cached
    if reasoning:
        meters["output_reasoning"] = reasoning
    return meters if prompt > cached and completion > reasoning else None


def _any_meters(usage: Body, notes: list[str]) -> Meters:
    prompt = count(usage.get("prompt_tokens", usage.get("input_tokens")), "prompt_tokens", notes)
    completion = count(usage.get("completion_tokens", usage.get("output_tokens")), "completion_tokens", notes)
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else table(usage.get("input_tokens_details"))
    made_of = usage.get("completion_tokens_details")
    made_of = made_of if isinstance(made_of, dict) else table(usage.get("output_tokens_details"))
    reasoning = count(made_of.get("reasoning_tokens"), "reasoning_tokens", notes)
    total = usage.get("total_tokens")
    if reasoning and total == prompt + completion + reasoning:
        completion += reasoning  # xAI and others count reasoning beside the completion
    elif total is not None and total != prompt + completion:
        check_total(total, prompt, completion, notes)
    meters: Meters = {}
    _split_prompt(meters, prompt, details, usage, notes)
    parts = (
        ("output_audio", count(made_of.get("audio_tokens"), "completion audio_tokens", notes)),
        ("output_image", count(made_of.get("image_tokens"), "completion image_tokens", notes)),
        ("output_reasoning", reasoning),
    )
    split(meters, completion, parts, "output", "completion_tokens", notes)
    return meters


def _split_prompt(meters: Meters, prompt: int, details: Body, usage: Body, notes: list[str]) -> None:
    cached = details.get("cached_tokens")
    cached = count(cached_elsewhere(usage) if cached is None else cached, "cached_tokens", notes)
    written = details.get("cache_write_tokens")
    written = count(
        written_elsewhere(usage, details) if written is None else written, "cache_write_tokens", notes
    )
    audio = count(details.get("audio_tokens"), "prompt audio_tokens", notes)
    if not (written or audio):
        split(meters, prompt, (("cache_read", cached),), "input", "prompt_tokens", notes)
        return
    by_modality = table(details.get("cached_tokens_details"))
    cached, cached_audio = cached_by_modality(cached, prompt - audio - written, audio, by_modality, notes)
    lifetimes = details.get("cache_write_tokens_details") or details.get("cache_creation_token_details")
    parts = (
        ("cache_read", cached),
        ("cache_read_audio", cached_audio),
        *written_parts(written, lifetimes, "cache_write_tokens", notes),
        ("input_audio", audio - min(cached_audio, audio)),
    )
    split(meters, prompt, parts, "input", "prompt_tokens", notes)


def check_total(total: object, prompt: int, completion: int, notes: list[str]) -> None:
    """A note where `total_tokens` is neither the sum of both nor left out (some hosts say 0)."""
    said = count(total, "total_tokens", notes)
    if said and said != prompt + completion:
        notes.append(
            note(
                INCOMPLETE_NOTE,
                f"total_tokens is {said}, prompt {prompt} and completion {completion} are not",
            )
        )


def cached_elsewhere(usage: Body) -> object:
    """Tokens read from a cache, where `prompt_tokens_details` does not have them."""
    for name in ("prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"):
        value = usage.get(name)
        if value is not None:
            return value
    return None


def written_elsewhere(usage: Body, details: Body) -> object:
    """Tokens written to a cache, under the names that gateways use (LiteLLM, DashScope)."""
    for where, name in (
        (details, "cache_creation_tokens"),
        (details, "cache_creation_input_tokens"),
        (usage, "cache_creation_input_tokens"),
    ):
        value = where.get(name)
        if value is not None:
            return value
    return None

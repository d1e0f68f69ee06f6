"""Text-generation servers with words of their own for tokens: llama.cpp, Text Generation Inference, watsonx.

Fields as their documentation has them, checked 2026-11-23: llama.cpp `tokens_evaluated` and `tokens_predicted`
(https://github.com/ggml-org/llama.cpp/tree/master/tools/server), TGI `details.generated_tokens`
(https://huggingface.github.io/text-generation-inference), watsonx `results[].generated_token_count`
(https://cloud.ibm.com/apidocs/watsonx-ai).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import INCOMPLETE_NOTE, Reading, note
from .inclusive import Meters
from .quantities import count, explained, rows, table, text

Body = Mapping[str, object]


def read_completion(body: Body) -> Reading:
    """A completion of llama.cpp's own API; the prompt's count includes what its cache had."""
    notes: list[str] = []
    given = count(body.get("tokens_evaluated"), "tokens_evaluated", notes)
    made = count(body.get("tokens_predicted"), "tokens_predicted", notes)
    return _reading(text(body.get("model")), given, made, notes)


def read_generated_text(body: Body) -> Reading:
    """A generation of TGI; the prompt is counted only where its tokens were asked for."""
    notes: list[str] = []
    details = table(body.get("details"))
    prompt = details.get("prefill")
    given = len(prompt) if isinstance(prompt, list) else 0
    if not given:
        notes.append(note(INCOMPLETE_NOTE, "the body does not count the prompt's tokens"))
    made = count(details.get("generated_tokens"), "generated_tokens", notes)
    reading = _reading("", given, made, notes)
    reason = text(details.get("finish_reason"))
    reading.finish_reasons = (reason,) if reason else ()
    return reading


def read_results(body: Body) -> Reading:
    """A generation of watsonx."""
    notes: list[str] = []
    results = rows(body.get("results"))
    given = sum(count(one.get("input_token_count"), "input_token_count", notes) for one in results)
    made = sum(count(one.get("generated_token_count"), "generated_token_count", notes) for one in results)
    reading = _reading(text(body.get("model_id")), given, made, notes)
    reading.finish_reasons = tuple(filter(None, (text(one.get("stop_reason")) for one in results)))
    return reading


def _reading(model: str, given: int, made: int, notes: list[str]) -> Reading:
    meters: Meters = {meter: some for meter, some in (("input", given), ("output", made)) if some}
    reading = Reading(model, usage=meters)
    reading.notes = explained(reading, notes)
    return reading

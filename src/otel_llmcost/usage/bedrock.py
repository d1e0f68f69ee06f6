"""Amazon Bedrock: Converse bodies and streams, InvokeModel bodies of the model families, token counts in headers.

Converse counts exclusively: `inputTokens` leaves cached tokens out
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html, checked 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..call import NO_USAGE_NOTE, Reading, code_of, note
from . import anthropic, openai, terms
from .inclusive import Meters, Parts, lifetime_parts
from .quantities import count, explained, rows, table, text

Body = Mapping[str, object]

_HEADER = "x-amzn-bedrock-"


def read_converse(body: Body) -> Reading:
    """A Converse answer, or the folded events of ConverseStream; the model is in the request alone."""
    notes: list[str] = []
    usage = table(body.get("usage"))
    reading = Reading(_routed_model(body), _request_id(body))
    stop = text(body.get("stopReason"))
    if stop:
        reading.finish_reasons = (stop,)
    if usage:
        reading.usage = converse_meters(usage, notes)
    else:
        notes.append(note(NO_USAGE_NOTE, "the body tells no usage"))
    _add_terms(reading, body, notes)
    reading.notes = explained(reading, notes)
    return reading


def converse_meters(usage: Body, notes: list[str]) -> Meters:
    """The disjoint meters of a TokenUsage; cache writes by lifetime where `cacheDetails` tells them."""
    written = count(_cached(usage, "cacheWriteInputToken"), "cacheWriteInputTokens", notes)
    parts: Parts = (("cache_write", written),)
    lived: Parts = tuple(
        (f"cache_write_{detail['ttl']}", count(detail.get("inputTokens"), "cacheDetails.inputTokens", notes))
        for detail in rows(usage.get("cacheDetails"))
        if detail.get("ttl") in ("5m", "1h")
    )
    if any(quantity for _, quantity in lived):
        parts = lifetime_parts(written, lived, "cacheWriteInputTokens", notes)
    meters: Meters = {}
    for meter, quantity in (
        ("input", count(usage.get("inputTokens"), "inputTokens", notes)),
        ("cache_read", count(_cached(usage, "cacheReadInputToken"), "cacheReadInputTokens", notes)),
        *parts,
        ("output", count(usage.get("outputTokens"), "outputTokens", notes)),
    ):
        if quantity:
            meters[meter] = meters.get(meter, 0) + quantity
    return meters


def _cached(usage: Body, name: str) -> object:
    # Converse says ...Tokens, Nova's own body ...TokenCount.
    told = usage.get(f"{name}s")
    return usage.get(f"{name}Count") if told is None else told


def _routed_model(body: Body) -> str:
    router = table(table(body.get("trace")).get("promptRouter"))
    return text(router.get("invokedModelId"))


def _request_id(body: Body) -> str:
    return text(table(body.get("ResponseMetadata")).get("RequestId"))


def _add_terms(reading: Reading, body: Body, notes: list[str]) -> None:
    said = table(body.get("serviceTier")).get("type")
    reading.tier = terms.tier(said)
    if reading.tier == terms.COMMITTED:
        notes.append(terms.bought_beforehand(said))
    if table(body.get("performanceConfig")).get("latency") == "optimized":
        reading.speed = "optimized"


def read_invoked(body: Body, headers: Body | None = None) -> Reading:
    """An InvokeModel answer: `body` is its parsed JSON, `headers` the response's (as botocore lowers them)."""
    told = table(body.get("ResponseMetadata")).get("HTTPHeaders")
    counts = _header_meters(headers or table(told))
    metrics = table(body.get("amazon-bedrock-invocationMetrics"))
    family = _by_family(body)
    reading = family or Reading()
    notes = [said for said in reading.notes if not (counts and code_of(said) == NO_USAGE_NOTE)]
    if not reading.usage:
        reading.usage = counts[0] if counts else _metric_meters(metrics, notes)
        notes.extend(counts[1] if counts else ())
    if not reading.usage and not notes:
        notes.append(note(NO_USAGE_NOTE, "neither body nor headers tell token counts"))
    reading.notes = explained(reading, notes)
    return reading


def _by_family(body: Body) -> Reading | None:
    """Claude, OpenAI's open models, Nova, Titan and Llama tell their usage in the body, each in its own way."""
    usage = table(body.get("usage"))
    notes: list[str] = []
    if "inputTokens" in usage:
        return read_converse(body)
    if body.get("type") == "message" or "cache_creation_input_tokens" in usage:
        return anthropic.read_message(body)
    if usage:
        return openai.read_chat(body)
    if "inputTextTokenCount" in body:
        made = sum(count(r.get("tokenCount"), "tokenCount", notes) for r in rows(body.get("results")))
        return _counted(body.get("inputTextTokenCount"), made, notes)
    if "prompt_token_count" in body:
        return _counted(body.get("prompt_token_count"), body.get("generation_token_count"), notes)
    return None


def _counted(given: object, made: object, notes: list[str]) -> Reading:
    meters = {"input": count(given, "input tokens", notes), "output": count(made, "output tokens", notes)}
    return Reading(usage={m: q for m, q in meters.items() if q}, notes=tuple(notes))


def _header_meters(headers: Body) -> tuple[Meters, list[str]] | None:
    names = {
        "input": "input",
        "output": "output",
        "cache_read": "cache-read-input",
        "cache_write": "cache-write-input",
    }
    lower = {name.lower(): value for name, value in headers.items() if isinstance(name, str)}
    said = {meter: lower.get(f"{_HEADER}{name}-token-count") for meter, name in names.items()}
    if not any(value is not None for value in said.values()):
        return None
    notes: list[str] = []
    counted = {
        meter: count(value, f"{_HEADER}{names[meter]}-token-count", notes) for meter, value in said.items()
    }
    return {meter: quantity for meter, quantity in counted.items() if quantity}, notes


def _metric_meters(metrics: Body, notes: list[str]) -> Meters:
    names = {
        "input": "inputTokenCount",
        "output": "outputTokenCount",
        "cache_read": "cacheReadInputTokenCount",
        "cache_write": "cacheWriteInputTokenCount",
    }
    counted = {meter: count(metrics.get(name), name, notes) for meter, name in names.items()}
    return {meter: quantity for meter, quantity in counted.items() if quantity}


def fold_converse(events: Iterable[object]) -> Body:
    """One body of ConverseStream's events, or of InvokeModelWithResponseStream's chunks."""
    body: dict[str, object] = {}
    for event in rows(list(events)):
        body.update(table(event.get("metadata")))
        stop = table(event.get("messageStop")).get("stopReason")
        if stop is not None:
            body["stopReason"] = stop
        if "amazon-bedrock-invocationMetrics" in event:
            body["amazon-bedrock-invocationMetrics"] = event["amazon-bedrock-invocationMetrics"]
    return body

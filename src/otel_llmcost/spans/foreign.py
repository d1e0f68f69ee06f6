"""Spans of other instrumentations: what they tell, what they leave out, and who was really called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .. import semconv as s
from ..call import (
    DELEGATED_NOTE,
    ESTIMATED_NOTE,
    NO_USAGE_NOTE,
    NOTED,
    Call,
    Reading,
    SpanFacts,
    note,
)
from ..prices.hosts import DELEGATED, FIRST_PARTY, resolve_host
from ..prices.providers import provider_name
from ..usage import anthropic, openai, terms
from ..usage.quantities import count, text
from .aliases import RAW_USAGE, path_of
from .attributes import parsed
from .dialects import CACHE, LIFETIMES, REGION, TERMS, TIER, WRITES, Dialect, counts_inclusively

Attributes = Mapping[str, object]
Hosts = Mapping[str, str]

_LONGEST_BODY = 1_000_000


def by_conventions(facts: SpanFacts, dialect: Dialect) -> Attributes | None:
    """The span's attributes under the conventions' newest names; None for a span that is no model call."""
    if _stands_for_a_stream(facts.attributes):
        return None
    attributes = dialect.translate(facts.name, facts.attributes)
    inclusive = counts_inclusively(dialect, facts.scope_version, facts.attributes)
    return (
        attributes if attributes is None or inclusive else _inclusive(attributes, certain=inclusive is False)
    )


def _inclusive(attributes: dict[str, object], certain: bool) -> Attributes:
    # Where nobody knows how a span counts: cached tokens beyond the input can only stand beside it.
    ignored: list[str] = []
    cached = sum(
        count(attributes.get(name), name, ignored) for name in (s.CACHE_READ_TOKENS, s.CACHE_WRITE_TOKENS)
    )
    given = count(attributes.get(s.INPUT_TOKENS), s.INPUT_TOKENS, ignored)
    beside = cached > 0 and (certain or cached > given)
    return attributes | {s.INPUT_TOKENS: given + cached} if beside else attributes


def _stands_for_a_stream(attributes: Attributes) -> bool:
    # Logfire ends a streamed call's span when the stream begins; the usage is on a span of its own, written later.
    if attributes.get("logfire.span_type") != "span":
        return False
    # a failed call looks the same; it cost nothing. (The response's model is no mark: Logfire's exporter adds it.)
    return s.RESPONSE_ID not in attributes and s.INPUT_TOKENS not in attributes


def completed(call: Call, facts: SpanFacts, attributes: Attributes, dialect: Dialect, hosts: Hosts) -> Call:
    """The call with what the span knows beyond the conventions, and with notes about what it does not know."""
    notes = list(call.notes)
    reading = _body_on_span(facts.attributes, attributes)
    if reading is not None and reading.usage:
        call = _with_reading(call, reading, notes)
        notes.extend(_left_out(call, dialect, (TIER,)))
    elif call.usage:
        notes.extend(_doubts(call, facts, dialect))
        notes.extend(_left_out(call, dialect, dialect.leaves_out))
    else:
        notes.append(note(NO_USAGE_NOTE, "the span tells no usage"))
    call = replace(call, provider=provider_name(call.provider))
    if not any(
        name.startswith("llmcost.") for name in facts.attributes
    ):  # else it was us who named the provider
        call = _with_provider(call, facts.attributes, hosts, notes)
    call = _with_tier(call, notes)
    return replace(call, notes=tuple(dict.fromkeys(notes)))


def _body_on_span(own: Attributes, translated: Attributes) -> Reading | None:
    """The provider's own usage, where the span carries it whole (Logfire) or in the body (OpenInference)."""
    from ..usage import read_body

    usage = _parsed_body(translated.get(RAW_USAGE))
    body: dict[str, object] = {"usage": usage} if usage else _parsed_body(own.get("output.value"))
    said = body.get("usage") if body else None
    if not body or not isinstance(said, dict):
        return None
    if "prompt_tokens" not in said and (
        "cache_creation_input_tokens" in said or body.get("type") == "message"
    ):
        return anthropic.read_message(body)
    # a whole body is told by its shape, like any other; readers that most programs never need are loaded with the first
    return openai.read_chat(body) if usage else read_body(s.OPENAI, body)


def _parsed_body(value: object) -> dict[str, object]:
    if isinstance(value, str) and (len(value) > _LONGEST_BODY or not value.startswith("{")):
        return {}
    body = parsed(value)
    return body if isinstance(body, dict) else {}


def _with_reading(call: Call, reading: Reading, notes: list[str]) -> Call:
    notes.extend(reading.notes)
    return replace(
        call,
        usage=reading.usage,
        lines=reading.lines,
        tier=reading.tier or call.tier,
        speed=reading.speed or call.speed,
        region=reading.region or call.region,
        response_id=call.response_id or reading.response_id,
    )


def _doubts(call: Call, facts: SpanFacts, dialect: Dialect) -> list[str]:
    """Where the counts or terms on the span may not be what was billed."""
    doubts = _doubts_about_cache(call, facts, dialect)
    if facts.scope.startswith("openlit.") and call.tier == terms.STANDARD:
        doubts.append(note(NOTED, "OpenLIT writes the default tier where it saw none"))
    if _adds_placeholder(facts):
        doubts.append(note(ESTIMATED_NOTE, "OpenLLMetry adds the start's placeholder to a stream's output"))
    return doubts


def _doubts_about_cache(call: Call, facts: SpanFacts, dialect: Dialect) -> list[str]:
    doubts = []
    cached = any(meter.startswith("cache_") for meter in call.usage)
    if cached and counts_inclusively(dialect, facts.scope_version, facts.attributes) is None:
        who = f"{facts.scope} {facts.scope_version}".strip()
        doubts.append(f"whether {who} counts cached tokens into the input is not known; it is assumed")
    if call.usage.get("cache_write"):
        if LIFETIMES in dialect.leaves_out:
            doubts.append("cache lifetimes are not on the span, the default one is assumed")
    elif WRITES in dialect.leaves_out and call.provider == s.ANTHROPIC:
        doubts.append(f"spans of {dialect.scope} hide cache writes, priced as plain input")
    if CACHE in dialect.leaves_out and call.operation != s.EMBEDDINGS and not _tells_cache(facts.attributes):
        doubts.append(f"cached tokens are not on this span of {dialect.scope}")
    return [note(ESTIMATED_NOTE, doubt) for doubt in doubts]


def _tells_cache(attributes: Attributes) -> bool:
    # OpenLIT writes zeros for streams, whose cached tokens it does not see.
    streamed = attributes.get(s.REQUEST_STREAM) is True
    return any("cache_read" in name and (value or not streamed) for name, value in attributes.items())


def _left_out(call: Call, dialect: Dialect, candidates: tuple[str, ...]) -> list[str]:
    """What may decide the price of such a call and is not on the span; nothing of it changes a status."""
    if call.operation == s.EMBEDDINGS:
        return []
    at_anthropic = call.provider == s.ANTHROPIC
    known = {
        CACHE: True,
        WRITES: True,
        TIER: bool(call.tier),
        LIFETIMES: True,
        REGION: not at_anthropic,
        TERMS: not at_anthropic,
    }
    missing = [what for what in candidates if what in dialect.leaves_out and not known.get(what)]
    return [note(NOTED, f"spans of {dialect.scope} leave out {', '.join(missing)}")] if missing else []


def _adds_placeholder(facts: SpanFacts) -> bool:
    streamed = facts.attributes.get("gen_ai.is_streaming") is True
    return streamed and facts.scope.startswith("opentelemetry.instrumentation.anthropic")


def _with_provider(call: Call, attributes: Attributes, hosts: Hosts, notes: list[str]) -> Call:
    """The provider that the host tells, where the instrumentation writes the name of the client library."""
    if not call.host:
        return call
    path = path_of(attributes) if hosts else ""
    facts = resolve_host(call.host, hosts, port=call.port, path=path)
    if facts.kind == DELEGATED:
        notes.append(note(DELEGATED_NOTE, f"{call.host} is instrumented itself"))
    is_library = call.provider in ("", s.OPENAI, s.ANTHROPIC)
    provider = facts.provider if is_library or facts.kind != FIRST_PARTY else call.provider
    if not is_library and facts.provider in (s.LOCAL, s.UNKNOWN):
        provider = call.provider
    return replace(call, provider=provider, region=call.region or facts.region)


def _with_tier(call: Call, notes: list[str]) -> Call:
    if call.tier in (terms.COMMITTED, terms.PRIORITY) and (
        call.tier == terms.COMMITTED or call.provider == s.ANTHROPIC
    ):
        notes.append(terms.bought_beforehand(call.tier))
    asked = terms.tier(text(call.request.get(s.OPENAI_REQUEST_TIER)))
    if call.tier or not asked or asked == terms.STANDARD:
        return call
    notes.append(
        note(ESTIMATED_NOTE, f"the served tier is not on the span, the requested one ({asked}) is taken")
    )
    return replace(call, tier=asked)

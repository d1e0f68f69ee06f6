"""From a span's facts to the call that it describes, whoever wrote the span. Pure; never raises."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .. import semconv as s
from ..call import INCOMPLETE_NOTE, Call, SpanFacts, note, span_key
from ..usage.quantities import money, text
from . import foreign
from .attributes import items_of, notes_of, numbers, request_of, strings, tags_of
from .dialects import dialect_of
from .sums import usage_of

_NO_HOSTS: Mapping[str, str] = MappingProxyType({})


def read_call(facts: SpanFacts, hosts: Mapping[str, str] = _NO_HOSTS) -> Call | None:
    """The call of a finished span; None where it is none that is priced (agents, tools, workflows, HTTP).

    Our own spans are read back exactly. Of other instrumentations' spans, the notes say what they leave out
    and where a count may or may not include another (`estimated`). `hosts` is the user's map from host to
    provider: others write the client library's name as the provider, so the host decides.
    """
    if facts.scope == s.SCOPE:
        return _call(facts, facts.attributes) if _is_priced(facts.attributes) else None
    dialect = dialect_of(facts.scope, facts.attributes)
    attributes = foreign.by_conventions(facts, dialect)
    if attributes is None or not _is_priced(attributes):
        return None
    return foreign.completed(_call(facts, attributes), facts, attributes, dialect, hosts)


_COUNTS = (s.INPUT_TOKENS, s.OUTPUT_TOKENS, s.CACHE_READ_TOKENS, s.CACHE_WRITE_TOKENS, s.USAGE_PREFIX)


def _is_priced(attributes: Mapping[str, object]) -> bool:
    operation = attributes.get(s.OPERATION)
    if operation is None:
        # A line of JSON, or an old instrumentation: usage and a model are what makes it a call.
        named = s.REQUEST_MODEL in attributes or s.RESPONSE_MODEL in attributes
        return named and any(str(name).startswith(_COUNTS) for name in attributes)
    return isinstance(operation, str) and operation in s.PRICED_OPERATIONS


_TERMS = (s.SERVICE_TIER, s.SPEED, s.REGION, s.VARIANT)
"""What decides which price holds: where it cannot be read, no price is exact."""


def _call(facts: SpanFacts, attributes: Mapping[str, object]) -> Call:
    get = attributes.get
    said: list[str] = []
    usage = usage_of(attributes, said)
    lines = items_of(get(s.ITEMS), said)
    reported = money(get(s.REPORTED_COST), s.REPORTED_COST, said)
    notes = notes_of(get(s.REASONS))
    said.extend(
        note(INCOMPLETE_NOTE, f"{name} is {type(get(name)).__name__}, not text")
        for name in _TERMS
        if not isinstance(get(name, ""), str)
    )
    return Call(
        key=text(get(s.CALL_KEY)) or _key_of(facts),
        provider=text(get(s.PROVIDER)),
        operation=text(get(s.OPERATION)) or s.CHAT,
        request_model=text(get(s.REQUEST_MODEL)),
        response_model=text(get(s.RESPONSE_MODEL)),
        start_ns=facts.start_ns,
        end_ns=facts.end_ns,
        usage=usage,
        tier=text(get(s.SERVICE_TIER)),
        speed=text(get(s.SPEED)),
        region=text(get(s.REGION)),
        variant=text(get(s.VARIANT)),
        lines=lines,
        host=text(get(s.SERVER_ADDRESS)),
        port=int(numbers(get(s.SERVER_PORT)) or 0),
        response_id=text(get(s.RESPONSE_ID)),
        finish_reasons=strings(get(s.FINISH_REASONS)),
        error_type=text(get(s.ERROR_TYPE)),
        first_chunk_s=numbers(get(s.TIME_TO_FIRST_CHUNK)),
        attempts=int(numbers(get(s.ATTEMPTS)) or 1),
        reported=reported,
        notes=(*notes, *(one for one in said if one not in notes)),
        tags=tags_of(attributes),
        request=request_of(attributes),
    )


def _key_of(facts: SpanFacts) -> str:
    # a line of JSON has no ids
    return span_key(facts.trace_id, facts.span_id) if facts.trace_id or facts.span_id else ""

"""Spans of other instrumentations, brought to the conventions' names and sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..call import NO_USAGE_NOTE, Call, SpanFacts, note

Attributes = Mapping[str, object]


def by_conventions(facts: SpanFacts) -> Attributes | None:
    """The span's attributes under the conventions' newest names; None for a span that is no model call."""
    return facts.attributes


def with_notes(call: Call, facts: SpanFacts, attributes: Attributes) -> Call:
    """The call with what its span leaves out."""
    if call.usage:
        return call
    return replace(call, notes=(*call.notes, note(NO_USAGE_NOTE, "the span tells no usage")))

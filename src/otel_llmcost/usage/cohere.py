"""Cohere's bodies: `billed_units` is what is charged (chat, embed, rerank, classify; both API versions).

https://docs.cohere.com/v2/docs/how-does-cohere-pricing-work, checked 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..call import INCOMPLETE_NOTE, NO_USAGE_NOTE, Reading, note
from .quantities import count, measure, rows, table, text

Body = Mapping[str, object]


def read_billed(body: Body) -> Reading:
    """Any answer of Cohere: v2 chat has `usage.billed_units`, everything else `meta.billed_units`."""
    notes: list[str] = []
    usage = table(body.get("usage") or body.get("meta"))
    units = table(usage.get("billed_units"))
    if not units and "tokens" in usage:
        units = table(usage.get("tokens"))
    meters = {
        "input": count(units.get("input_tokens"), "billed input_tokens", notes),
        "output": count(units.get("output_tokens"), "billed output_tokens", notes),
        "search_unit": measure(units.get("search_units"), "search_units", notes),
        "image": count(units.get("images"), "billed images", notes),
    }
    found = {meter: quantity for meter, quantity in meters.items() if quantity}
    if units.get("classifications"):
        notes.append(note(INCOMPLETE_NOTE, f"{units.get('classifications')} classifications have no meter"))
    if not found and not notes:
        notes.append(note(NO_USAGE_NOTE, "the body tells no billed units"))
    reason = text(body.get("finish_reason"))
    identity = text(body.get("id")) or text(body.get("generation_id"))
    return Reading(
        text(body.get("model")),
        identity,
        found,
        finish_reasons=(reason,) if reason else (),
        notes=tuple(notes),
    )


def fold_chat(events: Iterable[object]) -> Body:
    """The body of a stream: v2 tells its usage in `message-end`, v1 the whole response in `stream-end`."""
    body: dict[str, object] = {}
    for event in rows(list(events)):
        kind = event.get("type") or event.get("event_type")
        if kind == "message-end":
            delta = table(event.get("delta"))
            body["usage"], body["finish_reason"] = delta.get("usage"), delta.get("finish_reason")
        elif kind == "stream-end":
            return table(event.get("response"))
        elif kind == "message-start":
            body["id"] = event.get("id")
    return body

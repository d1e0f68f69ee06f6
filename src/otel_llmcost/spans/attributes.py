"""Single attributes as values: lists that arrived as JSON, numbers that arrived as text, tags, items."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from .. import semconv as s
from ..call import CALL_NOTE_CODES, INCOMPLETE_NOTE, NO_TAGS, AttributeValue, Line, Tags, code_of, note
from ..usage.inclusive import Meters
from ..usage.quantities import measure, text

Attributes = Mapping[str, object]


def strings(value: object) -> tuple[str, ...]:
    """A list of strings; also one string, and a JSON array in a string."""
    if isinstance(value, str):
        if not value.startswith("["):
            return (value,) if value else ()
        value = parsed(value)
    if not isinstance(value, list | tuple):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def parsed(value: object) -> object:
    """What a string of JSON says; None where it is no JSON, or nested too deep to be any."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def numbers(value: object) -> float | None:
    """A finite number that is not negative, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return value if math.isfinite(value) else None


def notes_of(reasons: object) -> tuple[str, ...]:
    """The notes of the call among a span's reasons; what pricing added is found again by pricing."""
    return tuple(reason for reason in strings(reasons) if code_of(reason) in CALL_NOTE_CODES)


def tags_of(attributes: Attributes) -> Tags:
    """Who the call belongs to."""
    own = {
        name[len(s.TAG_PREFIX) :]: value
        for name, value in attributes.items()
        if isinstance(name, str) and name.startswith(s.TAG_PREFIX) and isinstance(value, str)
    }
    names = (s.SOURCE, s.STAGE, s.TEAM, s.FEATURE, s.CONVERSATION_ID, s.SESSION_ID, s.USER_ID)
    source, stage, team, feature, conversation, session, user = [text(attributes.get(name)) for name in names]
    tags = Tags(source, stage, team, feature, conversation, session, user)
    if own:
        tags.own = own
    return NO_TAGS if tags == NO_TAGS else tags


_REQUEST_NAMES = frozenset(
    {
        s.OPENAI_API_TYPE,
        s.OPENAI_FINGERPRINT,
        "gen_ai.output.type",
        "gen_ai.embeddings.dimension.count",
        "gen_ai.prompt.name",
        "gen_ai.prompt.version",
    }
)
_REQUEST_PREFIXES = ("gen_ai.request.", "openai.request.", "anthropic.request.")


def request_of(attributes: Attributes) -> dict[str, AttributeValue]:
    """The request attributes as they stand on the span, the model apart; lists as tuples."""
    return {
        name: plain
        for name, value in attributes.items()
        if isinstance(name, str)
        and (name in _REQUEST_NAMES or name.startswith(_REQUEST_PREFIXES))
        and name != s.REQUEST_MODEL
        and (plain := _plain(value)) is not None
    }


def _plain(value: object) -> AttributeValue | None:
    if isinstance(value, list | tuple):
        kinds = {type(item) for item in value}
        return tuple(value) if len(kinds) <= 1 and kinds <= {str, bool, int, float} else None
    return value if isinstance(value, str | bool | int | float) else None


def items_of(value: object, notes: list[str]) -> tuple[Line, ...]:
    """The lines of a call with several: one for the items of each request on the same terms."""
    if value is None:
        return ()
    items = parsed(value)
    if not isinstance(items, list):
        notes.append(note(INCOMPLETE_NOTE, f"{s.ITEMS} is not a JSON list"))
        return ()
    lines: dict[tuple[tuple[str, ...], int], Meters] = {}
    for item in items:
        if isinstance(item, dict):
            terms = tuple(text(item.get(name)) for name in _LINE_TERMS)
            request = item.get("request")
            meters = lines.setdefault((terms, request if type(request) is int else 1), {})
            quantity = measure(item.get("quantity"), s.ITEMS, notes)
            meter = text(item.get("meter"))
            if meter and quantity:
                meters[meter] = meters.get(meter, 0) + quantity
    return tuple(
        Line(provider, model, meters, tier, speed, region, variant)
        for ((provider, model, tier, speed, region, variant), _), meters in lines.items()
    )


_LINE_TERMS = ("provider", "model", "tier", "speed", "region", "variant")

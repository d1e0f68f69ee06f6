"""From a call, and from what it costs, to span attributes. On the caller's thread: a few microseconds."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from .. import semconv as s
from ..call import NO_TAGS, SPAN_KEYS, AttributeValue, Call, Line, Priced, PricedLine, Tags
from ..meters import Quantity, Usage
from ..money import as_float, as_text

Attributes = dict[str, AttributeValue]
Amounts = dict[tuple[str, str, Quantity], list[int | None]]

# Meter -> every attribute that its tokens count towards: the conventions' sums include each other.
_SUMS: dict[str, tuple[str, ...]] = {
    "input": (s.INPUT_TOKENS,),
    "input_audio": (s.INPUT_TOKENS, s.AUDIO_INPUT_TOKENS),
    "input_image": (s.INPUT_TOKENS, s.IMAGE_INPUT_TOKENS),
    "input_video": (s.INPUT_TOKENS, s.USAGE_PREFIX + "input_video"),
    "cache_read": (s.INPUT_TOKENS, s.CACHE_READ_TOKENS),
    "cache_read_audio": (
        s.INPUT_TOKENS,
        s.CACHE_READ_TOKENS,
        s.AUDIO_INPUT_TOKENS,
        s.AUDIO_CACHE_READ_TOKENS,
    ),
    "cache_read_image": (
        s.INPUT_TOKENS,
        s.CACHE_READ_TOKENS,
        s.IMAGE_INPUT_TOKENS,
        s.IMAGE_CACHE_READ_TOKENS,
    ),
    "cache_write": (s.INPUT_TOKENS, s.CACHE_WRITE_TOKENS),
    **{
        meter: (s.INPUT_TOKENS, s.CACHE_WRITE_TOKENS, s.USAGE_PREFIX + meter)
        for meter in ("cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h")
    },
    "output": (s.OUTPUT_TOKENS,),
    "output_reasoning": (s.OUTPUT_TOKENS, s.REASONING_TOKENS),
    "output_audio": (s.OUTPUT_TOKENS, s.AUDIO_OUTPUT_TOKENS),
    "output_image": (s.OUTPUT_TOKENS, s.IMAGE_OUTPUT_TOKENS),
}


def project(call: Call) -> Attributes:
    """The attributes of a call's span, by the GenAI conventions; what they cannot name is under `llmcost.`.

    Name, kind, start and end of the span are the watcher's. Zeros and unknown values are left out.
    """
    out: Attributes = {s.OPERATION: call.operation, s.PROVIDER: call.provider}
    if call.request:
        out.update(call.request)
    if call.request_model:
        out[s.REQUEST_MODEL] = call.request_model
    if call.host:
        out[s.SERVER_ADDRESS] = call.host
        if call.port:
            out[s.SERVER_PORT] = call.port
    out.update(project_answer(call))
    out.update(tag_attributes(call.tags))
    return out


def project_answer(call: Call) -> Attributes:
    """What only the answer tells of a call: `project` without what was known when its span started."""
    out: Attributes = {}
    if call.response_model:
        out[s.RESPONSE_MODEL] = call.response_model
    if call.response_id:
        out[s.RESPONSE_ID] = call.response_id
    if call.finish_reasons:
        out[s.FINISH_REASONS] = call.finish_reasons
    if call.tier:
        out[s.SERVICE_TIER] = call.tier
    if call.first_chunk_s is not None:
        out[s.TIME_TO_FIRST_CHUNK] = call.first_chunk_s
    _project_usage(out, call.usage)
    if call.speed or call.region or call.variant or call.error_type or call.notes:
        _project_remarks(out, call)
    if call.lines or call.attempts != 1 or call.reported is not None:
        _project_rarities(out, call)
    if call.key and not call.key.startswith(SPAN_KEYS):
        out[s.CALL_KEY] = call.key
    return out


def _project_usage(out: dict[str, Any], usage: Usage) -> None:
    for meter, quantity in usage.items():
        if not quantity:
            continue
        names = _SUMS.get(meter)
        if names is None:
            out[s.USAGE_PREFIX + meter] = _number(quantity)
        else:
            for name in names:
                out[name] = out.get(name, 0) + quantity


def _number(quantity: Quantity) -> int | float:
    return quantity if isinstance(quantity, int) else float(quantity)


_TAG_NAMES = (
    ("source", s.SOURCE),
    ("stage", s.STAGE),
    ("team", s.TEAM),
    ("feature", s.FEATURE),
    ("conversation", s.CONVERSATION_ID),
    ("session", s.SESSION_ID),
    ("user", s.USER_ID),
)


def tag_attributes(tags: Tags) -> Attributes:
    """The attributes of the tags that are set."""
    if tags is NO_TAGS:
        return {}
    found: Attributes = {name: value for field, name in _TAG_NAMES if (value := getattr(tags, field))}
    for key, value in tags.own.items():
        found[s.TAG_PREFIX + key] = value
    return found


def _project_remarks(out: Attributes, call: Call) -> None:
    for name, value in (
        (s.SPEED, call.speed),
        (s.REGION, call.region),
        (s.VARIANT, call.variant),
        (s.ERROR_TYPE, call.error_type),
    ):
        if value:
            out[name] = value
    if call.notes:
        out[s.REASONS] = call.notes


def _project_rarities(out: Attributes, call: Call) -> None:
    if call.lines:
        out[s.ITEMS] = json.dumps(_items(call, {}))
    if call.attempts != 1:
        out[s.ATTEMPTS] = call.attempts
    if call.reported is not None:
        out[s.REPORTED_COST] = float(call.reported)


def _item(line: Line, call: Call, request: int) -> dict[str, object]:
    terms = {"tier": line.tier, "speed": line.speed, "region": line.region, "variant": line.variant}
    named: dict[str, object] = {"provider": line.provider or call.provider, "model": line.model}
    named |= {name: value for name, value in terms.items() if value}
    return named | {"request": request} if request > 1 else named


def _in_json(quantity: Quantity) -> int | str:
    return quantity if isinstance(quantity, int) else str(quantity)


def cost_attributes(priced: Priced, call: Call | None = None) -> Attributes:
    """What a call costs, as span attributes in USD; with `call`, items keep their line's speed and region.

    No zeros are written, and no amount at all where none is known. `llmcost.reasons` replaces what `project`
    wrote: the reasons of a priced call include the notes of the call.
    """
    out: Attributes = {s.STATUS: priced.status}
    if priced.amount is not None:
        out[s.COST] = as_float(priced.amount)
    for component, amount in priced.components.items():
        if amount:
            out[s.COST_COMPONENT_PREFIX + component] = as_float(amount)
    if priced.reasons:
        out[s.REASONS] = priced.reasons
    if priced.version:
        out[s.PRICE_VERSION] = priced.version
    if priced.list_amount is not None:
        out[s.LIST_COST] = as_float(priced.list_amount)
    if len(priced.lines) > 1 and ((call is not None and call.lines) or _has_several_models(priced.lines)):
        out[s.ITEMS] = json.dumps(_priced_items(priced.lines, call))
    return out


def _has_several_models(lines: tuple[PricedLine, ...]) -> bool:
    first = lines[0]
    return any(line.model != first.model or line.provider != first.provider for line in lines)


def _priced_items(lines: tuple[PricedLine, ...], call: Call | None) -> list[dict[str, object]]:
    if call is None or not call.lines:
        return [_priced_item(priced) for priced in lines]
    amounts: Amounts = {}
    for priced in lines:
        amounts.setdefault((priced.model, priced.meter, priced.quantity), []).append(priced.amount)
    return _items(call, amounts)


def _items(call: Call, amounts: Amounts) -> list[dict[str, object]]:
    items = []
    on_terms: Counter[tuple[str, ...]] = Counter()
    for line in call.lines:
        terms = (line.provider or call.provider, line.model, *line[3:])
        on_terms[terms] += 1  # several requests on the same terms stay apart: a threshold is about one prompt
        named = _item(line, call, on_terms[terms])
        for meter, quantity in line.usage.items():
            if quantity:
                known = amounts.get((line.model, meter, quantity))
                items.append(named | _part(meter, quantity, known.pop(0) if known else None))
    return items


def _priced_item(priced: PricedLine) -> dict[str, object]:
    named: dict[str, object] = {"provider": priced.provider, "model": priced.model}
    if priced.tier:
        named["tier"] = priced.tier
    return named | _part(priced.meter, priced.quantity, priced.amount)


def _part(meter: str, quantity: Quantity, amount: int | None) -> dict[str, object]:
    part: dict[str, object] = {"meter": meter, "quantity": _in_json(quantity)}
    return part if amount is None else part | {"amount": as_text(amount)}

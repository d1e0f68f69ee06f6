"""Who a call belongs to: tags, accumulators, known ids, rules, baggage.

The watching engine uses five names, all without I/O and without locks:

At a call's start, on the calling thread::

    tags = for_request(provider, host, model, body, client)   # Asked.tags: from inside the program alone
    call_tags = with_inbound(tags)                            # Call.tags: baggage fills the gaps
    scopes = rollups()                                        # immutable tuple; () when nobody listens

While the SDK sends the request, its OpenTelemetry context is `to_provider(context)` where the host is a
provider's (neither local nor delegated), so that our baggage stays out of it.

At its end, from any thread::

    call.tags = for_answer(call_tags, reading, chained=<it was the Responses API>)
    for scope in scopes:
        scope.add(call, priced)                               # once per settled call

Tags under which a program's own code runs come from blocks (`track_source`, `tag`, `stage`), which work
with `with`, `async with` and as decorators, nest, and follow asyncio tasks; thread pools take them along
through `carry`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .active import (
    AttributionSettings,
    configure,
    for_answer,
    for_request,
    mark_client,
    mark_with,
    settings,
    tag,
    tags_of,
    with_inbound,
)
from .client_tags import client_tags
from .known import Conversations, known_ids
from .people import People, key_of_file
from .scope import Block, carry, current, enter, leave, rollups, stage, track_source
from .tags import fill, from_mapping, from_resource, over

if TYPE_CHECKING:
    from .baggage import AttributionPropagator, from_baggage, to_baggage, to_provider
    from .rollup import Accumulates, Rollup
    from .rules import RequestFacts, Rule, caller_module, parse_rules, read_rules, resolve
    from .track import track_call

__all__ = [
    "Accumulates",
    "AttributionPropagator",
    "AttributionSettings",
    "Block",
    "Conversations",
    "People",
    "RequestFacts",
    "Rollup",
    "Rule",
    "caller_module",
    "carry",
    "client_tags",
    "configure",
    "current",
    "enter",
    "fill",
    "for_answer",
    "for_request",
    "from_baggage",
    "from_mapping",
    "from_resource",
    "key_of_file",
    "known_ids",
    "leave",
    "mark_client",
    "mark_with",
    "over",
    "parse_rules",
    "read_rules",
    "resolve",
    "rollups",
    "settings",
    "stage",
    "tag",
    "tags_of",
    "to_baggage",
    "to_provider",
    "track_call",
    "track_source",
    "with_inbound",
]

_LOADED_ON_USE = {
    "Accumulates": "rollup",
    "AttributionPropagator": "baggage",
    "RequestFacts": "rules",
    "Rollup": "rollup",
    "Rule": "rules",
    "caller_module": "rules",
    "from_baggage": "baggage",
    "parse_rules": "rules",
    "read_rules": "rules",
    "resolve": "rules",
    "to_baggage": "baggage",
    "to_provider": "baggage",
    "track_call": "track",
}
"""What only some programs' settings or decorators ask for."""


def __getattr__(name: str) -> object:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f".{_LOADED_ON_USE[name]}", __name__), name)
    globals()[name] = found  # `to_provider` is asked for at every call
    return found

"""Tags as values: read from mappings, bounded, filled up from one another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .. import semconv
from ..call import NO_TAGS, TAG_FIELDS, Tags

MAX_LENGTH = 256
"""Characters of a tag's value; what is longer is cut."""
MAX_KEY_LENGTH = 64
MAX_OWN_TAGS = 20
"""Own tags of one call; the ones set first stay."""


_FIELD_OF: Mapping[str, str] = {
    **{name: name for name in TAG_FIELDS},
    **{f"llmcost.{name}": name for name in TAG_FIELDS},
    "conversation_id": "conversation",
    "session_id": "session",
    "user_id": "user",
    "gen_ai.conversation.id": "conversation",
    "session.id": "session",
    "user.id": "user",
}
_OWN_PREFIX = semconv.TAG_PREFIX


def clean(value: object) -> str:
    """The value as a tag: text of at most `MAX_LENGTH` characters that any encoder takes; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        text = value if type(value) is str else str(value)
    except ValueError:  # an integer of more digits than Python prints
        return ""
    text = text[:MAX_LENGTH]
    # A lone surrogate would make the exporter of the whole batch fail.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def field_of(key: str) -> str:
    """The field of `Tags` that a key names ("team", "llmcost.team", "user.id", "user_id"), "" for an own
    tag."""
    return _FIELD_OF.get(key, "")


def own_key(key: str) -> str:
    """The name of an own tag, without our prefix and bounded."""
    return clean(key.removeprefix(_OWN_PREFIX))[:MAX_KEY_LENGTH]


def from_mapping(values: Mapping[str, object]) -> Tags:
    """Tags of a mapping whose keys name fields or own tags; empty values are left out."""
    fields: dict[str, str] = {}
    own: dict[str, str] = {}
    for key, value in values.items():
        text = clean(value)
        if not text:
            continue
        name = field_of(key)
        if name:
            fields[name] = text
        elif len(own) < MAX_OWN_TAGS and own_key(key):
            own[own_key(key)] = text
    if not fields and not own:
        return NO_TAGS
    tags = Tags(**fields)  # type: ignore[arg-type]  # keys are names of text fields
    if own:
        tags.own = MappingProxyType(own)
    return tags


def from_resource(attributes: Mapping[str, object]) -> Tags:
    """Tags of resource attributes: only those under `llmcost.`
    (OTEL_RESOURCE_ATTRIBUTES=llmcost.team=search)."""
    ours = {key: value for key, value in attributes.items() if key.startswith("llmcost.")}
    return from_mapping({k: v for k, v in ours.items() if field_of(k) or k.startswith(_OWN_PREFIX)})


def fill(tags: Tags, more: Tags) -> Tags:
    """`tags`, with what it leaves empty taken from `more`."""
    if more is NO_TAGS:
        return tags
    if tags is NO_TAGS:
        return more
    return Tags(
        tags.source or more.source,
        tags.stage or more.stage,
        tags.team or more.team,
        tags.feature or more.feature,
        tags.conversation or more.conversation,
        tags.session or more.session,
        tags.user or more.user,
        _own(more.own, tags.own),
    )


def over(tags: Tags, changes: Tags) -> Tags:
    """`tags` with everything that `changes` says put over it."""
    if tags is NO_TAGS:
        return changes
    # The outer block's own tags come first, so that the bound drops the newest ones.
    filled = fill(changes, tags)
    filled.own = _own(tags.own, changes.own)
    return filled


def _own(under: Mapping[str, str], above: Mapping[str, str]) -> Mapping[str, str]:
    if not above or not under:
        return above or under
    merged = {**under, **above}
    if len(merged) > MAX_OWN_TAGS:
        merged = dict(list(merged.items())[:MAX_OWN_TAGS])
    return MappingProxyType(merged)

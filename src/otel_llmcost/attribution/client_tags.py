"""Tags of an SDK client: in a weak map beside it, so that the client's own type, headers and pickling stay
as they are."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..call import NO_TAGS, Tags
from ..errors import UsageError
from .tags import over

_TAGS: WeakKeyDictionary[object, Tags] = WeakKeyDictionary()
_used: list[bool] = []
"""Not empty once a client was marked: most programs mark none, and asking the map costs each of their calls."""


def mark(client: object, tags: Tags, *, shares_transport: bool = False) -> None:
    """Every call of this client carries these tags.

    `with_options()` and `copy()` make a new client around the same HTTP client, so that one is marked too,
    unless it belongs to others as well (`shares_transport`: the user brought it along). Raises `UsageError` for what
    cannot be a client.
    """
    try:
        _TAGS[client] = over(_TAGS.get(client, NO_TAGS), tags)
    except TypeError:
        raise UsageError(f"{client!r} is no client; allowed: an instance of an SDK's client class") from None
    _used[:] = [True]
    transport = getattr(client, "_client", None)
    if transport is not None and not shares_transport:
        _TAGS[transport] = _TAGS[client]


def client_tags(client: object) -> Tags:
    """The tags of a client, of the one it was copied from, or `NO_TAGS`."""
    if not _used:
        return NO_TAGS
    try:
        tags = _TAGS.get(client)
        if tags is None:
            transport = getattr(client, "_client", None)
            tags = _TAGS.get(transport) if transport is not None else None
    except TypeError:  # an object that cannot be referenced weakly was never marked
        return NO_TAGS
    return tags if tags is not None else NO_TAGS

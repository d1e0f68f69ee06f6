"""The settings in force, and what the watching engine asks at a call's start and end.

The one place of this room that keeps process state: `configure` replaces it as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context

from ..call import NO_TAGS, Reading, Tags
from .client_tags import client_tags, mark
from .known import Conversations, conversation_around, known_ids
from .people import GIVEN, People
from .scope import Block, current
from .tags import clean, fill, from_mapping

if TYPE_CHECKING:
    from .rules import Rule


class AttributionSettings:
    """What the configuration says about attribution.

    `defaults`: tags of the whole process (OTEL_LLMCOST_TAGS over resource attributes; see `from_mapping`,
    `from_resource`, `fill`). `people`: "off", "given", "hash" or "plain" (see `people`); `people_key`: key of
    the hash. `baggage_in`, `baggage_out`: names of baggage entries that may come in and go out.
    """

    def __init__(
        self,
        *,
        defaults: Tags = NO_TAGS,
        rules: tuple[Rule, ...] = (),
        people: str = GIVEN,
        people_key: bytes = b"",
        baggage_in: tuple[str, ...] = (),
        baggage_out: tuple[str, ...] = (),
    ) -> None:
        self.defaults, self.rules, self.people, self.people_key = defaults, rules, people, people_key
        self.baggage_in, self.baggage_out = baggage_in, baggage_out


class _Active:
    __slots__ = ("by_rules", "conversations", "defaults", "inbound", "people", "settings")

    def __init__(self, settings: AttributionSettings) -> None:
        self.settings = settings
        self.people = People(settings.people, settings.people_key)
        self.defaults = _protected(settings.defaults, self.people)
        self.conversations = Conversations()
        self.by_rules: Callable[[Tags, str, str], Tags] | None = None
        self.inbound: Callable[[Context | None], Tags] | None = None
        # what a program's settings do not ask for is not imported
        if settings.rules:
            from .rules import by_rules

            rules = [rule._replace(tags=_protected(rule.tags, self.people)) for rule in settings.rules]
            self.by_rules = by_rules(rules)
        if settings.baggage_in:
            from .baggage import from_baggage

            self.inbound = partial(from_baggage, settings.baggage_in)


def _protected(tags: Tags, people: People) -> Tags:
    if tags.user:
        return replace(tags, user=people.given(tags.user))
    return NO_TAGS if tags == NO_TAGS else tags  # the very object, which `fill` passes over at once


_active = _Active(AttributionSettings())


def configure(settings: AttributionSettings) -> None:
    """Puts settings in force for the whole process, from the next call on."""
    global _active
    _active = _Active(settings)


def settings() -> AttributionSettings:
    """The settings in force."""
    return _active.settings


def tag(
    *,
    team: object = None,
    feature: object = None,
    user: object = None,
    conversation: object = None,
    **own: object,
) -> Block:
    """Tags for everything inside: team, feature, user (kept as the settings say), conversation, and own ones.

    Values are cut at 256 characters, own tags at 20. None leaves a tag as it is.
    """
    return Block(tags_of(team=team, feature=feature, user=user, conversation=conversation, **own))


def tags_of(**values: object) -> Tags:
    """Tags that the program passes to us; a person's id among them becomes what the settings let us keep."""
    return _protected(from_mapping(values), _active.people)


def mark_client(client: object, **tags: object) -> None:
    """Every call of this SDK client, and of its copies, carries these tags: `mark_client(client, team="agents")`.

    The tags are those of `tag`. Raises `UsageError` for what cannot be a client.
    """
    mark_with(client, from_mapping(tags))


def mark_with(client: object, tags: Tags, *, shares_transport: bool = False) -> None:
    """`mark_client` with tags that are made already (see `client_tags.mark`)."""
    mark(client, _protected(tags, _active.people), shares_transport=shares_transport)


def for_request(
    provider: str, host: str, model: str, body: Mapping[str, object], client: object = None
) -> Tags:
    """The tags of a call at its start, from inside the program alone: what budgets may look at.

    The nearest statement wins: blocks in force, the client's tags, ids in the body, the parent's
    conversation, rules, defaults of the process.
    """
    active = _active
    tags = current()
    if client is not None:
        tags = fill(tags, client_tags(client))
    tags = fill(tags, _ids(active, provider, body))
    if not tags.conversation:
        around = conversation_around(trace.get_current_span())
        if around:
            tags = fill(tags, Tags(conversation=clean(around)))
    if active.by_rules is not None:
        tags = active.by_rules(tags, host, model)
    return fill(tags, active.defaults)


def _ids(active: _Active, provider: str, body: Mapping[str, object]) -> Tags:
    found = known_ids(provider, body)
    if found is not NO_TAGS and found.user:
        found.user = active.people.found(found.user)
    if "previous_response_id" in body and not found.conversation:
        before = active.conversations.before(body)
        return Tags(conversation=clean(before), user=found.user) if before else found
    return found


def with_inbound(tags: Tags, context: Context | None = None) -> Tags:
    """The tags with what baggage may bring in; taken at the call's start, from its own context."""
    read = _active.inbound
    if read is None:
        return tags
    inbound = read(context)
    if inbound.user:
        inbound.user = _active.people.found(inbound.user)
    return fill(tags, inbound)


def for_answer(tags: Tags, reading: Reading, *, chained: bool = False) -> Tags:
    """The tags at the call's end: the conversation that the answer names or, for the Responses API
    (`chained`), the one that its `previous_response_id` chain belongs to."""
    if not chained and not reading.conversation:
        return tags
    conversation = tags.conversation or clean(reading.conversation)
    if chained:
        conversation = _active.conversations.after(conversation, clean(reading.response_id))
    if not conversation or conversation == tags.conversation:
        return tags
    return fill(tags, Tags(conversation=conversation))

"""The contract between rooms: what was bought (`Call`), what it costs (`Priced`), what a span says (`SpanFacts`).

These are values: whoever holds one never changes it (they are not frozen only because freezing costs
2 microseconds a call; those that many programs never make are tuples, which cost a fifth of a dataclass at import).
Times are nanoseconds since the epoch, UTC. Money is femto-dollars.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from .meters import Usage

AttributeValue = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]

_EMPTY: Mapping[str, str] = MappingProxyType({})
_NO_USAGE: Usage = MappingProxyType({})
_NO_REQUEST: Mapping[str, AttributeValue] = MappingProxyType({})
_NOTHING: Mapping[str, object] = MappingProxyType({})

# -- statuses (`llmcost.status`)
EXACT = "exact"
REPORTED = "reported"
ESTIMATED = "estimated"
PARTIAL = "partial"
UNPRICED = "unpriced"
PENDING = "pending"
COMMITTED = "committed"
DELEGATED = "delegated"
STATUSES = (EXACT, REPORTED, ESTIMATED, PARTIAL, UNPRICED, PENDING, COMMITTED, DELEGATED)

# -- reasons: "code: what a person reads". Codes of the call (before pricing), kept in `Call.notes`:
ESTIMATED_NOTE = "estimated"  # a quantity was estimated -> status estimated
INCOMPLETE_NOTE = (
    "incomplete"  # some usage is missing or contradicts itself -> partial (unpriced if nothing is left)
)
NO_USAGE_NOTE = "no-usage"  # the body told no usage at all -> unpriced
PENDING_NOTE = "pending"  # paid later -> pending
DELEGATED_NOTE = "delegated"  # an own gateway that is instrumented itself -> delegated
COMMITTED_NOTE = "committed"  # provisioned throughput -> committed
SUMMED_NOTE = "summed"  # the usage is a sum of requests: -> partial where a price depends on the size of one
NOTED = "note"  # worth saying, changes no status
GIVEN_NOTE = "given"  # `Call.reported` is the program's own figure: it is believed, 0 as well
NOT_BILLED_NOTE = "not-billed"  # known to cost nothing (refused, HTTP error) -> exact, amount 0
CALL_NOTE_CODES = frozenset(
    {
        ESTIMATED_NOTE,
        INCOMPLETE_NOTE,
        NO_USAGE_NOTE,
        PENDING_NOTE,
        DELEGATED_NOTE,
        COMMITTED_NOTE,
        SUMMED_NOTE,
        NOTED,
        GIVEN_NOTE,
        NOT_BILLED_NOTE,
    }
)
# Codes of pricing, added by `Book.price`: no-price (model or provider unknown), no-rate (a meter has none),
# no-tier, no-region, local, ambiguous, matched (which of two model names was priced), own-price.


def note(code: str, text: str) -> str:
    """A reason: its code, then what a person reads."""
    return f"{code}: {text}"


SPAN_KEYS, RESPONSE_KEYS, _BATCH_KEYS = "otel:", "resp:", "batch:"

BROKEN_OFF = note(ESTIMATED_NOTE, "the stream broke off before its final usage")
"""Said by a reader of a stream's events; who followed the stream knows better how it ended."""


def span_key(trace_id: int, span_id: int) -> str:
    """The call key of a span."""
    return f"{SPAN_KEYS}{trace_id:032x}:{span_id:016x}"


def random_key() -> str:
    """The call key of a call that has no span."""
    return f"{SPAN_KEYS}{random.getrandbits(128):032x}:{random.getrandbits(64):016x}"


def response_key(host: str, response_id: str) -> str:
    """The call key of a response that can be seen again, by any process."""
    return f"{RESPONSE_KEYS}{host}:{response_id}"


def batch_key(batch_id: str, custom_id: str) -> str:
    """The call key of a batch's line; `custom_id` is "" for a batch that tells one sum."""
    return f"{_BATCH_KEYS}{batch_id}:{custom_id}"


def created_by(call: Call) -> str:
    """The response id that the call had which created the work that this one settles."""
    if call.key.startswith(_BATCH_KEYS):
        return call.key[len(_BATCH_KEYS) :].partition(":")[0]
    return call.response_id


def refused_by(budget: str) -> str:
    """The reason of a call that a budget refused; the ledger counts refusals by it."""
    return note(NOT_BILLED_NOTE, f"refused by budget {budget!r} before the request left")


def code_of(reason: str) -> str:
    """The code of a reason."""
    return reason.partition(":")[0]


TAG_FIELDS = ("source", "stage", "team", "feature", "conversation", "session", "user")
"""The tags that have a name of their own."""


@dataclass(slots=True)
class Tags:
    """Who a call belongs to. `own` holds the user's further tags."""

    source: str = ""
    stage: str = ""
    team: str = ""
    feature: str = ""
    conversation: str = ""
    session: str = ""
    user: str = ""
    own: Mapping[str, str] = field(default_factory=lambda: _EMPTY)


NO_TAGS = Tags()


class Line(NamedTuple):
    """A part of a call on terms of its own, where a call has several.

    One of several models (advisor, fallback hops, an image model), one of several prompts (iterations), or tools
    of a variant (containers of 4 GB).
    """

    provider: str
    model: str
    usage: Usage
    tier: str = ""
    speed: str = ""
    region: str = ""
    variant: str = ""


@dataclass(slots=True)
class Call:
    """One billable call.

    `usage` is over the whole call (the sum of `lines` where there are any). `tier`, `speed`, `region` are the
    served terms in our names ("" = not said): tier standard, batch, flex, priority, ultrafast, committed;
    speed fast; region us, eu, or a cloud region. `model` is priced response first, then request.
    """

    key: str = ""
    provider: str = ""
    operation: str = "chat"
    request_model: str = ""
    response_model: str = ""
    start_ns: int = 0
    end_ns: int = 0
    usage: Usage = field(default_factory=lambda: _NO_USAGE)
    tier: str = ""
    speed: str = ""
    region: str = ""
    variant: str = ""
    lines: tuple[Line, ...] = ()
    host: str = ""
    port: int = 0
    response_id: str = ""
    finish_reasons: tuple[str, ...] = ()
    error_type: str = ""
    first_chunk_s: float | None = None
    attempts: int = 1
    reported: Decimal | None = None
    notes: tuple[str, ...] = ()
    tags: Tags = field(default_factory=lambda: NO_TAGS)
    request: Mapping[str, AttributeValue] = field(default_factory=lambda: _NO_REQUEST)
    """Request attributes as they stand on the span (temperature, max tokens, requested tier ...)."""


@dataclass(slots=True)
class Reading:
    """What a provider's body says: the answer of every usage reader. Never raises, `notes` says what is odd."""

    model: str = ""
    response_id: str = ""
    usage: Usage = field(default_factory=lambda: _NO_USAGE)
    tier: str = ""
    speed: str = ""
    region: str = ""
    variant: str = ""
    lines: tuple[Line, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    reported: Decimal | None = None
    notes: tuple[str, ...] = ()
    conversation: str = ""
    fingerprint: str = ""
    failure: str = ""
    """What the answer itself says went wrong, as `error.type` calls it."""


class PricedLine(NamedTuple):
    """One meter of one line: `quantity` units of `meter` of `model` cost `amount` femto-dollars (None: no rate)."""

    provider: str
    model: str
    tier: str
    meter: str
    quantity: int | Decimal
    amount: int | None


@dataclass(slots=True)
class Priced:
    """What a call costs. `amount` is the sum of the components; None when nothing is known (never 0 then)."""

    status: str
    amount: int | None
    components: Mapping[str, int]
    """Cost component -> femto-dollars; only those that are not zero."""
    reasons: tuple[str, ...] = ()
    version: str = ""
    lines: tuple[PricedLine, ...] = ()
    savings: int = 0
    """Femto-dollars that cache reads saved against the uncached input rate, less what cache writes cost more."""
    list_amount: int | None = None
    """Our own figure, where `amount` is the provider's reported one."""


class SpanFacts(NamedTuple):
    """A finished span as `read_call` sees it, wherever it came from (SDK span, OTLP, a line of JSON)."""

    name: str = ""
    kind: str = ""
    scope: str = ""
    scope_version: str = ""
    start_ns: int = 0
    end_ns: int = 0
    trace_id: int = 0
    span_id: int = 0
    parent_span_id: int = 0
    resource: Mapping[str, object] = _NOTHING
    attributes: Mapping[str, object] = _NOTHING


@dataclass(slots=True)
class Asked:
    """A call before its request leaves: what admission (budgets) may look at. `body` is the request's JSON."""

    provider: str
    host: str
    operation: str
    model: str
    body: Mapping[str, object]
    tags: Tags
    start_ns: int
    is_async: bool = False

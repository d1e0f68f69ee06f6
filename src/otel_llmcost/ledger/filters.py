"""Which calls: the one filter of rows, lists and reports, and its SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import ConfigurationError
from ..money import Femto, split_nano
from ..prices.providers import provider_name

COLUMN_OF = {
    "model": "model",
    "provider": "provider",
    "operation": "operation",
    "tier": "tier",
    "source": "source",
    "stage": "stage",
    "team": "team",
    "feature": "feature",
    "service": "service",
    "status": "status",
    "request_model": "request_model",
    "response_model": "response_model",
    "region": "region",
    "speed": "speed",
    "host": "host",
    "conversation": "conversation",
    "session": "session",
    "user": "user",
    "error": "error_type",
    "run": "run_id",
}
"""Field as users name it -> column of a call."""

ROLLUP_FIELDS = frozenset(
    {"model", "provider", "operation", "tier", "source", "stage", "team", "feature", "service", "status"}
)
"""The fields that the quarter-hour roll-ups know too."""

_SPARSELY_INDEXED = frozenset({"run", "session", "conversation"})


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are meant; what is not set does not restrict.

    `since_ns` (inclusive) and `until_ns` (exclusive) are ns since the epoch in UTC, of a call's start.
    `fields` maps a name of `COLUMN_OF`, `tags` an own tag, to one value or several; `*` in a value stands for any text,
    alone for any but none.
    `failed` asks for calls with (or without) an error, `min_amount` is in femto-dollars.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    fields: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    tags: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    failed: bool | None = None
    min_amount: Femto | None = None

    @property
    def fits_rollups(self) -> bool:
        """Whether the roll-ups can answer it (time apart)."""
        return not self.tags and self.min_amount is None and ROLLUP_FIELDS.issuperset(self.fields)


def column(name: str) -> str:
    """The column of a field. Raises `ConfigurationError` that lists what there is."""
    try:
        return COLUMN_OF[name]
    except KeyError:
        allowed = ", ".join(sorted(COLUMN_OF))
        raise ConfigurationError("no such field of a call", value=name, allowed=allowed) from None


def field_conditions(wanted: CallFilter) -> tuple[list[str], list[object]]:
    """The conditions on fields, as SQL and parameters, valid for calls and for roll-ups."""
    conditions: list[str] = []
    values: list[object] = []
    for name, asked in wanted.fields.items():
        options = [asked] if isinstance(asked, str) else list(asked)
        if name == "provider":  # "gemini" means gcp.gemini
            options += [known for option in options if (known := provider_name(option)) not in options]
        condition, wanted_values = _one_of(column(name), (), options)
        conditions.append(condition)
        values += wanted_values
        if name in _SPARSELY_INDEXED and all(options):
            conditions.append(f"{column(name)} <> ''")  # else the index, which leaves these out, is not used
    return conditions, values


def _one_of(
    expression: str, parameters: Sequence[object], options: Sequence[str]
) -> tuple[str, list[object]]:
    """That an expression, which takes `parameters` of its own, is one of several texts or patterns."""
    exact = [option for option in options if "*" not in option]
    # a pattern of nothing else asks for calls that have a value: without one, nobody would have to ask
    patterns = ["?*" if not option.strip("*") else _pattern(option) for option in options if "*" in option]
    matches = [f"{expression} IN ({', '.join('?' * len(exact))})", *[f"{expression} GLOB ?"] * len(patterns)]
    values = [*parameters, *exact]
    for pattern in patterns:
        values += [*parameters, pattern]
    return "(" + " OR ".join(matches) + ")", values


def _pattern(text: str) -> str:
    """A GLOB pattern in which only `*` is special."""
    return text.replace("[", "[[]").replace("?", "[?]")


def call_conditions(wanted: CallFilter) -> tuple[list[str], list[object]]:
    """All conditions on the table of calls, as SQL and parameters."""
    conditions, values = field_conditions(wanted)
    if wanted.since_ns is not None:
        conditions.append("start_ns >= ?")
        values.append(within_reach(wanted.since_ns))
    if wanted.until_ns is not None:
        conditions.append("start_ns < ?")
        values.append(within_reach(wanted.until_ns))
    if wanted.failed is not None:
        conditions.append("error_type <> ''" if wanted.failed else "error_type = ''")
    if wanted.min_amount is not None:
        conditions.append("(cost_nano, cost_femto_rest) >= (?, ?)")
        values += split_nano(wanted.min_amount)
    for key, asked in wanted.tags.items():
        condition, tag_values = _one_of(TAG_VALUE, (key,), [asked] if isinstance(asked, str) else asked)
        conditions.append(condition)
        values += tag_values
    return conditions, values


def within_reach(instant_ns: int) -> int:
    """An instant for the database, whose integers end in 1677 and 2262: no call is beyond."""
    return max(-(2**63), min(instant_ns, 2**63 - 1))


TAG_VALUE = "coalesce((SELECT value FROM json_each(nullif(calls.tags, '')) WHERE key = ?), '')"
"""The value of an own tag, "" where the call has none; takes the tag's name as its parameter."""


def where(conditions: Sequence[str]) -> str:
    """A WHERE clause of all conditions, "" for none."""
    return " WHERE " + " AND ".join(conditions) if conditions else ""

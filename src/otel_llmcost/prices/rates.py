"""The price row: what one provider charges for one model on one set of terms, from one instant to another.

Token rates are USD per 1,000,000 tokens, fees are USD per `per` units, both exact decimals; instants are
nanoseconds since the epoch, UTC. `rows.parse_row` makes a row of a table (the format: docs/prices.md).
Named tuples, since making a data class takes ten times as long, and every program that starts waits for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from ..meters import METERS, TOKEN_METERS

TIERS = ("standard", "batch", "flex", "priority", "ultrafast")
SPEEDS = ("", "fast")
STATUSES = ("list", "promo", "derived")
INSTANTS = ("start", "end")
BASES = ("prompt", "input", "input_and_output")
"""What a threshold counts: all prompt meters (the default), the uncached input, or prompt and output."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FEE_METERS = tuple(meter for meter in METERS if meter not in TOKEN_METERS)

ALWAYS = -(2**62)
FOREVER = 2**62
"""Bounds of time, nanoseconds since the epoch, for rows that name no start or no end."""


class Alias(NamedTuple):
    """Another exact name of a model, for some time only where it has instants (`[from, to)`)."""

    name: str
    from_ns: int = ALWAYS
    to_ns: int = FOREVER

    @property
    def is_dated(self) -> bool:
        """Whether the name was this model's for some time only."""
        return (self.from_ns, self.to_ns) != (ALWAYS, FOREVER)


class Match(NamedTuple):
    """A pattern of model names: a prefix, or a regular expression that must match the whole name."""

    prefix: str = ""
    regex: str = ""


class Fee(NamedTuple):
    """`usd` for each `per` units of a meter, of one `variant` where named; a free quota is never deducted."""

    usd: Decimal
    per: Decimal = Decimal(1)
    variant: str = ""
    free_quota: str = ""


class Threshold(NamedTuple):
    """Rates that replace the row's own for the whole request when more than `over` tokens are in it."""

    over: int
    rates: Mapping[str, Decimal]
    basis: str = "prompt"


class Window(NamedTuple):
    """Rates that replace the row's own at these weekdays and local minutes of the day (`[from, to)`)."""

    tz: str
    weekdays: frozenset[int]
    minutes: tuple[tuple[int, int], ...]
    rates: Mapping[str, Decimal]
    holidays: frozenset[dt.date] = frozenset()


class Multiplier(NamedTuple):
    """A factor on some meters when the served region or speed is one of those named ("*": any region)."""

    when: Mapping[str, tuple[str, ...]]
    factor: Decimal
    meters: tuple[str, ...]


_NO_RATES: Mapping[str, Decimal] = MappingProxyType({})
_NO_FEES: Mapping[str, tuple[Fee, ...]] = MappingProxyType({})


class Row(NamedTuple):
    """A price row; the fields mean what docs/prices.md says of the keys of the same names."""

    provider: str
    model: str
    aliases: tuple[Alias, ...] = ()
    match: tuple[Match, ...] = ()
    from_ns: int = ALWAYS
    to_ns: int = FOREVER
    recorded_at: str = ""
    tier: str = "standard"
    speed: str = ""
    region: tuple[str, ...] = ()
    rates: Mapping[str, Decimal] = _NO_RATES
    fees: Mapping[str, tuple[Fee, ...]] = _NO_FEES
    thresholds: tuple[Threshold, ...] = ()
    schedule: tuple[Window, ...] = ()
    multipliers: tuple[Multiplier, ...] = ()
    committed: bool = False
    free: bool = False
    gpu_hour: Decimal | None = None
    billed_at: str = "start"
    context_window: int | None = None
    max_output: int | None = None
    status: str = "list"
    source_url: str = ""
    verified_at: str = ""
    upstream: str = ""
    note: str = ""

"""A model on one set of terms: which plan prices it at which time, or why none does."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from ..call import note
from ..meters import COMPONENT, METERS
from .catalogue import OWN, Candidate, Found
from .own import Discount
from .plan import Plan, factors_of, make_plan, multiplier_applies, region_covers
from .rates import ALWAYS, FOREVER, Row

TIER_SPELLINGS = {"": "standard", "default": "standard", "on_demand": "standard", "fast": "priority"}
COMMITTED_TIER = "committed"
_GLOBAL = ("", "global")


class Segment(NamedTuple):
    """From `from_ns` until the next segment: the plan, or None and the reason."""

    from_ns: int
    to_ns: int
    plan: Plan | None
    reasons: tuple[str, ...] = ()
    lower_bound: bool = False
    """The region is not one that the row prices: its amount is a lower bound."""


class Terms:
    """The segments of a model on its terms; `last` is the one that the latest call fell into."""

    __slots__ = ("committed", "doubts", "last", "odd", "segments", "starts")

    def __init__(
        self, segments: list[Segment], doubts: tuple[str, ...] = (), *, committed: bool = False
    ) -> None:
        self.segments, self.doubts, self.committed = segments, doubts, committed
        self.starts = [segment.from_ns for segment in segments]
        self.odd = bool(doubts) or committed or any(segment.lower_bound for segment in segments)
        self.last = segments[-1]

    def is_priced(self) -> bool:
        """Whether any segment has a price."""
        return any(segment.plan is not None for segment in self.segments)

    def billed(self, start_ns: int, end_ns: int) -> Segment:
        """The segment that bills a call between two instants: that of its start, unless the row says its end."""
        segment = self.at(start_ns)
        if end_ns and segment.plan is not None and segment.plan.ends:
            return self.at(end_ns)
        return segment

    def at(self, at_ns: int) -> Segment:
        """The segment of an instant (nanoseconds since the epoch, UTC)."""
        segment = self.last
        if not segment.from_ns <= at_ns < segment.to_ns:
            self.last = segment = self.segments[max(bisect_right(self.starts, at_ns) - 1, 0)]
        return segment


class Wanted(NamedTuple):
    """The terms asked for: tier, speed, region and variant as served."""

    provider: str
    model: str
    tier: str
    speed: str
    region: str
    variant: str

    def name(self) -> str:
        """What a person reads in a reason."""
        return f"{self.provider} {self.model}"


def unknown_terms(reason: str) -> Terms:
    """Terms that price nothing, for one reason."""
    return Terms([Segment(ALWAYS, FOREVER, None, (reason,))])


def committed_terms() -> Terms:
    """Terms of provisioned capacity, which has no price per call."""
    return Terms([Segment(ALWAYS, FOREVER, None)], committed=True)


def make_terms(found: Found, wanted: Wanted, discounts: Iterable[Discount], doubts: tuple[str, ...]) -> Terms:
    """The terms of a found model; each start and end of a row, an alias or a discount cuts a segment."""
    fitting = [c for c in found.candidates if _fits(c.row, wanted)]
    if found.doubt:
        doubts = (*doubts, note("matched", found.doubt))
    if not fitting:
        return unknown_terms(_why_nothing_fits(found, wanted))
    fitting.sort(key=lambda candidate: _rank(candidate, wanted.region))
    cuts = _cuts(fitting, [d for d in discounts if any(d.covers(c.row, found.names) for c in fitting)])
    maker = _PlanMaker(found, wanted, tuple(discounts))
    segments = [maker.segment(fitting, start, end) for start, end in pairwise(cuts)]
    return Terms(segments, doubts)


def _fits(row: Row, wanted: Wanted) -> bool:
    if row.tier != wanted.tier:
        return False
    if row.speed != wanted.speed:
        by_factor = any(wanted.speed in m.when.get("speed", ()) for m in row.multipliers)
        if row.speed or not by_factor:
            return False
    if not row.region:
        return True
    if wanted.region in _GLOBAL:
        return "global" in row.region
    return any(region_covers(named, wanted.region) for named in row.region)


def _why_nothing_fits(found: Found, wanted: Wanted) -> str:
    tiers = sorted({c.row.tier for c in found.candidates})
    if wanted.tier not in tiers:
        return note("no-tier", f"{wanted.name()} has no {wanted.tier} price (known: {', '.join(tiers)})")
    here = [c for c in found.candidates if (c.row.tier, c.row.speed) == (wanted.tier, wanted.speed)]
    if not here and wanted.speed:
        return note("no-tier", f"{wanted.name()} has no price for speed {wanted.speed} at tier {wanted.tier}")
    places = sorted({place for c in here for place in c.row.region})
    named = wanted.region or "a region that was not told"
    return note("no-region", f"{wanted.name()} has no price in {named} (known: {', '.join(places)})")


def _rank(candidate: Candidate, region: str) -> tuple[object, ...]:
    row = candidate.row
    recorded = tuple(-ord(letter) for letter in row.recorded_at)
    return (
        candidate.layer,
        candidate.kind,
        _distance(row, region),
        not row.speed,
        -candidate.from_ns,
        recorded,
    )


def _distance(row: Row, region: str) -> int:
    """How far a row's regions are from the served one: the longest name that covers it is the nearest.

    Where no region was told, a row for any region comes before one for the global one alone: providers that have
    both bill a plain name in its own region.
    """
    if not region:
        return 1 if row.region else 0
    return -max((len(named) for named in row.region if region_covers(named, region)), default=0)


def _cuts(candidates: Iterable[Candidate], discounts: Iterable[Discount]) -> list[int]:
    cuts = {ALWAYS, FOREVER}
    for candidate in candidates:
        cuts.update((candidate.from_ns, candidate.to_ns))
    for discount in discounts:
        cuts.update((discount.from_ns, discount.to_ns))
    return sorted(cuts)


class _PlanMaker:
    """Makes the plans of one set of terms; a plan that several segments share is made once."""

    def __init__(self, found: Found, wanted: Wanted, discounts: tuple[Discount, ...]) -> None:
        self.found, self.wanted, self.discounts = found, wanted, discounts
        self.made: dict[tuple[int, tuple[Discount, ...]], Plan] = {}

    def segment(self, candidates: list[Candidate], start: int, end: int) -> Segment:
        wanted = self.wanted
        for candidate in candidates:
            if candidate.from_ns <= start and end <= candidate.to_ns:
                plan = self._plan(candidate, start)
                if _is_unplaced(candidate.row, wanted.region) or self._costs_more_here(candidate):
                    reason = note("no-region", f"{wanted.name()} has no price in {wanted.region}")
                    return Segment(start, end, plan, (reason,), lower_bound=True)
                return Segment(start, end, plan)
        reason = note("no-price", f"{wanted.name()} has no {wanted.tier} price at that time")
        return Segment(start, end, None, (reason,))

    def _costs_more_here(self, candidate: Candidate) -> bool:
        # Another tier has a price of this region's own, this one has the general price alone. The user's rows mean
        # what they say, whatever the shipped ones know of the region.
        region, own = self.wanted.region, candidate.layer == OWN
        if candidate.row.region or region in _GLOBAL:
            return False
        return any(
            (other.layer == OWN) == own and any(region_covers(named, region) for named in other.row.region)
            for other in self.found.candidates
        )

    def _plan(self, candidate: Candidate, start: int) -> Plan:
        row = candidate.row
        # The user's exact price is the price: discounts are on what others publish.
        reduced = tuple(
            d
            for d in self.discounts
            if candidate.layer and d.from_ns <= start < d.to_ns and d.covers(row, self.found.names)
        )
        key = (id(row), reduced)
        if key not in self.made:
            self.made[key] = make_plan(row, self._factors(row, reduced), self.wanted.variant)
        return self.made[key]

    def _factors(self, row: Row, reduced: tuple[Discount, ...]) -> dict[str, Fraction]:
        wanted = self.wanted
        # Where the row itself is the fast or regional one, its rates are already those.
        factors = factors_of(
            m
            for m in row.multipliers
            if multiplier_applies(m, wanted.region, "" if row.speed else wanted.speed)
        )
        for discount in reduced:
            for meter in METERS:
                if _is_discounted(meter, discount):
                    factors[meter] = factors.get(meter, Fraction(1)) * discount.factor()
        return factors


def _is_discounted(meter: str, discount: Discount) -> bool:
    return not discount.meters or meter in discount.meters or COMPONENT[meter] in discount.meters


def _is_unplaced(row: Row, region: str) -> bool:
    if region in _GLOBAL or row.region:
        return False
    placed = [m for m in row.multipliers if "region" in m.when]
    return bool(placed) and not any(
        region_covers(named, region) for m in placed for named in m.when["region"]
    )

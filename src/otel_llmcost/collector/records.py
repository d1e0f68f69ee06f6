"""What the collector must know of a model, as one line of text: its record.

    record   [E<second>,<second>...;] variant variant ...
    variant  @<tier>~<speed>~<region>[><level>][#<epoch>]:<length, 4 digits><facts>
    facts    <meter>=<femto-dollars per unit> ... and flags, separated by spaces

A record with `E` has one set of variants for each stretch of time between those seconds (UTC). Level 0 is the
price of a common request, `over1=200000` sends larger ones to the variant with `>1`. A meter that is not named
costs what its stand-in costs (`STAND_INS`), or has no price. Every fact is asked of `Book`, none is worked out
here: what the collector answers is what the library answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ..meters import METERS, TOKEN_METERS
from ..prices.book import Book
from ..prices.plan import Level, Plan
from ..prices.rates import Row
from ..prices.terms import Segment, Terms
from .discounted import (
    behind,
    holds_on_dates,
    is_dated,
    is_unsure_behind,
    is_unsure_of_dates,
    is_unsure_of_spelling,
    on_models,
    whole_names,
    with_a_date,
)

NS_PER_S = 10**9
NOWHERE = "nowhere-1"
"""A region that no row names: how a model is priced anywhere else."""
ELSEWHERE = "*"
STAND_INS = {
    "input_image": "input",
    "input_video": "input",
    "cache_read_image": "cache_read",
    "cache_write_5m": "cache_write",
    "cache_write_30m": "cache_write",
    "output_reasoning": "output",
}
"""Meter -> the meter whose rate holds where a record does not name its own."""
NO_RATE = "none"
MOST_EPOCHS = 12
MOST_LEVELS = 3
LARGEST_COUNT = 10_000_000
LARGEST_UNITS = 10_000
"""More tokens or characters, more of anything else, are not priced: all products must stay inside 64 bits."""
_MANY = frozenset((*TOKEN_METERS, "character"))
_LARGEST_FEMTO = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Record:
    """A name at a provider and what it costs; `key` is `<provider>|<name>`."""

    key: str
    text: str


def records(book: Book, providers: tuple[str, ...] = ()) -> list[Record]:
    """The records of every name that some row prices, sorted by key; of some providers only where named."""
    made: list[Record] = []
    for provider in sorted(providers or book.catalogue.snapshot.texts):
        discounts = on_models(book, provider)
        for name in sorted(_names(book, provider)):
            unsure = is_unsure_of_spelling(provider, name, discounts)
            text = _record(book, provider, name, unsure=unsure)
            if text:
                made.append(Record(f"{provider}|{name}", text))
    return made


def dated(book: Book, providers: tuple[str, ...] = ()) -> Iterator[Record]:
    """The records of names with any date behind them, where a discount or an own row is on such a name.

    Elsewhere a dated name that no row has is priced by the pattern that it begins with, or as the name itself.
    """
    for provider in sorted(providers or book.catalogue.snapshot.texts):
        discounts = on_models(book, provider)
        own = _own_names(book, provider)
        for name in sorted(_names(book, provider)):
            if is_dated(name) or not (name in own or holds_on_dates(provider, name, discounts)):
                continue
            unsure = is_unsure_of_dates(provider, name, discounts)
            text = _record(book, provider, with_a_date(name), unsure=unsure)
            if text:
                yield Record(f"{provider}|{name}", text)


def prefixes(book: Book, providers: tuple[str, ...] = ()) -> Iterator[Record]:
    """(provider|prefix, text) for every name pattern that is a prefix, shortest first: the longest one holds."""
    for provider in sorted(providers or book.catalogue.snapshot.texts):
        page = book.catalogue.page(provider)
        discounts = on_models(book, provider)
        patterns = page.patterns if page is not None else ()
        for prefix, _, _ in sorted(patterns, key=lambda pattern: len(pattern[0])):
            # A row's regular expressions only add dates, which the collector takes off by itself.
            unsure = is_unsure_behind(provider, prefix, discounts)
            text = _record(book, provider, behind(prefix), unsure=unsure) if prefix else ""
            if text:
                yield Record(f"{provider}|{prefix}", text)


def _own_names(book: Book, provider: str) -> set[str]:
    own = [row for row in book.own.rows if row.provider == provider]
    return {row.model for row in own} | {alias.name for row in own for alias in row.aliases}


def _names(book: Book, provider: str) -> set[str]:
    names = _own_names(book, provider) | whole_names(on_models(book, provider))
    page = book.catalogue.page(provider)
    if page is not None:
        names |= {*page.models, *page.aliases}
    # Names are sought inside a text that these characters hold together.
    return {name for name in names if not set(name) & set(';="\\\n')}


def _record(book: Book, provider: str, name: str, *, unsure: bool = False) -> str:
    rows = book.rows(provider, name)
    terms = {
        (tier, speed, region): book.terms_of((provider, name, "", tier, speed, asked, "", ""))
        for tier in sorted({row.tier for row in rows})
        for speed in _speeds(rows)
        for region, asked in _regions(rows)
    }
    if not any(one.is_priced() for one in terms.values()):
        return ""
    cuts = sorted({segment.from_ns for one in terms.values() for segment in one.segments})
    epochs = [(cut, _variants(terms, cut, unsure)) for cut in cuts]
    changes = [epochs[0], *(after for before, after in pairwise(epochs) if after[1] != before[1])]
    if len(changes) > MOST_EPOCHS:
        raise ValueError(
            f"{provider} {name}: {len(changes)} price changes, the collector knows {MOST_EPOCHS}"
        )
    if len(changes) == 1:
        return "".join(f"{terms}:{len(facts):04d}{facts}" for terms, facts in changes[0][1])
    seconds = ",".join(str(-(-cut // NS_PER_S)) for cut, _ in changes[1:])
    variants = (
        f"{terms}#{number}:{len(facts):04d}{facts}"
        for number, (_, found) in enumerate(changes)
        for terms, facts in found
    )
    return f"E{seconds};{''.join(variants)}"


def _speeds(rows: list[Row]) -> list[str]:
    named = {row.speed for row in rows}
    return sorted(
        {"", *named, *(s for row in rows for m in row.multipliers for s in m.when.get("speed", ()))}
    )


def _regions(rows: list[Row]) -> list[tuple[str, str]]:
    """(name in the record, region asked for): everywhere, each region that some row names, anywhere else."""
    named = {place for row in rows for place in row.region}
    named |= {place for row in rows for m in row.multipliers for place in m.when.get("region", ())}
    places = sorted(named - {"global", ELSEWHERE})
    asked = [("", "")] + [(place, place) for place in places]
    return [*asked, (ELSEWHERE, NOWHERE)] if named else asked


def _variants(terms: dict[tuple[str, str, str], Terms], cut: int, unsure: bool) -> list[tuple[str, str]]:
    """(tier~speed~region, facts) of every variant at one instant."""
    found = []
    for (tier, speed, region), one in terms.items():
        if not one.is_priced() and speed:
            continue
        levels = _levels(one, cut, unsure)
        if region == ELSEWHERE and levels == _levels(terms[tier, speed, ""], cut, unsure):
            continue
        for level, facts in enumerate(levels):
            found.append((f"@{tier}~{speed}~{region}{f'>{level}' if level else ''}", facts))
    return found


def _levels(terms: Terms, cut: int, unsure: bool) -> list[str]:
    """The facts of each level at one instant; where nothing is priced, why not, by its code."""
    segment = terms.at(cut)
    plan = segment.plan
    if plan is None:
        return [f"why={segment.reasons[0].partition(':')[0]}"]
    flags = [*_flags(plan, segment), *(["assumed=1"] if terms.doubts else [])]
    flags += ["named=1"] if unsure else []
    if plan.gpu_second is not None or len(plan.levels) > MOST_LEVELS:
        return ["why=no-rate"]
    overs = [f"over{n}={level.over}" for n, level in enumerate(plan.levels[1:], 1)]
    if any(level.basis != plan.levels[0].basis for level in plan.levels[1:]):
        flags.append("basis=other")
    facts = [_with_plain([*_rates(level), *flags]) for level in plan.levels]
    return [" ".join([*facts[0], *overs]), *(" ".join(rates) for rates in facts[1:])]


def _with_plain(facts: list[str]) -> list[str]:
    """Marks facts that are rates only, with input and output among them: most spans need no more than these."""
    names = {fact.partition("=")[0] for fact in facts}
    return [*facts, "plain=1"] if {"input", "output"} <= names <= set(METERS) else facts


def _flags(plan: Plan, segment: Segment) -> list[str]:
    flags = []
    if plan.committed:
        flags.append("committed=1")
    if plan.hours:
        flags.append("hours=1")
    if segment.lower_bound:
        flags.append("unplaced=1")
    return flags


def _rates(level: Level) -> list[str]:
    facts, known = [], level.rates
    dearest = sum(
        known[m].numerator // known[m].denominator * (LARGEST_COUNT if m in _MANY else LARGEST_UNITS)
        for m in known
    )
    if dearest > _LARGEST_FEMTO:
        return ["why=no-rate"]
    for meter in METERS:
        rate, stand_in = known.get(meter), known.get(STAND_INS.get(meter, ""))
        if rate is None:
            if stand_in is not None:
                facts.append(f"{meter}={NO_RATE}")
            continue
        if rate.denominator != 1:
            # Not whole femto-dollars: the nearest is an estimate, and the span says so.
            facts.append(f"{meter}={round(rate.numerator / rate.denominator)}")
            facts.append(f"about_{meter}=1")
            continue
        if rate.doubt:
            facts.append(f"doubt_{meter}=1")
        if stand_in is None or stand_in.numerator != rate.numerator or stand_in.denominator != 1:
            facts.append(f"{meter}={rate.numerator}")
    return facts

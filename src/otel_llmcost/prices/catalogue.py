"""Which rows may price a model name at a provider, from the user's own rows and the shipped ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .. import semconv
from .names import Reading, readings
from .own import OwnPrices, Size, parameters_of
from .providers import PRICED_AS, SPELLINGS, provider_name
from .rates import ALWAYS, FOREVER, Alias, Row
from .shards import OVERLAY, Page, Snapshot

OWN = 0
"""The layer of the user's rows; `shards.OVERLAY` and `shards.GENERATED` come after it."""
MOVED, EXACT, ALIAS, PATTERN = range(4)
"""Kinds of a name. `MOVED` is an alias that says when it held: in that time the name's own rows do not price it."""
_LONGEST_MATCHED = 200
"""Characters of a name that regular expressions are tried on."""


class Candidate(NamedTuple):
    """A row that may price a name from `from_ns` to `to_ns`; lower layer, then lower kind, wins."""

    layer: int
    kind: int
    row: Row
    from_ns: int
    to_ns: int


@dataclass(slots=True, eq=False, repr=False)
class Found:
    """What is known of a name: candidates, best first, and what the name itself said."""

    model: str
    candidates: list[Candidate] = field(default_factory=list)
    region: str = ""
    doubt: str = ""
    names: tuple[str, ...] = ()
    """The name as it was called, and its plainer readings: what a discount's model is compared with."""


class Catalogue:
    """The user's rows over a snapshot. Pages are expanded once, on first use."""

    def __init__(self, snapshot: Snapshot, own: OwnPrices, models: Mapping[str, str]) -> None:
        self.snapshot, self.own, self.models = snapshot, own, models
        self._pages: dict[str, Page | None] = {}
        self._own_pages = _own_pages(own.rows)

    def page(self, provider: str) -> Page | None:
        """The shipped page of a provider."""
        # without a lock, which a forked child could inherit locked: two threads may expand the same page, no harm
        if provider not in self._pages:
            self._pages[provider] = self.snapshot.page(provider)
        return self._pages[provider]

    def find(self, provider: str, model: str) -> Found | None:
        """All candidates for a name at a provider, None where no row knows it."""
        called = model
        provider, model = self._mapped(provider, model)
        if not model:
            return None
        for listed in PRICED_AS.get(provider, (provider,)):
            found = self._find(listed, model)
            if found is not None:
                found.names = (called, *(reading.name for reading in readings(listed, model)))
                return found
        return self._sized(model) if provider in (semconv.LOCAL, semconv.OLLAMA) else None

    def _mapped(self, provider: str, model: str) -> tuple[str, str]:
        target = self.models.get(model)
        if target is None:
            return provider, model
        prefix, slash, rest = target.partition("/")
        named = provider_name(prefix)
        if slash and (prefix in SPELLINGS or named in self.snapshot.texts or named in self._own_pages):
            return named, rest
        return provider, target

    def _find(self, provider: str, model: str) -> Found | None:
        page = self.page(provider)
        own_page = self._own_pages.get(provider)
        own: tuple[list[Candidate], Reading] | None = None
        shipped: tuple[list[Candidate], Reading] | None = None
        for reading in readings(provider, model):
            if own is None and own_page is not None and (hits := own_page.candidates(reading.name)):
                if shipped is not None and _is_sold_apart(shipped[0], page, reading.name):
                    break
                own = hits, reading
            if shipped is None and page is not None and (hits := _page_candidates(page, reading.name)):
                shipped = hits, reading
        if own is None and shipped is None:
            return None
        candidates = [candidate for hit in (own, shipped) if hit is not None for candidate in hit[0]]
        reading = (own or shipped)[1]  # type: ignore[index]
        return Found(candidates[0].row.model, candidates, reading.region, reading.doubt)

    def _sized(self, model: str) -> Found | None:
        billions = parameters_of(model)
        sizes: Iterable[Size] = self.own.sizes if billions is not None else ()
        hits = [
            Candidate(OWN, EXACT, size.row, size.row.from_ns, size.row.to_ns)
            for size in sizes
            if billions is not None and size.covers(billions)
        ]
        return Found(model, hits[:1]) if hits else None


class _OwnPage:
    """A user's rows of one provider: by exact name, and those with patterns."""

    __slots__ = ("by_name", "with_patterns")

    def __init__(self) -> None:
        self.by_name: dict[str, list[Candidate]] = {}
        self.with_patterns: list[Row] = []

    def add(self, row: Row) -> None:
        """Adds a row under its name and its aliases."""
        named = [(row.model, EXACT, ALWAYS, FOREVER)]
        named += [(a.name, _kind(a), a.from_ns, a.to_ns) for a in row.aliases if a.name != row.model]
        for name, kind, start, end in named:
            candidate = Candidate(OWN, kind, row, max(start, row.from_ns), min(end, row.to_ns))
            self.by_name.setdefault(name, []).append(candidate)
        if row.match:
            self.with_patterns.append(row)

    def candidates(self, name: str) -> list[Candidate]:
        """The rows that may price a name: those that say it, else those with the firmest pattern."""
        if name in self.by_name:
            return self.by_name[name]
        best = 0
        hits: list[Candidate] = []
        for row in self.with_patterns:
            strength = max(_strength(match.prefix, match.regex, name) for match in row.match)
            if strength > best:
                best, hits = strength, []
            if strength and strength == best:
                hits.append(Candidate(OWN, PATTERN, row, row.from_ns, row.to_ns))
        return hits


def _own_pages(rows: Iterable[Row]) -> dict[str, _OwnPage]:
    pages: dict[str, _OwnPage] = {}
    for row in rows:
        pages.setdefault(row.provider, _OwnPage()).add(row)
    return pages


def _page_candidates(page: Page, name: str) -> list[Candidate]:
    hits = _of_model(page, name, EXACT, ALWAYS, FOREVER)
    for model, alias in page.aliases.get(name, ()):
        hits.extend(_of_model(page, model, _kind(alias), alias.from_ns, alias.to_ns))
    if hits:
        return hits
    best, chosen = 0, ""
    for prefix, regex, model in page.patterns:
        strength = _strength(prefix, regex, name)
        if strength > best:
            best, chosen = strength, model
    return _of_model(page, chosen, PATTERN, ALWAYS, FOREVER) if best else []


def _is_sold_apart(literal: list[Candidate], page: Page | None, plainer: str) -> bool:
    """Whether the list has a price for a name that is not that of its plainer reading, which a user's row names.

    Most snapshots are listed beside their model, at its price: the user's row means them, too.
    """
    if page is None or literal[0].kind == PATTERN:
        return False
    other = _page_candidates(page, plainer)
    return not other or _list_price(literal) != _list_price(other)


def _list_price(hits: list[Candidate]) -> tuple[object, ...]:
    """The standard rates and fees that are the last in force, of the row that wins."""
    standard = [hit for hit in hits if (hit.row.tier, hit.row.speed, hit.row.region) == ("standard", "", ())]
    last = max(standard or hits, key=lambda hit: (hit.to_ns, -hit.layer, -hit.kind, hit.from_ns))
    return last.row.rates, last.row.fees


def _of_model(page: Page, model: str, kind: int, start: int, end: int) -> list[Candidate]:
    return [
        # That a name meant another model is a statement of a page, whoever wrote that model's rows.
        Candidate(
            OVERLAY if kind == MOVED else layer, kind, row, max(start, row.from_ns), min(end, row.to_ns)
        )
        for layer, row in page.rows(model)
        if start < row.to_ns and row.from_ns < end
    ]


def _kind(alias: Alias) -> int:
    return MOVED if alias.is_dated else ALIAS


def _strength(prefix: str, regex: str, name: str) -> int:
    """How firmly a pattern holds a name: longer prefixes more, regular expressions least, 0 not at all."""
    if prefix:
        return len(prefix) + 1 if name.startswith(prefix) else 0
    return 1 if len(name) <= _LONGEST_MATCHED and re.fullmatch(regex, name) else 0

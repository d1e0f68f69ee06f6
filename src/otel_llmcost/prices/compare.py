"""What changes between two sets of prices, from which instant on, and what in it is alarming."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .fields import iso_instant
from .rates import ALWAYS, Row
from .shards import LayeredRow, Snapshot

Terms = tuple[str, str, tuple[str, ...]]
"""(tier, speed, regions)."""
Prices = dict[str, Decimal | Fraction]
_SPREAD = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One price that differs. `before` and `after` are USD per million tokens, or per unit for fees."""

    provider: str
    model: str
    terms: str
    since: str
    """The ISO instant from which it differs, "" for always."""
    meter: str
    before: Decimal | Fraction | None
    after: Decimal | Fraction | None

    @property
    def is_alarming(self) -> bool:
        """A price that disappears, becomes zero, or moves more than twofold waits for a person."""
        if self.before is None:
            return False
        if not self.after:
            return bool(self.before) or self.after is None
        return self.after > self.before * _SPREAD or self.after * _SPREAD < self.before


def compare(before: Snapshot, after: Snapshot) -> list[Change]:
    """Every price that differs between two snapshots, by provider, model, terms and time."""
    changes: list[Change] = []
    for provider in sorted({*before.texts, *after.texts}):
        if before.texts.get(provider) != after.texts.get(provider):
            changes.extend(_of_provider(provider, before, after))
    return changes


def _of_provider(provider: str, before: Snapshot, after: Snapshot) -> Iterator[Change]:
    pages = before.page(provider), after.page(provider)
    models = sorted({model for page in pages if page is not None for model in page.models})
    for model in models:
        old, new = (page.rows(model) if page is not None else () for page in pages)
        if old != new:
            yield from compare_rows(provider, model, old, new)


def compare_rows(
    provider: str, model: str, before: Iterable[LayeredRow], after: Iterable[LayeredRow]
) -> Iterator[Change]:
    """What changes for one model."""
    old, new = _by_terms(before), _by_terms(after)
    for terms in sorted({*old, *new}):
        former, later = old.get(terms, []), new.get(terms, [])
        instants = sorted(
            {ALWAYS, *(row.from_ns for _, row in former + later), *(r.to_ns for _, r in former + later)}
        )
        last: dict[str, tuple[object, object]] = {}
        for at_ns in instants[:-1] if len(instants) > 1 else instants:
            was, becomes = _prices(former, at_ns), _prices(later, at_ns)
            for meter in sorted({*was, *becomes, *last}):
                pair = was.get(meter), becomes.get(meter)
                if pair != last.get(meter, (None, None)) and pair[0] != pair[1]:
                    yield Change(provider, model, _named(terms), _since(at_ns), meter, *pair)
                last[meter] = pair


def _by_terms(rows: Iterable[LayeredRow]) -> dict[Terms, list[LayeredRow]]:
    found: dict[Terms, list[LayeredRow]] = {}
    for layer, row in rows:
        found.setdefault((row.tier, row.speed, row.region), []).append((layer, row))
    return found


def _prices(rows: Iterable[LayeredRow], at_ns: int) -> Prices:
    in_force = [(layer, row) for layer, row in rows if row.from_ns <= at_ns < row.to_ns]
    if not in_force:
        return {}
    _, row = min(in_force, key=lambda item: (item[0], -item[1].from_ns))
    return flat_prices(row)


def flat_prices(row: Row) -> Prices:
    """Every figure of a row under one name: rates, fees, and those of its thresholds and hours."""
    prices: Prices = dict(row.rates)
    for meter, fees in row.fees.items():
        for fee in fees:
            name = f"{meter} {fee.variant}".strip()
            prices[name] = Fraction(fee.usd) / Fraction(fee.per) if fee.per != 1 else fee.usd
    for level in row.thresholds:
        prices.update((f"{meter} over {level.over}", rate) for meter, rate in level.rates.items())
    for number, window in enumerate(row.schedule, 1):
        prices.update((f"{meter} hours {number}", rate) for meter, rate in window.rates.items())
    for multiplier in row.multipliers:
        when = ",".join(f"{key}={'/'.join(values)}" for key, values in sorted(multiplier.when.items()))
        prices[f"factor {when}"] = multiplier.factor
    return prices


def _named(terms: Terms) -> str:
    tier, speed, regions = terms
    return " ".join(part for part in (tier, speed, "/".join(regions)) if part)


def _since(at_ns: int) -> str:
    return "" if at_ns == ALWAYS else iso_instant(at_ns)

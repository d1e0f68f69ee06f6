"""Both catalogues as one set of rows, and where they contradict each other.

genai-prices is the base, for it knows days; LiteLLM fills what the base does not have: models, tiers,
meters, thresholds, regional rows, fees, limits. What both have and tell differently is a `Disagreement`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from .names import FIRST_PARTY, Names
from .rows import Row, only_factor, scaled, text


@dataclass(frozen=True)
class Disagreement:
    """One figure on which the catalogues differ."""

    provider: str
    model: str
    tier: str
    meter: str
    genai: Decimal
    litellm: Decimal

    @property
    def first_party(self) -> bool:
        return self.provider in FIRST_PARTY

    def __str__(self) -> str:
        return (
            f"{self.provider} {self.model} ({self.tier}) {self.meter}: "
            f"genai-prices {text(self.genai)}, litellm {text(self.litellm)}"
        )


@dataclass
class Combined:
    """Rows by model, with what was found on the way."""

    models: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    disagreements: list[Disagreement] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        for key in sorted(self.models):
            yield from self.models[key]

    def resolve(self, provider: str, name: str) -> str:
        """The model that `name` means at this provider: exact before prefix and expression; "" if none."""
        if (provider, name) in self.models:
            return name
        lowered = name.lower()
        loose = ""
        for (owner, model), rows in self.models.items():
            if owner != provider:
                continue
            if lowered == model.lower() or lowered in {alias.lower() for alias in rows[0].names.aliases}:
                return model
            if not loose and rows[0].names.covers(name):
                loose = model
        return loose


class Verdicts(Protocol):
    """What the hand-written pages say about the catalogues."""

    def prefers(self, row: Row) -> str:
        """The catalogue that is right about a model: "genai-prices", "litellm", or "" for no word."""

    def separate(self, provider: str, name: str) -> bool:
        """Whether a name that a catalogue calls an alias has prices of its own."""


def combine(base: Iterable[Row], filler: Iterable[tuple[Row, str]], verdicts: Verdicts) -> Combined:
    """All rows; a row that the page gives to LiteLLM replaces the base's current figures."""
    combined = Combined()
    for row in base:
        row.names.aliases = {name for name in row.names.aliases if not verdicts.separate(row.provider, name)}
        rows = combined.models[row.provider, row.model]
        rows.append(row)
        if len(rows) > 1:  # Bedrock: the regional and the global entry are one model
            share_names(rows)
    for rows in _by_key(filler):
        _place(combined, rows)
        for row in rows:
            _fill(combined, row, verdicts)
    for rows in combined.models.values():
        share_names(rows)
    return combined


def _by_key(filler: Iterable[tuple[Row, str]]) -> Iterator[list[Row]]:
    """The rows of one key of LiteLLM's map together, plain names before longer ones."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row, key in filler:
        grouped[key].append(row)
    for key in sorted(grouped, key=lambda key: (grouped[key][0].provider, len(key), key)):
        yield sorted(grouped[key], key=lambda row: row.tier)


def _place(combined: Combined, rows: list[Row]) -> None:
    """Read LiteLLM's Bedrock regions by their price: its plain ids carry the global one, "us." the regional one."""
    standard = next((row for row in rows if row.tier == "standard"), None)
    if standard is None or standard.provider != "aws.bedrock":
        return
    model = combined.resolve(standard.provider, standard.model)
    known = combined.models.get((standard.provider, model), [])
    for region in ((), ("global",)):
        current = _current(known, standard.copy(model=model, region=region))
        if current is not None and not any(_differences(current, standard)):
            for row in rows:
                row.region = region
            return


def share_names(rows: list[Row]) -> None:
    merged = Names()
    for row in rows:
        merged = merged.merged(row.names)
    window, output = max(row.context_window for row in rows), max(row.max_output for row in rows)
    for row in rows:
        row.names, row.context_window, row.max_output = merged, window, output


def _fill(combined: Combined, row: Row, verdicts: Verdicts) -> None:
    model = combined.resolve(row.provider, row.model)
    if model != row.model and verdicts.separate(row.provider, row.model):
        model = ""
    if not model:
        row.names = Names({row.model})
        combined.models[row.provider, row.model].append(row)
        return
    rows = combined.models[row.provider, model]
    if model != row.model and not _exactly(rows, row.model) and _contradicts(rows, row):
        # The pattern was too wide: the name has a price of its own, and an exact name beats a pattern.
        row.names = Names({row.model})
        combined.models[row.provider, row.model].append(row)
        return
    rows[0].names.aliases.add(row.model)
    row.model = model
    _fill_model(combined, rows, row, verdicts.prefers(row))


def _exactly(rows: list[Row], name: str) -> bool:
    return name.lower() in {alias.lower() for alias in rows[0].names.aliases}


def _contradicts(rows: list[Row], row: Row) -> bool:
    current = _current(rows, row.copy(model=rows[0].model))
    return current is not None and any(_differences(current, row))


def _current(rows: list[Row], row: Row) -> Row | None:
    """The row of the same terms that is in force today."""
    return next(
        (
            known
            for known in rows
            if known.terms == row.terms
            and known.effective_from <= row.recorded_at < (known.effective_to or "9999")
        ),
        None,
    )


def _fill_model(combined: Combined, rows: list[Row], row: Row, preferred: str) -> None:
    row.context_window = rows[0].context_window or row.context_window
    rows[0].max_output = rows[0].max_output or row.max_output
    current = _current(rows, row)
    if current is None:
        default = _current(rows, row.copy(region=())) if row.region else None
        if default is None or any(_differences(default, row)):
            rows.extend(_in_time(rows, row))
        return
    found = [
        Disagreement(row.provider, row.model, row.tier, meter, known, other)
        for meter, known, other in _differences(current, row)
    ]
    if found and preferred == "litellm":
        rows[rows.index(current)] = row.copy(
            names=current.names, effective_from=current.effective_from, effective_to=current.effective_to
        )
        return
    if not preferred:
        combined.disagreements.extend(found)
    for known in rows:
        if known is current or (known.terms == row.terms and known.rates.items() <= row.rates.items()):
            _fill_gaps(known, row)
    _fill_fees(rows, row)


def _in_time(rows: list[Row], row: Row) -> Iterator[Row]:
    """A tier that only LiteLLM knows, for today's standard price, and scaled for those before and after it."""
    standard = _current(rows, row.copy(tier="standard", speed=""))
    if standard is None:
        yield row
        return
    yield row.copy(effective_from=standard.effective_from, effective_to=standard.effective_to)
    factor = only_factor(row, standard)
    terms = row.copy(tier="standard", speed="").terms
    for other in [known for known in rows if known.terms == terms and known is not standard]:
        if factor is not None:
            yield scaled(other, factor, tier=row.tier, upstream=row.upstream, source_url=row.source_url)


def _differences(known: Row, other: Row) -> Iterator[tuple[str, Decimal, Decimal]]:
    for meter in sorted(known.rates.keys() & other.rates.keys()):
        if known.rates[meter] != other.rates[meter]:
            yield meter, known.rates[meter], other.rates[meter]
    for limit in sorted(known.thresholds.keys() & other.thresholds.keys()):
        lower, upper = known.thresholds[limit], other.thresholds[limit]
        for meter in sorted(lower.keys() & upper.keys()):
            if lower[meter] != upper[meter]:
                yield f"{meter} over {limit}", lower[meter], upper[meter]
    for meter in sorted(known.fees.keys() & other.fees.keys()):
        for variant, mine, theirs in _fee_differences(known, other, meter):
            yield f"{meter} {variant}".strip(), mine, theirs


def _fee_differences(known: Row, other: Row, meter: str) -> Iterator[tuple[str, Decimal, Decimal]]:
    theirs = {fee.get("variant", ""): Decimal(fee["usd"]) / fee["per"] for fee in other.fees[meter]}
    for fee in known.fees[meter]:
        variant = fee.get("variant", "")
        mine = Decimal(fee["usd"]) / fee["per"]
        if variant in theirs and abs(theirs[variant] - mine) > mine / 5_000:  # LiteLLM rounds
            yield variant, mine * 1000, theirs[variant] * 1000


def _fill_gaps(current: Row, row: Row) -> None:
    """Meters and thresholds that only LiteLLM has."""
    gained = {
        meter: rate
        for meter, rate in row.rates.items()
        if meter not in current.rates
        and all(meter in row.thresholds.get(limit, {}) for limit in current.thresholds)
    }
    current.rates.update(gained)
    for limit, rates in row.thresholds.items():
        if limit not in current.thresholds:
            if not current.thresholds:
                current.thresholds[limit] = {
                    meter: rate for meter, rate in rates.items() if meter in current.rates
                }
            continue
        mine = current.thresholds[limit]
        mine.update(
            {meter: rate for meter, rate in rates.items() if meter not in mine and meter in current.rates}
        )
    if not current.multipliers:
        current.multipliers = [dict(multiplier) for multiplier in row.multipliers]
    if gained or row.multipliers:
        _credit(current, row)


def _credit(known: Row, row: Row) -> None:
    known.upstream = ", ".join(dict.fromkeys([*known.upstream.split(", "), row.upstream]))


def _fill_fees(rows: list[Row], row: Row) -> None:
    """Fees hold for every day of a model, for no catalogue dates them."""
    for known in rows:
        if known.tier != row.tier or known.speed != row.speed:
            continue
        for meter, fees in row.fees.items():
            if meter not in known.fees:
                known.fees[meter] = [dict(fee) for fee in fees]
                _credit(known, row)
            else:
                _fill_variants(known.fees[meter], fees)


def _fill_variants(known: list[dict[str, object]], fees: list[dict[str, object]]) -> None:
    have = {fee.get("variant", "") for fee in known}
    for fee in fees:
        if fee.get("variant", "") not in have:
            known.append(dict(fee))
        elif fee.get("free_quota"):
            (same,) = [mine for mine in known if mine.get("variant", "") == fee.get("variant", "")]
            same.setdefault("free_quota", fee["free_quota"])

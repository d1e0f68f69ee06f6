"""Lay the hand-written pages over the combined catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .combine import Combined, share_names
from .pages import Pages, basis_of, decimals, fee_list, instant, levels_of, names_of
from .rows import Row, only_factor, scaled

_OPEN = "9999"
_BILLED_BY_TOKEN = ("openai", "azure.ai.openai", "gcp.gemini", "gcp.vertex_ai")


def apply(pages: Pages, combined: Combined) -> None:
    """Drop, overlay, derive, patch: in this order, so that rules also reach hand-written rows."""
    _drop(pages, combined)
    for row in pages.rows:
        _overlay(combined, row)
    for rows in combined.models.values():
        share_names(rows)
        for row in list(rows):
            if row.tier == "standard" and not row.speed:
                rows.extend(_derived(pages, row, rows))
        rows.extend(_regional_tiers(rows))
        _tidy(rows)
        for row in rows:
            for statement in pages.matching("patch", row):
                _patch(row, statement)


def _drop(pages: Pages, combined: Combined) -> None:
    for key, rows in list(combined.models.items()):
        kept = [row for row in rows if not any(_of_tier(row, s) for s in pages.matching("drop", row))]
        if kept:
            combined.models[key] = kept
        else:
            del combined.models[key]


def _of_tier(row: Row, statement: dict[str, Any]) -> bool:
    return row.tier in statement.get("tiers", (row.tier,)) and row.speed == statement.get("speed", row.speed)


def _overlay(combined: Combined, row: Row) -> None:
    """A hand-written row replaces what the catalogues say of the same terms on the same days."""
    model = combined.resolve(row.provider, row.model)
    if model != row.model and model and row.model.lower() not in _exact(combined, row.provider, model):
        model = ""
    rows = combined.models[row.provider, model or row.model]
    row.model = model or row.model
    kept = []
    for known in rows:
        parts = list(_outside(known, row)) if known.terms == row.terms else [known]
        if parts != [known] and known.upstream == row.upstream:
            raise SystemExit(
                f"{row.upstream}: two rows of {row.model} {row.tier} from {row.effective_from!r} overlap"
            )
        kept += parts
    if rows:
        row.names = rows[0].names.merged(row.names)
        row.context_window = row.context_window or max(known.context_window for known in rows)
        row.max_output = row.max_output or max(known.max_output for known in rows)
    combined.models[row.provider, row.model] = [*kept, row]


def _exact(combined: Combined, provider: str, model: str) -> set[str]:
    return {alias.lower() for alias in combined.models[provider, model][0].names.aliases}


def _outside(known: Row, row: Row) -> Iterator[Row]:
    """The parts of a row's days that another row leaves to it."""
    start, end = known.effective_from, known.effective_to or _OPEN
    first, last = row.effective_from, row.effective_to or _OPEN
    if last <= start or end <= first:
        yield known
        return
    if start < first:
        yield known.copy(effective_to=first)
    if last < end:
        yield known.copy(effective_from=last)


def _derived(pages: Pages, row: Row, rows: list[Row]) -> Iterator[Row]:
    for statement in pages.matching("derive", row):
        factor = Decimal(statement["factor"])
        start = max(row.effective_from, instant(statement.get("effective_from", "")))
        end = min(row.effective_to or _OPEN, instant(statement.get("effective_to", "")) or _OPEN)
        made = scaled(
            row,
            factor,
            tier=statement.get("tier", row.tier),
            speed=statement.get("speed", row.speed),
            effective_from=start,
            effective_to="" if end == _OPEN else end,
            upstream=f"prices/{statement['file']}",
            source_url=statement["source_url"],
            verified_at=instant(statement["verified_at"]),
        )
        pieces = [made] if start < end else []
        for known in rows:
            if known.terms == made.terms:
                _complete(known, made)
                pieces = [part for piece in pieces for part in _outside(piece, known)]
        yield from pieces


def _regional_tiers(rows: list[Row]) -> Iterator[Row]:
    """Tiers that are listed without a region, where the model has a surcharge in some: the same one, `derived`."""
    plain = [row for row in rows if not row.region]
    for regional in [row for row in rows if row.region and (row.tier, row.speed) == ("standard", "")]:
        standard = next((row for row in plain if row.terms[2:4] == regional.terms[2:4]), None)
        factor = only_factor(regional, standard) if standard is not None else None
        for row in plain if factor is not None else ():
            if any(known.terms == (*row.terms[:4], regional.region) for known in rows):
                continue
            yield scaled(row, factor, region=regional.region)


def _complete(known: Row, made: Row) -> None:
    """Give a row of the same days the meters that only the rule knows."""
    if known.effective_from < (made.effective_to or _OPEN) and made.effective_from < (
        known.effective_to or _OPEN
    ):
        for meter, rate in made.rates.items():
            known.rates.setdefault(meter, rate)
        for limit, rates in known.thresholds.items():
            for meter, rate in made.thresholds.get(limit, {}).items():
                rates.setdefault(meter, rate)


def _tidy(rows: list[Row]) -> None:
    """What holds for whole families of models, whatever catalogue they came from."""
    by_token = any(row.rates.get("output") for row in rows)
    apart = any(
        row.rates.get("input_audio", row.rates.get("input")) != row.rates.get("input") for row in rows
    )
    residency = next((row.multipliers for row in rows if row.multipliers), [])
    for row in rows:
        if by_token and row.provider in _BILLED_BY_TOKEN:
            # LiteLLM's price per image or minute is an estimate of what the tokens cost: both would count twice.
            row.fees.pop("image", None)
            row.fees.pop("audio_second", None)
        if row.provider.startswith("gcp.") and row.model.startswith("gemini") and "output" in row.rates:
            _price_audio(row, apart=apart)
        if not row.multipliers:  # a property of the model, whatever its tier and day
            row.multipliers = [dict(multiplier) for multiplier in residency]
        if row.effective_to > row.recorded_at[:10] and row.status == "list" and row.tier == "standard":
            row.status = "promo"


def _price_audio(row: Row, *, apart: bool) -> None:
    """Gemini's pages name one input price for every modality, unless they name audio apart."""
    if "-tts" in row.model:  # what they say is all their output
        row.rates.setdefault("output_audio", row.rates["output"])
    if apart or "input_audio" in row.rates:
        return
    for rates in (row.rates, *row.thresholds.values()):
        for meter, audio in (("input", "input_audio"), ("cache_read", "cache_read_audio")):
            if meter in rates:
                rates[audio] = rates[meter]


def _patch(row: Row, statement: dict[str, Any]) -> None:
    if not _of_tier(row, statement):
        return
    row.names = row.names.merged(names_of(statement))
    for meter, rate in decimals(statement.get("rates", {})).items():
        row.rates.setdefault(meter, rate)
    for meter, share in decimals(statement.get("of_input", {})).items():
        for rates in (row.rates, *row.thresholds.values()):
            if "input" in rates:
                rates.setdefault(meter, rates["input"] * share)
    if levels := levels_of(statement):
        row.basis = basis_of(levels)
    for level in levels:
        row.thresholds.setdefault(level["input_over"], decimals(level["rates"]))
    for meter, given in statement.get("fees", {}).items():
        row.fees[meter] = fee_list(given)
    if "multipliers" in statement:
        row.multipliers = [dict(multiplier) for multiplier in statement["multipliers"]]
    row.context_window = statement.get("context_window", row.context_window)
    row.max_output = statement.get("max_output", row.max_output)
    page = f"prices/{statement['file']}"
    if page not in row.upstream:
        row.upstream = f"{row.upstream}, {page}"

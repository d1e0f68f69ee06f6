"""genai-prices' catalogue as rows: dated prices become rows with a start and an end, variants become tiers.

Its variants carry the day on which somebody looked, not the day on which the terms began (batch and flex on
2026-10-12 and later, though both are years older), so that a variant is taken back to the start of the price
that it belongs to, as `derived`, and further back only where it is one clean factor of the standard price.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .names import (
    GENAI_PROVIDERS,
    Names,
    bills_grounding_per_prompt,
    clause_names,
    split_geography,
    without_geography,
)
from .rows import Row, only_factor, write_rates
from .upstream import Catalogue

Price = Mapping[str, Any]

_TOKENS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "cache_audio_read_mtok": "cache_read_audio",
    "output_audio_mtok": "output_audio",
    "input_image_mtok": "input_image",
    "cache_image_read_mtok": "cache_read_image",
    "output_image_mtok": "output_image",
    "input_video_mtok": "input_video",
    "output_reasoning_mtok": "output_reasoning",
}
_FEES = {
    "web_searches_kcount": ("web_search", 1000, ""),
    "storage_searches_kcount": ("file_search", 1000, ""),
    "requests_kcount": ("request", 1000, ""),
    "audio_hours": ("audio_second", 3600, ""),
    "input_audio_hours": ("audio_second", 3600, ""),
    "input_document_kpages": ("page", 1000, ""),
    "input_annotated_document_kpages": ("page", 1000, "annotated"),
    "input_mchars": ("character", 1_000_000, ""),
}
_NO_METER = frozenset({"output_video_mtok", "output_citation_mtok", "input_text_messages_kcount"})
_TIERS = {
    ("processing", "batch"): ("batch", ""),
    ("service_tier", "flex"): ("flex", ""),
    ("service_tier", "priority"): ("priority", ""),
    ("speed", "fast"): ("standard", "fast"),
}
_FREE = re.compile(r":free$|^gemma-|^moderation$|^openrouter/free$")
"""Models whose empty price means free of charge; any other empty price means that nobody knew."""
_RESOLD = "Imported from OpenRouter pricing"
_URL = re.compile(r"https://[^\s,;)\"']+")


@dataclass(frozen=True)
class _Span:
    """`[start, end)` in days; "" is open."""

    start: str
    end: str


def rows(catalogue: Catalogue) -> Iterator[Row]:
    """Every row of the catalogue, in its order."""
    for provider in catalogue.data:
        for model in provider["models"]:
            for provider_id in _sold_by(provider["id"], model["id"]):
                yield from _model_rows(provider_id, provider, model, catalogue)


def _sold_by(provider: str, model: str) -> tuple[str, ...]:
    if provider == "azure":
        openai = re.match(r"^(ada|babbage|curie|davinci|o\d|gpt|text-)", model)
        return ("azure.ai.openai",) if openai else ("azure.ai.inference",)
    if provider == "google":
        if "claude" in model or model.endswith("-maas"):
            return ("gcp.vertex_ai",)
        return ("gcp.gemini",) if model.startswith("gemma") else GENAI_PROVIDERS[provider]
    return GENAI_PROVIDERS[provider]


def _model_rows(
    provider_id: str, provider: Mapping[str, Any], model: Mapping[str, Any], catalogue: Catalogue
) -> Iterator[Row]:
    comments = model.get("price_comments") or ""
    resold = (
        comments.startswith(_RESOLD) and "Verified against" not in comments and provider_id != "openrouter"
    )
    name, region = _identity(provider_id, model["id"])
    template = Row(
        provider=provider_id,
        model=name,
        names=_names(provider_id, clause_names(model["match"], strict=provider_id.startswith("gcp."))),
        region=(region,) if region else (),
        context_window=model.get("context_window") or 0,
        upstream=f"{catalogue.name} {catalogue.version}",
        source_url=_source_url("" if resold else comments, provider, catalogue),
        status="derived" if resold else "list",
        note="A reseller's price: the maker publishes none." if resold else "",
        recorded_at=catalogue.retrieved_at,
    )
    yield from _priced(template, model)


def _identity(provider_id: str, model: str) -> tuple[str, str]:
    if provider_id == "aws.bedrock":
        name, geography = split_geography(model)
        return re.sub(r"-v\d+:0$|-v\d+:\d+$", "", name) if ".claude" in name else name, geography
    return model, ""


def _names(provider_id: str, names: Names) -> Names:
    return without_geography(names) if provider_id == "aws.bedrock" else names


def _source_url(comments: str, provider: Mapping[str, Any], catalogue: Catalogue) -> str:
    found = [url.rstrip(".:") for url in _URL.findall(comments) if "openrouter.ai" not in url]
    return str((found or provider["urls"] or [catalogue.home])[0])


def _priced(template: Row, model: Mapping[str, Any]) -> Iterator[Row]:
    listed = model["prices"]
    conditional = listed if isinstance(listed, list) else [{"prices": listed}]
    standard: list[tuple[_Span, Price]] = []
    for span, price, windows in _spans(conditional):
        row = _row(template, span, price)
        row.schedule = [_window(window) for window in windows]
        if not row.prices_something:
            if not _FREE.search(template.model):
                continue
            row.free = True
        standard.append((span, price))
        yield row
    for variant in _by_terms(model.get("price_variants") or []):
        yield from _variant_rows(template, variant, standard)


def _spans(conditional: list[Mapping[str, Any]]) -> Iterator[tuple[_Span, Price, list[Mapping[str, Any]]]]:
    """(days, price, hourly exceptions) of a list in which later entries win over earlier ones."""
    windows = [entry for entry in conditional if _kind(entry) == "TimeOfDateConstraint"]
    dated = [entry for entry in conditional if _kind(entry) != "TimeOfDateConstraint"]
    starts = [_start(entry) for entry in dated]
    for number, entry in enumerate(dated):
        end = starts[number + 1] if number + 1 < len(starts) else ""
        yield _Span(starts[number], end), entry["prices"], windows if not end else []


def _kind(entry: Mapping[str, Any]) -> str:
    return str((entry.get("constraint") or {}).get("_", ""))


def _start(entry: Mapping[str, Any]) -> str:
    constraint = entry.get("constraint")
    if not constraint:
        return ""
    year, month, day = constraint["start_date"]["args"]
    return f"{year:04d}-{month:02d}-{day:02d}"


def _window(entry: Mapping[str, Any]) -> dict[str, Any]:
    constraint, row = entry["constraint"], Row("", "")
    _put(row, entry["prices"])
    return {
        "tz": "UTC",
        "hours": [f"{_clock(constraint['start_time'])}-{_clock(constraint['end_time'])}"],
        "rates": row.rates,
    }


def _clock(time: Mapping[str, Any]) -> str:
    hour, minute = ([*time.get("args", []), 0, 0])[:2]
    return f"{hour:02d}:{minute:02d}"


def _by_terms(variants: list[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Variants of the same terms together, the last dated first."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for variant in variants:
        (condition,) = variant["when"].items()
        if condition in _TIERS:
            grouped.setdefault(condition, []).append(variant)
    for group in grouped.values():
        yield sorted(group, key=_start, reverse=True)


def _variant_rows(
    template: Row, group: list[Mapping[str, Any]], standard: list[tuple[_Span, Price]]
) -> Iterator[Row]:
    (condition,) = group[0]["when"].items()
    tier, speed = _TIERS[condition]
    for span, price in standard:
        chosen = next((variant for variant in group if not span.end or _start(variant) < span.end), None)
        row = _row(template.copy(tier=tier, speed=speed), span, price)
        if chosen is None:
            if _carry_back(row, group[-1], standard):
                row.status = "derived"
                yield row
            continue
        _put(row, chosen["prices"])
        if _start(chosen) > span.start:
            yield from _since(row, span, _start(chosen))
        else:
            yield row


def _since(row: Row, span: _Span, seen: str) -> Iterator[Row]:
    """A price that was first looked at on a day inside its span: derived before, listed since."""
    yield row.copy(effective_from=span.start, effective_to=seen, status="derived")
    yield row.copy(effective_from=seen, effective_to=span.end)


def _price_at(standard: list[tuple[_Span, Price]], day: str) -> Price:
    return next((price for span, price in standard if not span.end or day < span.end), standard[-1][1])


def _carry_back(row: Row, variant: Mapping[str, Any], standard: list[tuple[_Span, Price]]) -> bool:
    """Make a standard row of older days a tier row by the factor that the tier has later, where that is one."""
    later, plain = row.copy(rates={}, thresholds={}, fees={}), row.copy(rates={}, thresholds={}, fees={})
    _put(later, variant["prices"])
    _put(plain, _price_at(standard, _start(variant)))
    factor = only_factor(later, plain)
    if factor is None:
        return False
    for rates in (row.rates, *row.thresholds.values()):
        rates.update({meter: rate * factor for meter, rate in rates.items() if meter in later.rates})
    return True


def _base(value: Any) -> Decimal:
    return Decimal(value["base"] if isinstance(value, Mapping) else value)


def _row(template: Row, span: _Span, price: Price) -> Row:
    row = template.copy(effective_from=span.start, effective_to=span.end)
    _put(row, price)
    return row


def _put(row: Row, price: Price) -> None:
    """Lay the catalogue's price over the row: what it names replaces, the rest stays."""
    for key, value in price.items():
        if key == "_" or value is None or key in _NO_METER:
            continue
        if key in _TOKENS:
            _put_rate(row, _TOKENS[key], value)
        else:
            meter, per, variant = _FEES[key]
            _put_fee(row, meter, per, variant, Decimal(value))
    for rates in (row.rates, *row.thresholds.values()):
        write_rates(row.model, row.provider, rates)


def _put_rate(row: Row, meter: str, value: Any) -> None:
    written = [meter]
    if meter == "cache_write":  # a new plain rate also renews the lifetime that it stands for
        written += [name for name in ("cache_write_5m", "cache_write_30m") if name in row.rates]
    for name in written:
        row.rates[name] = _base(value)
        for rates in row.thresholds.values():
            rates.pop(name, None)
        if isinstance(value, Mapping):
            for tier in value["tiers"]:
                row.thresholds.setdefault(tier["start"], {})[name] = Decimal(tier["price"])
    row.thresholds = {limit: rates for limit, rates in row.thresholds.items() if rates}


def _put_fee(row: Row, meter: str, per: int, variant: str, usd: Decimal) -> None:
    if meter == "web_search" and bills_grounding_per_prompt(row.provider, row.model):
        meter = "grounded_prompt"
    fees = [fee for fee in row.fees.get(meter, []) if fee.get("variant", "") != variant]
    row.fees[meter] = [*fees, {"usd": usd, "per": per} | ({"variant": variant} if variant else {})]

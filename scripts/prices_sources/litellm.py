"""LiteLLM's map as rows: the prices of today, one row a model and tier.

Its keys carry tier and threshold in their names ("..._above_272k_tokens_flex"). A price of zero is not
imported: the map writes it for "nobody knew" as well as for "free".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from .names import Named, Names, bills_grounding_per_prompt, litellm_name, litellm_provider
from .rows import Fee, Row, write_rates
from .upstream import Catalogue

Entry = Mapping[str, Any]

_TOKENS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost_above_12hr": "cache_write_12h",
    "input_cost_per_audio_token": "input_audio",
    "input_cost_per_image_token": "input_image",
    "input_cost_per_video_token": "input_video",
    "cache_read_input_audio_token_cost": "cache_read_audio",
    "cache_read_input_image_token_cost": "cache_read_image",
    "output_cost_per_audio_token": "output_audio",
    "output_cost_per_image_token": "output_image",
    "output_cost_per_reasoning_token": "output_reasoning",
}
_FALLS_BACK = {
    "output_reasoning": "output",
    "input_image": "input",
    "input_video": "input",
    "cache_read_image": "cache_read",
}
_TIERS = {
    "": "standard",
    "_batches": "batch",
    "_flex": "flex",
    "_priority": "priority",
    "_ultrafast": "ultrafast",
}
_KEY = re.compile(
    rf"^({'|'.join(sorted(_TOKENS, key=len, reverse=True))})(?:_above_(\d+)k_tokens)?"
    r"(_batches|_flex|_priority|_ultrafast)?$"
)
_MILLION = Decimal(1_000_000)
_SEARCH_SIZES = {f"search_context_size_{size}": size for size in ("low", "medium", "high")}
_VIDEO_SIZES = ("480p", "720p", "768p", "1080p", "2k", "4k")
_WEEKDAYS = ("", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NO_MODEL = re.compile(r"^together-ai-|^fireworks-ai-|/container$|^sample_spec$")
"""Size classes ("up to 16B") and a tool, no models."""
_PER_STEP = Decimal("0.003")
"""Below this, USD per million, Fireworks' "token" is a step of an image model."""


def rows(catalogue: Catalogue) -> Iterator[tuple[Row, str]]:
    """Every row of the map, with the map's key."""
    for key, entry in sorted(catalogue.data.items()):
        provider = litellm_provider(key, entry.get("litellm_provider") or "")
        named = litellm_name(key, provider)
        if named.committed or not named.model or _NO_MODEL.search(key):
            continue
        template = _template(provider, named, entry, catalogue)
        for row in _tier_rows(template, entry):
            _put_fees(row, entry, named)
            if row.prices_something:
                yield row, key


def _template(provider: str, named: Named, entry: Entry, catalogue: Catalogue) -> Row:
    source = str(entry.get("source") or "")
    return Row(
        provider=provider,
        model=named.model,
        names=Names(),
        region=(named.region,) if named.region else (),
        context_window=_count(entry.get("max_input_tokens")),
        max_output=_count(entry.get("max_output_tokens")),
        upstream=f"{catalogue.name} {catalogue.version}",
        source_url=source if source.startswith("https://") else catalogue.home,
        recorded_at=catalogue.retrieved_at,
        multipliers=_multipliers(entry, catalogue),
    )


def _count(value: Any) -> int:
    try:
        return int(Decimal(str(value)))
    except ArithmeticError:
        return 0


def _multipliers(entry: Entry, _catalogue: Catalogue) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"when": {"region": region}, "factor": str(factor)}
        for region in ("eu", "us")
        if (factor := entry.get(f"regional_processing_uplift_multiplier_{region}"))
    ]
    specific = entry.get("provider_specific_entry")
    if isinstance(specific, Mapping) and "us" in specific:
        found.append({"when": {"region": "us"}, "factor": str(specific["us"])})
    if factor := entry.get("regional_endpoint_uplift_multiplier"):
        found.append({"when": {"region": "*"}, "factor": str(factor)})
    return found


def _tier_rows(template: Row, entry: Entry) -> Iterator[Row]:
    tiers: dict[str, Row] = {"": template.copy()}
    for key, value in entry.items():
        found = _KEY.match(key)
        if not found or not _positive(value):
            continue
        base, over, suffix = found.group(1), found.group(2), found.group(3) or ""
        row = tiers.setdefault(suffix, template.copy(tier=_TIERS[suffix]))
        rates = row.thresholds.setdefault(_limit(template, over), {}) if over else row.rates
        rates[_TOKENS[base]] = clean(Decimal(str(value)) * _MILLION)
    for row in tiers.values():
        for rates in (row.rates, *row.thresholds.values()):
            write_rates(row.model, row.provider, rates)
        _drop_repeated(row)
        row.thresholds = {limit: rates for limit, rates in row.thresholds.items() if rates}
        if row.provider == "fireworks_ai" and row.rates.get("input", _PER_STEP) < _PER_STEP:
            row.rates = {}
        if row.tier == "standard":
            row.schedule = _schedule(entry)
        yield row


def _limit(row: Row, thousands: str) -> int:
    """The largest prompt at the lower rate; xAI's own boundary is inclusive ("200K and more")."""
    return int(thousands) * 1000 - (1 if row.provider == "x_ai" else 0)


def _drop_repeated(row: Row) -> None:
    """A modality that costs what text costs needs no rate: the book falls back, at every threshold alike."""
    for meter, plain in _FALLS_BACK.items():
        if row.rates.get(meter) == row.rates.get(plain):
            row.rates.pop(meter, None)


def _positive(value: Any) -> bool:
    try:
        return Decimal(str(value)) > 0
    except ArithmeticError:
        return False


def clean(amount: Decimal) -> Decimal:
    """Take the noise of binary floats off a published figure: at most 12 digits after the point."""
    rounded = amount.quantize(Decimal(1).scaleb(-9)) if abs(amount) < Decimal("1e6") else amount
    return rounded if abs(rounded - amount) <= abs(amount) * Decimal("1e-9") else amount


def _schedule(entry: Entry) -> list[dict[str, Any]]:
    off_peak = entry.get("off_peak_pricing")
    if not isinstance(off_peak, Mapping):
        return []
    rates = {
        meter: clean(Decimal(str(off_peak[key])) * _MILLION)
        for key, meter in _TOKENS.items()
        if _positive(off_peak.get(key, 0))
    }
    return [
        {
            "tz": "UTC",
            "weekdays": [_WEEKDAYS[day] for day in window["weekdays"]],
            "hours": _hours(window["hours_utc"]),
            "rates": rates,
        }
        for window in off_peak["windows"]
    ]


def _hours(given: str | list[str]) -> list[str]:
    listed = [given] if isinstance(given, str) else given
    return [re.sub(r"-00:00$", "-24:00", hours) for hours in listed]


def _put_fees(row: Row, entry: Entry, named: Named) -> None:
    for meter, fee in (*_unit_fees(entry, named), *_tool_fees(row, entry)):
        if row.tier == "batch" and meter == "page":
            continue
        row.fees.setdefault(meter, []).append(fee)
    if row.tier == "batch":
        for key, variant in (
            ("ocr_cost_per_page_batches", ""),
            ("annotation_cost_per_page_batches", "annotated"),
        ):
            if _positive(entry.get(key, 0)):
                row.fees.setdefault("page", []).append(_fee(entry[key], 1000, variant))


def _unit_fees(entry: Entry, named: Named) -> Iterator[tuple[str, Fee]]:
    mode = entry.get("mode")
    if mode in ("image_generation", "image_edit"):
        for key in ("output_cost_per_image", "input_cost_per_image"):
            if _positive(entry.get(key, 0)):
                yield "image", _fee(entry[key], 1, named.image)
                break
        else:
            yield from _pixel_fees(entry, named.image)
    if mode in ("audio_transcription", "realtime") and _positive(entry.get("input_cost_per_second", 0)):
        yield "audio_second", _second_fee(entry["input_cost_per_second"])
    if mode == "audio_speech" and _positive(entry.get("input_cost_per_character", 0)):
        yield "character", _fee(entry["input_cost_per_character"], 1_000_000)
    if mode == "video_generation":
        yield from _video_fees(entry)
    if mode in ("rerank", "search", "vector_store") and _positive(entry.get("input_cost_per_query", 0)):
        yield ("search_unit" if mode == "rerank" else "request"), _fee(entry["input_cost_per_query"], 1000)
    if _positive(entry.get("input_cost_per_request", 0)):
        yield "request", _fee(entry["input_cost_per_request"], 1000)
    if _positive(entry.get("ocr_cost_per_page", 0)):
        yield "page", _fee(entry["ocr_cost_per_page"], 1000)
    if _positive(entry.get("annotation_cost_per_page", 0)):
        yield "page", _fee(entry["annotation_cost_per_page"], 1000, "annotated")


def _fee(value: Any, per: int, variant: str = "") -> Fee:
    fee: Fee = {"usd": clean(Decimal(str(value)) * per), "per": per}
    return fee | {"variant": variant} if variant else fee


def _second_fee(value: Any) -> Fee:
    """Providers publish a price a minute; a second's share of it often does not end: $0.017/60."""
    minute = (Decimal(str(value)) * 60).quantize(Decimal("1e-9"))
    return {"usd": minute, "per": 60}


def _pixel_fees(entry: Entry, image: str) -> Iterator[tuple[str, Fee]]:
    """Older image models stand there per pixel; times the size it is the published price per image."""
    size = re.match(r"(\d+)x(\d+)", image)
    if size and _positive(entry.get("input_cost_per_pixel", 0)):
        pixels = int(size.group(1)) * int(size.group(2))
        usd = (Decimal(str(entry["input_cost_per_pixel"])) * pixels).quantize(Decimal("0.001"))
        yield "image", {"usd": usd, "per": 1, "variant": image}


def _video_fees(entry: Entry) -> Iterator[tuple[str, Fee]]:
    for key in ("output_cost_per_video_per_second", "output_cost_per_second"):
        if _positive(entry.get(key, 0)):
            yield "video_second", _fee(entry[key], 1)
            break
    for size in _VIDEO_SIZES:
        if _positive(entry.get(f"output_cost_per_second_{size}", 0)):
            yield "video_second", _fee(entry[f"output_cost_per_second_{size}"], 1, size)


def _tool_fees(row: Row, entry: Entry) -> Iterator[tuple[str, Fee]]:
    searches = entry.get("search_context_cost_per_query")
    if isinstance(searches, Mapping):
        meter = "grounded_prompt" if bills_grounding_per_prompt(row.provider, row.model) else "web_search"
        quota = entry.get("search_free_requests")
        free = {"free_quota": f"{quota['count']} a {quota['period']}"} if quota else {}
        known = {size: searches[size] for size in _SEARCH_SIZES if _positive(searches.get(size, 0))}
        if len(set(known.values())) == 1:
            yield meter, _fee(next(iter(known.values())), 1000) | free
        else:
            for size, value in known.items():
                yield meter, _fee(value, 1000, _SEARCH_SIZES[size])
    if _positive(entry.get("code_interpreter_cost_per_session", 0)):
        yield "container", _fee(entry["code_interpreter_cost_per_session"], 1)
    if _positive(entry.get("file_search_cost_per_1k_calls", 0)):
        yield "file_search", _fee(entry["file_search_cost_per_1k_calls"], 1000)

"""Rows back into the shortest tables that `rows.parse_row` reads: for shards, digests and showing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from .fields import iso_instant
from .rates import ALWAYS, FOREVER, WEEKDAYS, Alias, Fee, Multiplier, Row, Threshold, Window


def row_table(row: Row) -> dict[str, object]:
    """The shortest table that `parse_row` reads back as this row; instants and decimals as text."""
    table: dict[str, object] = {"provider": row.provider, "model": row.model}
    optional: dict[str, object] = {
        "aliases": [_alias_table(alias) for alias in row.aliases],
        "match": [{"prefix": m.prefix} if m.prefix else {"regex": m.regex} for m in row.match],
        "effective_from": iso_instant(row.from_ns) if row.from_ns != ALWAYS else "",
        "effective_to": iso_instant(row.to_ns) if row.to_ns != FOREVER else "",
        "recorded_at": row.recorded_at,
        "tier": row.tier if row.tier != "standard" else "",
        "speed": row.speed,
        "region": list(row.region),
        "rates": _rates_table(row.rates),
        "fees": {meter: [_fee_table(fee) for fee in fees] for meter, fees in row.fees.items()},
        "threshold": [_threshold_table(level) for level in row.thresholds],
        "schedule": [_window_table(window) for window in row.schedule],
        "multipliers": [_multiplier_table(multiplier) for multiplier in row.multipliers],
        "committed": row.committed,
        "free": row.free,
        "gpu_hour": str(row.gpu_hour) if row.gpu_hour is not None else "",
        "billed_at": row.billed_at if row.billed_at != "start" else "",
        "context_window": row.context_window,
        "max_output": row.max_output,
        "status": row.status if row.status != "list" else "",
        "source_url": row.source_url,
        "verified_at": row.verified_at,
        "upstream": row.upstream,
        "note": row.note,
    }
    table.update((key, value) for key, value in optional.items() if value)
    return table


def _rates_table(rates: Mapping[str, Decimal]) -> dict[str, str]:
    return {meter: f"{rate:f}" for meter, rate in rates.items()}


def _alias_table(alias: Alias) -> object:
    if alias.from_ns == ALWAYS and alias.to_ns == FOREVER:
        return alias.name
    table = {"name": alias.name}
    if alias.from_ns != ALWAYS:
        table["from"] = iso_instant(alias.from_ns)
    if alias.to_ns != FOREVER:
        table["to"] = iso_instant(alias.to_ns)
    return table


def _fee_table(fee: Fee) -> dict[str, str]:
    table = {
        "usd": f"{fee.usd:f}",
        "per": f"{fee.per:f}",
        "variant": fee.variant,
        "free_quota": fee.free_quota,
    }
    return {key: value for key, value in table.items() if value}


def _threshold_table(level: Threshold) -> dict[str, object]:
    table: dict[str, object] = {"input_over": level.over, "rates": _rates_table(level.rates)}
    return table if level.basis == "prompt" else table | {"basis": level.basis}


def _window_table(window: Window) -> dict[str, object]:
    return {
        "tz": window.tz,
        "weekdays": [WEEKDAYS[day] for day in sorted(window.weekdays)],
        "hours": [f"{_clock(start)}-{_clock(end)}" for start, end in window.minutes],
        "rates": _rates_table(window.rates),
        "holidays": sorted(day.isoformat() for day in window.holidays),
    }


def hours_text(window: Window) -> str:
    """When a window is open, for a person: "09:00-12:00, 14:00-18:00 mon-fri Asia/Shanghai, except 6 holidays"."""
    hours = ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in window.minutes)
    days = [] if len(window.weekdays) == len(WEEKDAYS) else [_days_text(sorted(window.weekdays))]
    except_for = f", except {len(window.holidays)} holidays" if window.holidays else ""
    return " ".join([hours, *days, window.tz]) + except_for


def _days_text(days: list[int]) -> str:
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{WEEKDAYS[days[0]]}-{WEEKDAYS[days[-1]]}"
    return "/".join(WEEKDAYS[day] for day in days)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _multiplier_table(multiplier: Multiplier) -> dict[str, object]:
    return {
        "when": {key: list(values) for key, values in multiplier.when.items()},
        "factor": f"{multiplier.factor:f}",
        "meters": list(multiplier.meters),
    }

"""Answers as JSON and CSV: exact amounts as decimal strings, times in ISO 8601, nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from ..call import TAG_FIELDS
from ..ledger.row import LedgerRow
from ..money import Femto, as_text
from ..reports import CostRow, Report, zone
from .harmless import csv_text, json_text
from .streams import write_unicode, writes_unicode

Cell = str | int | float | Decimal | None


def iso(ns: int | None, tz: tzinfo = UTC) -> str | None:
    """An instant (ns since the epoch) in ISO 8601 with all the digits that are kept."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, 10**9)
    local = datetime.fromtimestamp(seconds, UTC)
    with suppress(
        OverflowError
    ):  # at either end of the years that have a number the local time is beyond them
        local = local.astimezone(tz)
    digits = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{local.replace(tzinfo=None).isoformat()}{digits}{offset_text(local)}"


def local_time(ns: int, tz: tzinfo, timespec: str = "seconds") -> str:
    """A local time for a person, with its offset only where the clocks showed this time twice."""
    local = datetime.fromtimestamp(ns // 10**9, UTC).astimezone(tz)
    text = local.replace(tzinfo=None, fold=0).isoformat(" ", timespec)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{text} {offset_text(local)}" if twice else text


def offset_text(local: datetime) -> str:
    """The offset of a local time as ISO 8601 has it."""
    offset = local.strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}" if local.utcoffset() else "Z"


def amount_text(amount: Femto | None) -> str | None:
    """An amount in USD as an exact decimal string."""
    return None if amount is None else as_text(amount)


def sums_json(row: CostRow) -> dict[str, object]:
    """The sums of a group as JSON has them."""
    return {
        "calls": row.calls,
        "errors": row.failed,
        "statuses": {status: count for status, count in sorted(row.statuses.items()) if count},
        "tokens": {name: getattr(row, name) for name in ("input", "cache_read", "cache_write", "output")},
        "cost": amount_text(row.amount) if row.is_known else None,
        "cost_is_lower_bound": row.is_lower_bound,
        "cache_savings": as_text(row.savings),
        "duration_s": row.duration_us / 1e6,
    }


def report_json(report: Report, tz: str) -> dict[str, object]:
    """A report as JSON has it; its instants are local to the zone of its days."""
    place = zone(tz)
    return {
        "since": iso(report.since_ns, place),
        "until": iso(report.until_ns, place),
        "tz": tz,
        "by": list(report.by),
        "currency": report.currency,
        "rows": [{**dict(zip(report.by, row.keys, strict=True)), **sums_json(row)} for row in report.rows],
        "total": sums_json(report.total),
        "reasons": dict(report.reasons.most_common()),
    }


_AS_THEY_ARE = (
    "provider", "operation", "request_model", "response_model", "speed", "region", "variant", "host", "status",
    "currency", "error_type", "response_id", "duration_s", "attempts", "service", "pid", "run_id",
)  # fmt: skip


def call_json(row: LedgerRow, tz: tzinfo = UTC) -> dict[str, object]:
    """A call as JSON has it: everything that the ledger knows."""
    kind, _, place = row.key.partition(":")
    trace_id, _, span_id = place.partition(":") if kind == "otel" else ("", "", "")
    return {
        "key": row.key,
        "trace_id": trace_id or None,
        "span_id": span_id or None,
        "start": iso(row.start_ns, tz),
        "end": iso(row.end_ns, tz),
        "service_tier": row.tier,
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        **_price_json(row),
        **{name: getattr(row.tags, name) for name in TAG_FIELDS},
        "tags": dict(row.tags.own),
        "finish_reasons": list(row.finish_reasons),
        "time_to_first_chunk_s": row.first_chunk_s,
    }


def _price_json(row: LedgerRow) -> dict[str, object]:
    repriced = row.first_version or row.first_amount is not None
    return {
        "cost": amount_text(row.amount),
        "components": {part: as_text(amount) for part, amount in row.components.items()},
        "usage": {
            meter: quantity if isinstance(quantity, int) else str(quantity)
            for meter, quantity in row.usage.items()
        },
        "cache_savings": as_text(row.savings),
        "list_cost": amount_text(row.list_amount),
        "reported_cost": None if row.reported is None else str(row.reported),
        "reasons": list(row.reasons),
        "price_version": row.version,
        "first_price": {"cost": amount_text(row.first_amount), "version": row.first_version}
        if repriced
        else None,
    }


def print_json(value: object) -> None:
    """Prints a value as indented JSON, with escapes for what the output's encoding lacks."""
    sys.stdout.write(json_text(value, indent=2, ascii_only=not writes_unicode()) + "\n")


def print_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Prints rows as CSV, in UTF-8 whatever the locale.

    Text that a spreadsheet would run as a formula is preceded by an apostrophe.
    """
    write_unicode()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([csv_text(name) for name in header])
    for row in rows:
        writer.writerow([csv_text(cell) if isinstance(cell, str) else cell for cell in row])


def flattened(record: Mapping[str, object]) -> dict[str, Cell]:
    """A record of `call_json` as columns: money as a number, nested values as JSON text."""
    return {
        name: value if isinstance(value, str | int | float) or value is None else json_text(value)
        for name, value in record.items()
    }

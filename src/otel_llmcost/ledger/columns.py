"""A ledger row as the columns of table `calls`, and back."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from typing import Any

from ..call import TAG_FIELDS, Tags
from ..meters import COMPONENT, TOKEN_METERS, Usage
from ..money import Femto, join_nano, split_nano
from .codec import items_of, items_text, json_text, lines_of, lines_text, usage_of, usage_text
from .row import LedgerRow

_MOST_TOKENS = 10**12
"""What a sum column counts of one call at most, to stay inside 64 bits; `usage` has the exact figure."""

MOST_MICROSECONDS = 10**12
"""What a sum of durations counts of one call at most: eleven days."""
TOKEN_COLUMNS = ("input", "cache_read", "cache_write", "output")
_COLUMN_OF_METER = {meter: COMPONENT[meter] for meter in TOKEN_METERS}
_TEXTS = (
    "provider", "operation", "model", "request_model", "response_model", "tier", "speed", "region", "variant",
    "host", "status", "currency", "error_type", "response_id", "service", "run_id",
)  # fmt: skip
_NUMBERS = ("start_ns", "end_ns", "port", "first_chunk_s", "attempts", "pid")


def optional_nano(amount: Femto | None) -> tuple[int | None, int | None]:
    """The two columns of an amount, both NULL for an unknown one."""
    return (None, None) if amount is None else split_nano(amount)


def optional_femto(nano: int | None, rest: int | None) -> Femto | None:
    """The inverse of `optional_nano`."""
    return None if nano is None or rest is None else join_nano(nano, rest)


def token_counts(usage: Usage) -> dict[str, int]:
    """Tokens by the four columns that are summed."""
    counts = dict.fromkeys(TOKEN_COLUMNS, 0)
    for meter, quantity in usage.items():
        column = _COLUMN_OF_METER.get(meter)
        if column is not None:
            counts[column] = min(counts[column] + int(quantity), _MOST_TOKENS)
    return counts


def price_columns(row: LedgerRow) -> dict[str, object]:
    """The columns that change when a call is priced again."""
    cost, listed, saved = optional_nano(row.amount), optional_nano(row.list_amount), split_nano(row.savings)
    return {
        "status": row.status,
        "cost_nano": cost[0],
        "cost_femto_rest": cost[1],
        "list_nano": listed[0],
        "list_femto_rest": listed[1],
        "savings_nano": saved[0],
        "savings_femto_rest": saved[1],
        "price_version": row.version,
        "components": _json({part: str(amount) for part, amount in row.components.items()}),
        "items": items_text(row.priced_lines),
        "reasons": _json(row.reasons),
    }


def to_columns(row: LedgerRow) -> dict[str, object]:
    """Every column of a call by name."""
    return {
        "call_key": row.key,
        **{name: getattr(row, name) for name in _TEXTS},
        **{name: getattr(row, name) for name in _NUMBERS},
        **{name: getattr(row.tags, name) for name in TAG_FIELDS},
        **token_counts(row.usage),
        **price_columns(row),
        "reported": "" if row.reported is None else str(row.reported),
        "usage": usage_text(row.usage),
        "lines": lines_text(row.lines),
        "notes": _json(row.notes),
        "tags": _json(dict(row.tags.own)),
        "finish_reasons": _json(row.finish_reasons),
    }


def from_columns(found: sqlite3.Row) -> LedgerRow:
    """The row of a record of `SELECT_CALLS`."""
    texts: dict[str, Any] = {name: found[name] for name in _TEXTS if name != "model"}
    numbers: dict[str, Any] = {name: found[name] for name in _NUMBERS}
    tags: dict[str, Any] = {name: found[name] for name in TAG_FIELDS}
    return LedgerRow(
        key=found["call_key"],
        **texts,
        **numbers,
        tags=Tags(**tags, own=_parsed(found["tags"], {})),
        usage=usage_of(_parsed(found["usage"], {})),
        lines=lines_of(_parsed(found["lines"], [])),
        amount=optional_femto(found["cost_nano"], found["cost_femto_rest"]),
        list_amount=optional_femto(found["list_nano"], found["list_femto_rest"]),
        savings=join_nano(found["savings_nano"], found["savings_femto_rest"]),
        components={part: int(amount) for part, amount in _parsed(found["components"], {}).items()},
        priced_lines=items_of(_parsed(found["items"], [])),
        reported=Decimal(found["reported"]) if found["reported"] else None,
        version=found["price_version"],
        reasons=tuple(_parsed(found["reasons"], [])),
        notes=tuple(_parsed(found["notes"], [])),
        finish_reasons=tuple(_parsed(found["finish_reasons"], [])),
        first_amount=optional_femto(found["first_nano"], found["first_rest"]),
        first_version=found["first_version"] or "",
    )


SELECT_CALLS = (
    "SELECT calls.*, first.old_nano AS first_nano, first.old_femto_rest AS first_rest, "
    "first.old_version AS first_version FROM calls LEFT JOIN repricings AS first ON first.rowid = "
    "(SELECT min(rowid) FROM repricings WHERE call_key = calls.call_key)"
)


def _json(value: object) -> str:
    return json_text(value) if value else ""


def _parsed(stored: str, empty: Any) -> Any:
    return json.loads(stored) if stored else empty

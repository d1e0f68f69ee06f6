"""Rows as the journal holds them: one line of ASCII JSON, written fast by hand, read by the standard parser.

Most of a row repeats from call to call, so that part is rendered once for each set of terms. Keys that a
reader does not know are ignored, so a field may be added without a new version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any

from ..call import TAG_FIELDS, Call, Line, Priced, PricedLine, Tags
from .limits import keep_within_limit

if TYPE_CHECKING:
    from .row import LedgerRow

VERSION = 1
_KEPT_TERMS = 512
_LARGEST_INTEGER = 2**63 - 1


json_text = json.JSONEncoder(separators=(",", ":"), default=str).encode
"""A value as JSON without spaces; one encoder, because `json.dumps` with options makes one each time."""


class RowEncoder:
    """Encodes calls of one service (and one run of `otel-llmcost run`, "" otherwise)."""

    def __init__(self, service: str = "", run_id: str = "") -> None:
        self._constant = f',"service":{_quoted(service)},"run":{_quoted(run_id)}}}'
        self._rendered: dict[tuple[object, ...], str] = {}
        self._templates: dict[tuple[str, ...], str] = {}

    def encode(self, call: Call, priced: Priced) -> bytes:
        """The row of a priced call. Raises `TypeError` or `UnicodeError` for values of wrong types."""
        tags = call.tags
        terms = (
            call.provider, call.operation, call.request_model, call.response_model, call.tier, call.speed,
            call.region, call.variant, call.host, call.port, call.finish_reasons, priced.status,
            priced.version,
            tags.source, tags.stage, tags.team, tags.feature, tags.session, tags.user,
        )  # fmt: skip
        rendered = self._rendered.get(terms) or self._render(terms)
        usage, cost = self._numbers(call.usage), self._numbers(priced.components)
        amount = "null" if priced.amount is None else priced.amount
        first = "" if call.first_chunk_s is None else f',"first":{call.first_chunk_s!r}'
        rare = "" if _is_plain(call, priced) else _rare(call, priced)
        return (
            f'{{"v":1,"key":{_quoted(call.key)},"start":{call.start_ns},"end":{call.end_ns}'
            f',"usage":{{{usage}}},"amount":{amount},"cost":{{{cost}}},"savings":{priced.savings}'
            f',"response":{_quoted(call.response_id)}{first}{rare}{rendered}'
        ).encode("ascii")

    def _numbers(self, numbers: Mapping[str, int | Decimal]) -> str:
        """The inside of a JSON object of numbers; one template for each set of names."""
        names = tuple(numbers)
        template = self._templates.get(names)
        if template is None:
            if len(self._templates) >= _KEPT_TERMS:
                self._templates.clear()
            template = ",".join([_quoted(name).replace("%", "%%") + ":%s" for name in names])
            self._templates[names] = template
        return template % tuple(numbers.values())

    def _render(self, terms: tuple[object, ...]) -> str:
        if len(self._rendered) >= _KEPT_TERMS:
            self._rendered.clear()
        named = {name: value for name, value in zip(_TERMS, terms, strict=True) if value or name == "status"}
        rendered = "," + json_text(named)[1:-1] + self._constant
        self._rendered[terms] = rendered
        return rendered


_TERMS = (
    "provider", "operation", "request_model", "response_model", "tier", "speed",
    "region", "variant", "host", "port", "finish", "status", "version",
    "source", "stage", "team", "feature", "session", "user",
)  # fmt: skip


def encode(call: Call, priced: Priced, resource_service: str = "") -> bytes:
    """The row of one priced call; for many calls keep a `RowEncoder`."""
    return RowEncoder(resource_service).encode(call, priced)


def _is_plain(call: Call, priced: Priced) -> bool:
    return not (
        priced.reasons
        or call.notes
        or call.lines
        or call.error_type
        or call.tags.conversation
        or call.tags.own
        or call.attempts != 1
        or call.reported is not None
        or priced.list_amount is not None
    )


def _rare(call: Call, priced: Priced) -> str:
    """The fields that most calls have not, as the inside of a JSON object with a leading comma."""
    fields: dict[str, object] = {
        "reasons": priced.reasons,
        "notes": call.notes,
        "lines": [_line(line) for line in call.lines],
        "items": [_item(item) for item in priced.lines] if call.lines else [],
        "error": call.error_type,
        "conversation": call.tags.conversation,
        "tags": {str(key): str(value) for key, value in call.tags.own.items()},
        "reported": None if call.reported is None else str(call.reported),
    }
    kept = {name: value for name, value in fields.items() if value}
    if call.attempts != 1:
        kept["attempts"] = call.attempts
    if priced.list_amount is not None:
        kept["list"] = priced.list_amount
    return "," + json_text(kept)[1:-1] if kept else ""


def _line(line: Line) -> list[object]:
    usage = {meter: _number(quantity) for meter, quantity in line.usage.items()}
    return [line.provider, line.model, usage, line.tier, line.speed, line.region, line.variant]


def _item(item: PricedLine) -> list[object]:
    return [item.provider, item.model, item.tier, item.meter, _number(item.quantity), item.amount]


def _number(quantity: int | Decimal) -> int | str:
    return quantity if isinstance(quantity, int) else str(quantity)


def _quantity(stored: Any) -> int | Decimal:
    return stored if isinstance(stored, int) else Decimal(stored)


def usage_text(usage: Mapping[str, int | Decimal]) -> str:
    """Usage as the database holds it: JSON, whole numbers as numbers, others as decimal strings."""
    return json_text({meter: _number(quantity) for meter, quantity in usage.items()})


def usage_of(stored: Mapping[str, Any]) -> dict[str, int | Decimal]:
    """The inverse of `usage_text`, from the parsed JSON."""
    return {meter: _quantity(quantity) for meter, quantity in stored.items()}


def lines_text(lines: tuple[Line, ...]) -> str:
    """The lines of a call as JSON, "" for none."""
    return json_text([_line(line) for line in lines]) if lines else ""


def lines_of(stored: list[Any]) -> tuple[Line, ...]:
    """The inverse of `lines_text`, from the parsed JSON."""
    return tuple(Line(line[0], line[1], usage_of(line[2]), *line[3:]) for line in stored)


def items_text(items: tuple[PricedLine, ...]) -> str:
    """The priced lines of a call as JSON, "" for none."""
    return json_text([_item(item) for item in items]) if items else ""


def items_of(stored: list[Any]) -> tuple[PricedLine, ...]:
    """The inverse of `items_text`, from the parsed JSON."""
    return tuple(
        PricedLine(provider, model, tier, meter, _quantity(quantity), amount)
        for provider, model, tier, meter, quantity, amount in stored
    )


def decode(record: bytes, *, pid: int = 0) -> LedgerRow | None:
    """The row of a record, None for one that a newer release wrote in another way. Raises `ValueError`.

    `pid` is the process that wrote it (the journal's file names say it).
    """
    try:
        found = json.loads(record, parse_float=Decimal)
        if found["v"] != VERSION:
            return None
        return keep_within_limit(_row(found, pid))
    except (KeyError, TypeError, IndexError, ArithmeticError, AttributeError) as failure:
        raise ValueError(f"a journal record is not a ledger row: {failure!r}") from failure


def _row(found: dict[str, Any], pid: int) -> LedgerRow:
    from .row import LedgerRow  # a program that only writes never makes one

    first, reported = found.get("first"), found.get("reported")
    texts: dict[str, Any] = {name: _text(found.get(name, "")) for name in _TERMS[:9]}
    return LedgerRow(
        key=_text(found["key"]),
        start_ns=max(_integer(found["start"]), 0),
        end_ns=_integer(found["end"]),
        usage=usage_of(found["usage"]),
        amount=found["amount"],
        components=found["cost"],
        savings=found["savings"],
        status=found["status"],
        version=found.get("version", ""),
        response_id=_text(found.get("response", "")),
        first_chunk_s=None if first is None else float(first),
        reasons=tuple(map(_text, found.get("reasons", ()))),
        notes=tuple(map(_text, found.get("notes", ()))),
        lines=lines_of(found.get("lines", [])),
        priced_lines=items_of(found.get("items", [])),
        error_type=_text(found.get("error", "")),
        reported=None if reported is None else Decimal(reported),
        attempts=_integer(found.get("attempts", 1)),
        list_amount=found.get("list"),
        port=_integer(found.get("port", 0)),
        finish_reasons=tuple(map(_text, found.get("finish", ()))),
        tags=_tags(found),
        service=_text(found.get("service", "")),
        run_id=_text(found.get("run", "")),
        pid=pid,
        **texts,
    )


def _tags(found: dict[str, Any]) -> Tags:
    own = {_text(key): _text(value) for key, value in found.get("tags", {}).items()}
    return Tags(**{name: _text(found.get(name, "")) for name in TAG_FIELDS}, own=own)


def _text(stored: str) -> str:
    """Text that a database takes: half a surrogate pair has no UTF-8."""
    return stored if stored.isascii() else stored.encode("utf-8", "replace").decode("utf-8")


def _integer(stored: Any) -> int:
    return max(-_LARGEST_INTEGER, min(int(stored), _LARGEST_INTEGER))

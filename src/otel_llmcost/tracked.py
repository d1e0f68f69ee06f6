"""What a tracker keeps of a call, and how such a call is told: as span, in counters and in the ledger."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from decimal import Decimal

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from . import semconv, spans
from .attribution import Rollup, rollups
from .attribution.totals import Totals
from .call import PARTIAL, Call, Priced, Tags, random_key, span_key
from .money import as_decimal
from .services import Services
from .version import __version__

_DAY_NS = 86_400 * 10**9
_log = logging.getLogger("otel_llmcost")


@dataclass(slots=True)
class Tracked:
    """One call that a tracker took, with its price."""

    call: Call
    priced: Priced
    counted: bool = True
    """False where the same response had been counted already, by a watched call."""

    @property
    def usd(self) -> Decimal | None:
        """The exact cost in USD; None where it is not known or only a part of it is (`priced` says which and why)."""
        amount = self.priced.amount
        return None if amount is None or self.priced.status == PARTIAL else as_decimal(amount)

    @property
    def model(self) -> str:
        """The model that answered, else the one that was asked for."""
        return self.call.response_model or self.call.request_model


@dataclass(slots=True)
class ModelTotals(Totals):
    """What one model's calls came to. `usd` is None where no call was priced, a lower bound where some were
    not."""

    provider: str
    model: str
    rollup: Rollup = field(default_factory=Rollup)


def tell(call: Call, asked_tags: Tags, parts: Services, parent: Context | None) -> Tracked:
    """Settles a call that a program handed over, on a span of its own inside `parent`; once for each response.

    `asked_tags` are the tags that budgets look at: those from inside the program.
    """
    settler = parts.settler
    if settler is None or (call.response_id and settler.answered(call.response_id)):
        tracked = Tracked(call, parts.book.price(call), counted=settler is None)
        if settler is None:
            for scope in rollups():
                scope.add(call, tracked.priced)
        return tracked
    parts.begin()
    _say_if_too_old(call, parts)
    around = trace.get_current_span(parent)
    span = _start_span(call, parent)
    settler.started(span, around)
    call.key = _key(span, around)
    priced = settler.settle_call(call, span, rollups(), asked_tags)
    told = priced or parts.book.price(call)
    span.set_attributes({**spans.project(call), **settler.cost_attributes(told)})
    if call.error_type:
        span.set_status(Status(StatusCode.ERROR))
    span.end(end_time=call.end_ns)
    return Tracked(call, told, counted=priced is not None)


def _say_if_too_old(call: Call, parts: Services) -> None:
    """Says once that the ledger will not keep calls of long ago, which some programs enter afterwards."""
    days = parts.retention_days
    if days <= 0 or parts.told_of_retention or call.start_ns >= time.time_ns() - days * _DAY_NS:
        return
    parts.told_of_retention = True
    _log.warning(
        "otel-llmcost: a call of %s was recorded, but the ledger keeps calls for %d days: it is priced and counted, and "
        "forgotten when the ledger is next tidied; remedy: OTEL_LLMCOST_RETENTION_DAYS=0 keeps all, for ever",
        time.strftime("%Y-%m-%d", time.gmtime(call.start_ns // 10**9)),
        days,
    )


def _start_span(call: Call, parent: Context | None) -> Span:
    tracer = trace.get_tracer(semconv.SCOPE, __version__, schema_url=semconv.SCHEMA_URL)
    return tracer.start_span(
        f"{call.operation} {call.request_model or call.response_model}".strip(),
        context=parent,
        kind=SpanKind.CLIENT,
        start_time=call.start_ns,
    )


def _key(span: Span, around: Span) -> str:
    ids = span.get_span_context()
    if ids.is_valid and ids.span_id != around.get_span_context().span_id:
        return span_key(ids.trace_id, ids.span_id)
    # Without a provider a span has its parent's ids, or none: no key of this call.
    return random_key()

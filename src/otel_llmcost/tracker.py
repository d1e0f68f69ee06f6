"""`CostTracker`: prices responses and calls that a program hands over, and tells them like watched calls."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Unpack

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from . import semconv, spans
from .attribution import Rollup, for_request, over, rollups, tags_of, with_inbound
from .attribution.locks import ForkSafeLock
from .call import NO_USAGE_NOTE, NOTED, Call, Priced, Reading, note
from .costs import Details, call_of, provider_name, usage_of
from .errors import UsageError
from .money import as_decimal
from .services import Services, services
from .version import __version__

_KEPT = 10_000

Cost = Decimal | int | float | str
"""USD. A float counts as the decimal number that it prints."""
PriceResolver = Callable[[Call], Cost | None]
"""Answers a call's cost in USD, or None to let the price book decide."""

_OPERATIONS = {
    "embedding": semconv.EMBEDDINGS,
    "image": semconv.IMAGE_GENERATION,
    "speech": semconv.SPEECH,
    "transcription": semconv.TRANSCRIPTION,
    "translation": semconv.TRANSCRIPTION,
    "rerank": semconv.RERANK,
    "ocr": semconv.OCR,
    "generate_content": semconv.GENERATE_CONTENT,
}


@dataclass(slots=True)
class Tracked:
    """One call that a tracker took, with its price."""

    call: Call
    priced: Priced
    counted: bool = True
    """False where the same response had been counted already, by a watched call."""

    @property
    def usd(self) -> Decimal | None:
        """The exact cost in USD, None where it is not known (`priced.reasons` says why)."""
        return None if self.priced.amount is None else as_decimal(self.priced.amount)

    @property
    def model(self) -> str:
        """The model that answered, else the one that was asked for."""
        return self.call.response_model or self.call.request_model


@dataclass(slots=True)
class ModelTotals:
    """What one model's calls came to. `usd` is None where no call was priced, a lower bound where some were
    not."""

    provider: str
    model: str
    rollup: Rollup = field(default_factory=Rollup)

    @property
    def calls(self) -> int:
        """Calls, priced or not."""
        return self.rollup.calls

    @property
    def unpriced_calls(self) -> int:
        """Calls without a price."""
        return max(self.rollup.calls - self.rollup.priced_calls, 0)

    @property
    def input_tokens(self) -> int:
        """Prompt tokens, cached ones included."""
        return self.rollup.input_tokens

    @property
    def output_tokens(self) -> int:
        """Generated tokens, reasoning included."""
        return self.rollup.output_tokens

    @property
    def usd(self) -> Decimal | None:
        """USD, exactly."""
        return as_decimal(self.rollup.amount) if self.rollup.priced_calls else None


class CostTracker:
    """Keeps what it was handed: the newest calls, and totals of all. Thread-safe.

    Each call also becomes a priced span, counts in the counters, the ledger and the session around it, as a
    watched call does; a response that a watched call had is priced here and counted there, once.
    """

    def __init__(self, parts: Services | None = None, *, kept: int = _KEPT) -> None:
        self._parts = parts
        self._lock = ForkSafeLock()
        self._calls: deque[Tracked] = deque(maxlen=kept)
        self._totals: dict[tuple[str, str], ModelTotals] = {}
        self.total = Rollup()

    def update(
        self,
        *,
        provider: str,
        response: object,
        model: str = "",
        api: str = "",
        request: Mapping[str, object] | None = None,
        price_resolver: PriceResolver | None = None,
        context: Mapping[str, object] | Context | None = None,
        latency_s: float = 0.0,
    ) -> Tracked:
        """Takes a provider's response: an SDK object or its JSON as a dictionary.

        `model` is the one that was asked for (the response's own goes first), `api` the way it was called
        ("responses", "images.generate", "audio.speech"...) where the response does not tell, `request` the
        request's JSON (speech and images of old models are priced by it). `context`: tags
        (`{"session": ..., "team": ...}`) or an OpenTelemetry context, the span's parent. Never raises for a
        response that nobody can read: such a call is unpriced, with the reason.
        """
        from .usage import read_body

        operation = _operation(api)
        reading = read_body(
            provider_name(provider),
            response,
            api=api if operation == semconv.CHAT else operation,
            request={"model": model, **(request or {})},
        )
        end_ns = time.time_ns()
        call = _call_of_reading(reading, provider_name(provider), model, operation)
        call.start_ns, call.end_ns = end_ns - round(latency_s * 1e9), end_ns
        return self._take(call, context, price_resolver)

    def record(
        self,
        provider: str,
        model: str,
        input_tokens: int = 0,
        output_tokens: int = 0,
        *,
        latency_s: float = 0.0,
        cost: Cost | None = None,
        operation: str = semconv.CHAT,
        error_type: str = "",
        context: Mapping[str, object] | Context | None = None,
        **details: Unpack[Details],
    ) -> Tracked:
        """Takes a call by hand. `cost` in USD where it is known, else the price book decides.

        Raises `UsageError` for numbers that cannot be true (cached tokens above input tokens).
        """
        usage = usage_of(input_tokens, output_tokens, **details)
        call = call_of(provider, model, usage, details)
        call.operation, call.error_type = operation, error_type
        if "at" in details:
            call.end_ns = call.start_ns + round(latency_s * 1e9)
        else:
            call.start_ns -= round(latency_s * 1e9)
        if not usage and cost is None:
            call.notes = (note(NO_USAGE_NOTE, "recorded by hand without tokens or cost"),)
        resolver = (lambda _: cost) if cost is not None else None
        return self._take(call, context, resolver)

    def summary(self) -> dict[tuple[str, str], ModelTotals]:
        """(provider, model) -> totals of all calls since the start or the last `reset`."""
        with self._lock:
            return dict(self._totals)

    @property
    def calls(self) -> list[Tracked]:
        """The newest calls, oldest first."""
        with self._lock:
            return list(self._calls)

    @property
    def usd(self) -> Decimal | None:
        """What all calls cost in USD, exactly; None where none was priced, a lower bound where some were
        not."""
        return as_decimal(self.total.amount) if self.total.priced_calls else None

    def __iter__(self) -> Iterator[Tracked]:
        return iter(self.calls)

    def reset(self) -> None:
        """Forgets calls and totals; what was told to counters and ledger stays there."""
        with self._lock:
            self._calls.clear()
            self._totals = {}
            self.total = Rollup()

    def _take(
        self, call: Call, context: Mapping[str, object] | Context | None, resolver: PriceResolver | None
    ) -> Tracked:
        parent = context if isinstance(context, Context) else None
        tags = for_request(call.provider, "", call.request_model, {})
        if context and parent is None:
            tags = over(tags, tags_of(**{str(key): value for key, value in context.items()}))
        call.tags = with_inbound(tags, parent)
        cost = resolver(call) if resolver is not None else None
        if cost is not None:
            call.reported = _amount(cost)
            call.notes = (*call.notes, note(NOTED, "the program gave the cost"))
        tracked = _tell(call, self._parts or services(), parent)
        key = (call.provider, tracked.model)
        with self._lock:
            self._calls.append(tracked)
            totals = self._totals.setdefault(key, ModelTotals(*key))
        totals.rollup.add(call, tracked.priced)
        self.total.add(call, tracked.priced)
        return tracked


def _amount(cost: Cost) -> Decimal:
    try:
        amount = Decimal(str(cost))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"cost {cost!r} is no amount in USD; allowed: 0 or more, as Decimal, int or text")
    return amount


def _operation(api: str) -> str:
    return next((name for part, name in _OPERATIONS.items() if part in api.lower()), semconv.CHAT)


def _call_of_reading(reading: Reading, provider: str, model: str, operation: str) -> Call:
    return Call(
        provider=provider,
        operation=operation,
        request_model=model,
        response_model=reading.model,
        usage=reading.usage,
        tier=reading.tier,
        speed=reading.speed,
        region=reading.region,
        variant=reading.variant,
        lines=reading.lines,
        response_id=reading.response_id,
        finish_reasons=reading.finish_reasons,
        reported=reading.reported,
        notes=reading.notes,
    )


def _tell(call: Call, parts: Services, parent: Context | None) -> Tracked:
    settler = parts.settler
    if settler is None or (call.response_id and settler.answered(call.response_id)):
        tracked = Tracked(call, parts.book.price(call), counted=settler is None)
        if settler is None:
            for scope in rollups():
                scope.add(call, tracked.priced)
        return tracked
    around = trace.get_current_span(parent)
    span = _start_span(call, parent)
    settler.started(span, around)
    call.key = _key(span, around)
    priced = settler.settle_call(call, span, rollups())
    told = priced or parts.book.price(call)
    span.set_attributes({**spans.project(call), **settler.cost_attributes(told)})
    if call.error_type:
        span.set_status(Status(StatusCode.ERROR))
    span.end(end_time=call.end_ns)
    return Tracked(call, told, counted=priced is not None)


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
        return f"otel:{ids.trace_id:032x}:{ids.span_id:016x}"
    # Without a provider a span has its parent's ids, or none: no key of this call.
    return f"otel:{random.getrandbits(128):032x}:{random.getrandbits(64):016x}"

"""`CostTracker`: prices responses and calls that a program hands over, and tells them like watched calls."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Unpack

from opentelemetry.context import Context

from . import arguments, semconv
from .attribution import Rollup, for_request, over, tags_of, with_inbound
from .call import GIVEN_NOTE, NO_USAGE_NOTE, Call, Reading, note
from .costs import Details, call_of, provider_name, usage_of
from .errors import UsageError
from .money import as_decimal
from .services import Services, services
from .tracked import ModelTotals, Tracked, tell
from .watch.guard import guarded

__all__ = ["CostTracker", "ModelTotals", "Tracked"]

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


class CostTracker:
    """Keeps what it was handed: the newest calls, and totals of all. Thread-safe.

    Each call also becomes a priced span, counts in the counters, the ledger and the session around it, as a
    watched call does; a response that a watched call had is priced here and counted there, once.
    """

    def __init__(self, parts: Services | None = None, *, kept: int = _KEPT) -> None:
        self._parts = parts
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
        response that nobody can read, nor for what a registered reader or `price_resolver` raises or answers: such a
        call is unpriced, with the reason, or priced by the book. Raises `UsageError` for arguments that are none.
        """
        from .usage import read_body

        operation = _operation(arguments.text("api", api, "responses"))
        named, called = provider_name(provider), api if operation == semconv.CHAT else operation
        asked = {
            "model": arguments.text("model", model, "gpt-5"),
            **arguments.table("request", request or {}, '{"size": "1024x1024"}'),
        }
        reading = guarded(lambda: read_body(named, response, api=called, request=asked))
        if reading is None:
            reading = Reading(notes=(note(NO_USAGE_NOTE, "the registered reader failed; the log says why"),))
        duration_ns, end_ns = round(arguments.seconds("latency_s", latency_s) * 1e9), time.time_ns()
        call = _call_of_reading(reading, named, model, operation)
        call.start_ns, call.end_ns = end_ns - duration_ns, end_ns
        return self._take(call, context, _checked(price_resolver) if price_resolver is not None else None)

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

        Raises `UsageError` for numbers that cannot be true (cached tokens above input tokens) and arguments that are
        none.
        """
        usage = usage_of(input_tokens, output_tokens, **details)
        call = call_of(provider, model, usage, details)
        call.operation = arguments.text("operation", operation, semconv.CHAT)
        call.error_type = arguments.text("error_type", error_type, "TimeoutError")
        duration_ns = round(arguments.seconds("latency_s", latency_s) * 1e9)
        if "at" in details:
            call.end_ns = call.start_ns + duration_ns
        else:
            call.start_ns -= duration_ns
        if not usage and cost is None:
            call.notes = (note(NO_USAGE_NOTE, "recorded by hand without tokens or cost"),)
        known = None if cost is None else _amount(cost)
        return self._take(call, context, (lambda _: known) if known is not None else None)

    def summary(self) -> dict[tuple[str, str], ModelTotals]:
        """(provider, model) -> totals of all calls since the start or the last `reset`."""
        return dict(self._totals)

    @property
    def calls(self) -> list[Tracked]:
        """The newest calls, oldest first."""
        return list(self._calls)

    @property
    def usd(self) -> Decimal | None:
        """What is known of the cost in USD, exactly; None where no call was priced (see `is_lower_bound`)."""
        return as_decimal(self.total.amount) if self.total.priced_calls else None

    @property
    def is_lower_bound(self) -> bool:
        """Whether the true cost is above `usd`: calls have no price (yet), or only a part of their price is known."""
        return self.total.is_lower_bound

    def __iter__(self) -> Iterator[Tracked]:
        return iter(self.calls)

    def reset(self) -> None:
        """Forgets calls and totals; what was told to counters and ledger stays there."""
        self._calls.clear()
        self._totals, self.total = {}, Rollup()

    def _take(
        self,
        call: Call,
        context: Mapping[str, object] | Context | None,
        resolver: Callable[[Call], Decimal | None] | None,
    ) -> Tracked:
        if context is not None:
            arguments.table("context", context, '{"team": "search"}, or an OpenTelemetry Context')
        parent = context if isinstance(context, Context) else None
        tags = for_request(call.provider, "", call.request_model, {})
        if context and parent is None:
            tags = over(tags, tags_of(**{str(key): value for key, value in context.items()}))
        call.tags = with_inbound(tags, parent)
        cost = guarded(resolver, call) if resolver is not None else None
        if cost is not None:
            call.reported = cost
            call.notes = (*call.notes, note(GIVEN_NOTE, "the program told the cost"))
        tracked = tell(call, tags, self._parts or services(), parent)
        key = (call.provider, tracked.model)
        self._calls.append(tracked)
        self._totals.setdefault(key, ModelTotals(*key)).rollup.add(call, tracked.priced)
        self.total.add(call, tracked.priced)
        return tracked


def _checked(resolver: PriceResolver) -> Callable[[Call], Decimal | None]:
    """The user's own function, under a name for the log; what it answers is an amount or a `UsageError`."""

    def price_resolver(call: Call) -> Decimal | None:
        cost = resolver(call)
        return None if cost is None else _amount(cost)

    price_resolver.__qualname__ = price_resolver.__name__
    return price_resolver


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

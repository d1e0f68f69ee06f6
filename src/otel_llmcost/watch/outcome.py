"""From the replies of a watched call to a `Call`: readings, what is missing, what an aborted stream was billed."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import attribution, semconv
from ..call import (
    ESTIMATED_NOTE,
    INCOMPLETE_NOTE,
    NO_USAGE_NOTE,
    NOT_BILLED_NOTE,
    NOTED,
    Call,
    Line,
    Reading,
    code_of,
    note,
    random_key,
    response_key,
    span_key,
)
from ..usage import terms
from ..usage.failures import told_failure
from ..usage.quantities import money, total_of
from .guard import guarded, repeatable
from .injection import usage_remedy
from .sending import never_sent
from .unfinished import estimate

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from .exchange import Exchange
    from .observation import Observation

_NOT_BILLED_FROM, _NOT_BILLED_TO = 400, 599
_RETRY_HEADER = "x-stainless-retry-count"
_COST_HEADER = "x-litellm-response-cost"
"""USD, decimal text: docs.litellm.ai/docs/proxy/response_headers, checked 2026-11-23."""


@repeatable
def call_of(observation: Observation) -> Call:
    """What was bought, as far as the replies say."""
    readings = [guarded(_reading, observation, exchange) or _failed() for exchange in observation.exchanges]
    reading = readings[-1] if readings else Reading()
    client, error = observation.client, _error_of(observation)
    failed = error_type(observation) if error is not None or observation.native else ""
    # positional, because keywords and defaults cost microseconds here
    call = Call(
        _key(observation, reading),
        client.provider,
        observation.route.operation,
        observation.model,
        reading.model,
        observation.start_ns,
        _end_ns(observation),
        reading.usage,
        reading.tier,
        reading.speed,
        reading.region or client.region,
        reading.variant,
        reading.lines,
        client.host,
        client.port,
        reading.response_id,
        reading.finish_reasons,
        failed or reading.failure,
        _first_chunk(observation),
        observation.attempts if error is None else max(observation.attempts, _failed_at(error)),
        reading.reported,
        (*observation.notes, *reading.notes),
        attribution.for_answer(observation.tags, reading, chained=observation.route.api == "responses"),
        observation.request,
    )
    if len(readings) > 1:
        _join_hops(call, readings)
    if call.attempts > 1 or failed:
        _explain_failure(observation, call, raised=failed != "")
    return call


def _key(observation: Observation, reading: Reading) -> str:
    """The call's key: that of its span, unless its response may be seen again and is not paid later."""
    if observation.body.get("background") is True and reading.usage and reading.response_id:
        return response_key(observation.client.host, reading.response_id)
    return _key_of_span(observation.span)


def _key_of_span(span: Span | None) -> str:
    """The key of a call's span where it has one, else of random ids."""
    if span is not None:
        ids = span.get_span_context()
        if ids.is_valid:
            return span_key(ids.trace_id, ids.span_id)
    return random_key()


def _end_ns(observation: Observation) -> int:
    """Now, or for a stream the moment of its last event: an abandoned one may be found much later."""
    for exchange in reversed(observation.exchanges):
        if exchange.collector.last_ns:
            return max(exchange.collector.last_ns, exchange.heard[0])
    return time.time_ns()


def call_without_reading(observation: Observation) -> Call:
    """The call as its request tells it, where reading it failed: visible, with the reason."""
    call = Call(random_key(), observation.client.provider)
    call.operation, call.request_model = observation.route.operation, observation.model
    call.start_ns, call.end_ns = observation.start_ns, time.time_ns()
    call.tags, call.request = observation.tags, observation.request
    call.notes = _failed().notes
    return call


def _failed() -> Reading:
    return Reading(notes=(f"{INCOMPLETE_NOTE}: reading the answer failed; the log says why",))


def _reading(observation: Observation, exchange: Exchange) -> Reading:
    route, body = observation.route, exchange.body()
    known = body.__class__ is dict or isinstance(body, Mapping)
    reading = route.read(body if known else {}, observation.body)
    if known:
        reading.failure = told_failure(body)
    if not body and exchange.unparsed and not exchange.read and not exchange.stream:
        reading.notes = (note(NO_USAGE_NOTE, "the program left without reading the answer"),)
    if exchange.stream:
        if observation.body.get("background") is not True:  # else it goes on, whatever becomes of its stream
            reading.failure = reading.failure or exchange.cut_short()
            failed = reading.failure != "" or _broke(observation)
            remedy = usage_remedy(observation.body, route.api, observation.client.provider)
            estimate(exchange, observation.body, reading, failed=failed, remedy=remedy)
    elif reading.reported is None and not observation.client.first_party:
        _add_gateways_figure(exchange, reading)
    if reading.usage and not reading.tier and reading.reported is None:
        _doubt_tier(observation.body.get("service_tier"), reading)
    if route.unpriced:
        reading.notes = (*reading.notes, note(NO_USAGE_NOTE, route.unpriced))
    return reading


def _doubt_tier(asked: Any, reading: Reading) -> None:
    """Another tier than the standard one was asked for, and the answer does not say which one served it."""
    if asked is not None and terms.tier(asked) not in ("", terms.STANDARD):
        text = f"the tier {asked!r} was asked for, and the answer does not say which one served it"
        reading.notes = (*reading.notes, note(ESTIMATED_NOTE, text))


def _add_gateways_figure(exchange: Exchange, reading: Reading) -> None:
    """LiteLLM's proxy tells the cost of whole answers; of a stream it cannot, its headers leave first."""
    told = exchange.headers.get(_COST_HEADER)
    if told is not None:
        notes: list[str] = []
        reading.reported = money(told, _COST_HEADER, notes)
        reading.notes = (*reading.notes, *notes)


def _broke(observation: Observation) -> bool:
    """Whether a stream failed by itself: a program that cancels has left it."""
    error = observation.error
    return isinstance(error, Exception) if error is not None else error_type(observation) != ""


def _join_hops(call: Call, readings: list[Reading]) -> None:
    """A middleware fell back from one model to another: each hop is billed, each is a line."""
    lines: list[Line] = []
    notes: list[str] = []
    for reading in readings:
        lines.extend(reading.lines or _line(call, reading))
        if reading is not readings[-1] and reading.usage:
            notes.extend(reading.notes)
    call.lines = tuple(lines)
    call.usage = total_of(call.lines)
    call.notes = (*call.notes, *notes)


def _line(call: Call, reading: Reading) -> tuple[Line, ...]:
    if not reading.usage:
        return ()
    return (
        Line(
            call.provider,
            reading.model or call.request_model,
            reading.usage,
            reading.tier,
            reading.speed,
            reading.region or call.region,
        ),
    )


def _first_chunk(observation: Observation) -> float | None:
    exchange = observation.exchanges[-1] if observation.exchanges else None
    if exchange is None or not exchange.stream or not exchange.collector.first_ns:
        return None
    return max(exchange.collector.first_ns - observation.start_ns, 0) / 1e9


def error_type(observation: Observation) -> str:
    """`error.type`: what the SDK's own span says (a closed stream is no failure), or the exception's class."""
    attributes = getattr(observation.span, "attributes", None) if observation.native else None
    said = attributes.get(semconv.ERROR_TYPE) if attributes else None
    if isinstance(said, str):
        return said
    return type(observation.error).__qualname__ if observation.error is not None else ""


def _error_of(observation: Observation) -> BaseException | None:
    # an SDK's own span ends, and with it the call, while its error is on its way up
    return observation.error or (sys.exc_info()[1] if observation.native else None)


def _failed_at(error: BaseException) -> int:
    """At which attempt a call failed, by what its last request says about itself."""
    # the SDK's own errors hold it; httpx' property of that name raises where there is none
    headers = getattr(getattr(error, "__dict__", {}).get("request"), "headers", None)
    told = headers.get(_RETRY_HEADER, "") if isinstance(headers, Mapping) else ""
    return int(told) + 1 if told.isdigit() else 1


def _explain_failure(observation: Observation, call: Call, *, raised: bool) -> None:
    """A refusal by the provider costs nothing; a request whose answer never came may be billed all the same."""
    lost = observation.lost
    if call.attempts > 1:
        ended = "answered" if observation.exchanges else "failed"
        text = f"{ended} at attempt {call.attempts}"
        if lost:
            text += f"; no answer came to {len(lost)} before it ({', '.join(lost)}): the provider may bill that, too"
        call.notes = (*call.notes, note(INCOMPLETE_NOTE if lost else NOTED, text))
    if not raised or call.usage:
        return
    status = observation.status_code or _status_in_span(observation)
    if lost:
        call.notes = _without_no_usage(call)
    elif _NOT_BILLED_FROM <= status <= _NOT_BILLED_TO:
        call.notes = (*_without_no_usage(call), note(NOT_BILLED_NOTE, f"HTTP {status}"))
    elif not observation.departed or never_sent(_error_of(observation)):
        call.notes = (*_without_no_usage(call), note(NOT_BILLED_NOTE, f"{call.error_type}: nothing was sent"))
    elif not any(code_of(text) == NOT_BILLED_NOTE for text in call.notes):
        text = f"{call.error_type}: no answer was read; the provider may bill it all the same"
        call.notes = (*_without_no_usage(call), note(INCOMPLETE_NOTE, text))


def _without_no_usage(call: Call) -> tuple[str, ...]:
    return tuple(text for text in call.notes if code_of(text) != NO_USAGE_NOTE)


def _status_in_span(observation: Observation) -> int:
    attributes = getattr(observation.span, "attributes", None) if observation.native else None
    status = attributes.get("http.response.status_code") if attributes else None
    return status if isinstance(status, int) else 0

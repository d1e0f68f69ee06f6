"""The calls that are not simply exact: noted, reported, of several models, partly or not at all priced."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from .. import semconv
from ..call import (
    COMMITTED,
    COMMITTED_NOTE,
    DELEGATED,
    DELEGATED_NOTE,
    ESTIMATED,
    ESTIMATED_NOTE,
    EXACT,
    GIVEN_NOTE,
    INCOMPLETE_NOTE,
    NO_USAGE_NOTE,
    NOT_BILLED_NOTE,
    PARTIAL,
    PENDING,
    PENDING_NOTE,
    REPORTED,
    SUMMED_NOTE,
    UNPRICED,
    Call,
    Line,
    Priced,
    code_of,
    note,
)
from ..meters import Usage
from ..money import femto
from .hosts import taken_apart
from .providers import provider_name
from .sums import Sum, add_usage, is_quantity, shared_out
from .terms import TIER_SPELLINGS, Segment, Terms, Wanted

TermsKey = tuple[str, str, str, str, str, str, str, str]
"""(provider, response model, request model, tier, speed, region, variant, host) of a call."""
_UNCOUNTED = ((DELEGATED_NOTE, DELEGATED), (PENDING_NOTE, PENDING), (COMMITTED_NOTE, COMMITTED))
_LOCAL = "local"
_HOSTS = "OTEL_LLMCOST_HOSTS"
_LARGEST_REPORT = 10**9
_WHY_NO_USAGE = frozenset({NO_USAGE_NOTE, INCOMPLETE_NOTE})
"""What already says why there is nothing to price."""


class Prices(Protocol):
    """What this module needs of a book."""

    version: str

    def terms_of(self, key: TermsKey) -> Terms:
        """The terms of a key, kept."""


def price_oddly(book: Prices, call: Call, terms: Terms) -> Priced:
    """What any call costs, by the long way: same answers as the short one where both can tell."""
    codes = {code_of(reason) for reason in call.notes}
    for code, status in _UNCOUNTED:
        if code in codes:
            return Priced(status, None, {}, call.notes, book.version)
    at_ns = call.start_ns or time.time_ns()
    segment = terms.billed(at_ns, call.end_ns)
    if terms.committed or (segment.plan is not None and segment.plan.committed):
        reason = note(COMMITTED_NOTE, "provisioned capacity has no price per call")
        return Priced(COMMITTED, None, {}, (*call.notes, reason), book.version)
    if NOT_BILLED_NOTE in codes and call.reported is None:
        return Priced(EXACT, 0, {}, call.notes, book.version)
    total = _sum(book, call, terms, at_ns)
    total.reasons = list(at_port(total.reasons, call.host, call.port))
    if NO_USAGE_NOTE in codes and not _needs_no_count(segment):
        total = Sum(reasons=list(total.reasons), missing=True)
    status = _status(total, codes)
    reasons = (*call.notes, *(reason for reason in total.reasons if reason not in call.notes))
    amount = None if status == UNPRICED else total.amount
    components = total.components if amount is not None else {}
    several = tuple(total.lines) if call.lines else ()
    savings = total.savings if amount is not None else 0
    ours = Priced(status, amount, components, reasons, book.version, several, savings)
    return ours if call.reported is None else _reported(call, ours, total)


def local_reason(model: str, host: str) -> str:
    """Why a model at a host of the user's own has no price: it may as well be a gateway or a stand-in for tests."""
    row = 'a price row with provider = "local"'
    if not host:
        return note(_LOCAL, f"{model} is taken for own hardware, which has no list price; remedy: {row}")
    provider = semconv.ANTHROPIC if "claude" in model.lower() else semconv.OPENAI
    return note(
        _LOCAL,
        f"{model} is taken for own hardware, which has no list price; remedy: "
        f'{_HOSTS}="{_place(host)}={provider}" if that is a gateway or a stand-in, else {row}',
    )


def at_port(reasons: Sequence[str], host: str, port: int) -> tuple[str, ...]:
    """Reasons with the port that was called; terms are kept for a host, whatever its port."""
    if not (host and port):
        return tuple(reasons)
    place = _in_brackets(host)
    return tuple(
        reason.replace(f'{_HOSTS}="{place}=', f'{_HOSTS}="{place}:{port}=')
        if code_of(reason) == _LOCAL
        else reason
        for reason in reasons
    )


def _place(host: str) -> str:
    name, port, _ = taken_apart(host)
    return f"{_in_brackets(name)}:{port}" if port else _in_brackets(name)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _sum(book: Prices, call: Call, terms: Terms, at_ns: int) -> Sum:
    total = Sum()
    if call.lines:
        for line in call.lines:
            _add(total, book, call, line.usage, _line_key(call, line), at_ns)
        return total
    segment = terms.billed(at_ns, call.end_ns)
    if not call.usage and not _needs_no_count(segment):
        total.missing = True
        if not any(code_of(reason) in _WHY_NO_USAGE for reason in call.notes):
            why = f"the call failed ({call.error_type}) before" if call.error_type else "without"
            total.say(note(NO_USAGE_NOTE, f"{why} any usage told"))
        for reason in segment.reasons if segment.plan is None else ():
            total.say(reason)
        return total
    _add(total, book, call, call.usage, _key_of(call), at_ns)
    return total


def _needs_no_count(segment: Segment) -> bool:
    # Billed by the hour, or free whatever it was.
    return segment.plan is not None and (segment.plan.gpu_second is not None or segment.plan.row.free)


def _add(total: Sum, book: Prices, call: Call, usage: Usage, key: TermsKey, at_ns: int) -> None:
    terms = book.terms_of(key)
    for doubt in terms.doubts:
        total.doubtful = True
        total.say(doubt)
    summed = any(code_of(reason) == SUMMED_NOTE for reason in call.notes)
    segment = terms.billed(at_ns, call.end_ns)
    add_usage(total, usage, segment, _wanted(key), at_ns, call.end_ns, summed=summed)


def _status(total: Sum, codes: set[str]) -> str:
    if total.amount is None or (total.missing and not total.components):
        return UNPRICED
    if total.missing or INCOMPLETE_NOTE in codes:
        return PARTIAL
    return ESTIMATED if total.doubtful or ESTIMATED_NOTE in codes else EXACT


def _reported(call: Call, ours: Priced, total: Sum) -> Priced:
    figure = call.reported
    if figure is None or not is_quantity(figure) or figure > _LARGEST_REPORT:
        ours.reasons = (*ours.reasons, note("ambiguous", f"the provider reported {figure}, which is no cost"))
        return ours
    amount = femto(figure)
    given = any(code_of(reason) == GIVEN_NOTE for reason in call.notes)
    if not amount and ours.amount != 0 and not given:
        # A zero from a gateway that does not know the model is not a gift.
        ours.reasons = (
            *ours.reasons,
            note("ambiguous", "the provider reported 0, which no price list confirms"),
        )
        ours.status = ESTIMATED if ours.status == EXACT else ours.status
        return ours
    components = shared_out(amount, total.components)
    reasons = call.notes if given else (*call.notes, note("reported", "the provider's own figure"))
    savings = ours.savings
    return Priced(REPORTED, amount, components, reasons, ours.version, ours.lines, savings, ours.amount)


def _key_of(call: Call) -> TermsKey:
    return (
        call.provider,
        call.response_model,
        call.request_model,
        call.tier,
        call.speed,
        call.region,
        call.variant,
        call.host,
    )


def _line_key(call: Call, line: Line) -> TermsKey:
    same = not line.provider or line.provider == call.provider
    return (
        line.provider or call.provider,
        line.model,
        call.request_model if line.model in ("", call.response_model) else "",
        line.tier or (call.tier if same else ""),
        line.speed or (call.speed if same and line.model == call.response_model else ""),
        line.region or (call.region if same else ""),
        line.variant,
        call.host if same else "",
    )


def _wanted(key: TermsKey) -> Wanted:
    provider, response_model, request_model, tier, speed, region, variant, _ = key
    return Wanted(
        provider_name(provider),
        response_model or request_model,
        TIER_SPELLINGS.get(tier, tier),
        speed,
        region,
        variant,
    )

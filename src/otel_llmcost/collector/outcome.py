"""The statements that say what became of a span: status, reasons, cost."""

from __future__ import annotations

from collections.abc import Iterable

from .. import semconv as s
from ..call import (
    COMMITTED,
    COMMITTED_NOTE,
    ESTIMATED,
    ESTIMATED_NOTE,
    EXACT,
    INCOMPLETE_NOTE,
    PARTIAL,
    UNPRICED,
    note,
)
from ..meters import COMPONENTS
from .ottl import Statements, assign, attribute, cache, first_of, joined, quoted
from .statements import pricing

UNDONE = f"{pricing('notes')} != nil"
"""Spans that the short way left over."""
_STATUS, _TOTAL = attribute(s.STATUS), cache("total")
_RATES, _NOTES, _WHY = pricing("rates"), pricing("notes"), pricing("why")


def outcome(version: str) -> Statements:
    """From the sums of the components to what stands on the span."""
    group = Statements(
        [UNDONE], comment="Status, reasons, cost; then nothing of the work is left on the span."
    )
    group.add(*_status(), *_why_unpriced(), *_why_not_exact(), *_cost(), *written_down(version))
    return group


def written_down(version: str) -> Iterable[str]:
    """Reasons, price version and tier, as every priced span has them."""
    yield assign(attribute(s.REASONS), _NOTES, f"Len({_NOTES}) > 0")
    yield assign(attribute(s.PRICE_VERSION), quoted(version))
    yield assign(attribute(s.SERVICE_TIER), pricing("tier"), f"{attribute(s.SERVICE_TIER)} == nil")


def _status() -> Iterable[str]:
    """The last one that holds: exact, estimated, partial, unpriced, committed."""
    said = cache("said")
    missing = f"({pricing('lack')} != nil or {_RATES}[{quoted('unplaced')}] != nil)"
    doubtful = " or ".join(
        f"{path} != nil"
        for path in (
            pricing("about"),
            pricing("doubt"),
            *(f"{_RATES}[{quoted(flag)}]" for flag in ("hours", "assumed", "named")),
        )
    )
    yield assign(_TOTAL, " + ".join(pricing(f"sum_{component}") for component in COMPONENTS))
    yield assign(said, joined(quoted(" "), f"String({_NOTES})"))
    yield assign(_STATUS, quoted(EXACT))
    noted = f'IsMatch({said}, "{ESTIMATED_NOTE}:")'
    yield assign(_STATUS, quoted(ESTIMATED), f"{doubtful} or {pricing('matched')} == true or {noted}")
    lacking = f'IsMatch({said}, "({INCOMPLETE_NOTE}|no-rate):")'
    yield assign(_STATUS, quoted(PARTIAL), f"{missing} or {lacking}")
    nothing = f"{pricing('known')} == nil or {_WHY} != nil or {missing} and {_TOTAL} == 0"
    yield assign(_STATUS, quoted(UNPRICED), nothing)
    bought = (
        f'{_RATES}["committed"] != nil or {pricing("tier")} == "committed"'
        f' or {pricing("tier")} == "priority" and {pricing("provider")} == {quoted(s.ANTHROPIC)}'
    )
    yield assign(_STATUS, quoted(COMMITTED), bought)


def _name() -> str:
    model = first_of(attribute(s.RESPONSE_MODEL), attribute(s.REQUEST_MODEL), quoted("(no model named)"))
    return joined(pricing("provider"), quoted(" "), model)


def _why_unpriced() -> Iterable[str]:
    for code, text in (
        ("no-price", " is in no price list of this collector"),
        ("no-tier", " has no price on the served terms"),
        ("no-region", " has no price in this region"),
        ("no-rate", " has a price that the collector cannot reckon with"),
    ):
        said = joined(quoted(f"{code}: "), _name(), quoted(text))
        yield f"append({_NOTES}, {said}) where {_WHY} == {quoted(code)} and {_STATUS} == {quoted(UNPRICED)}"


def _why_not_exact() -> Iterable[str]:
    untold = quoted(" is not told, the shortest is priced")
    for mark, text in (
        ("lack", joined(quoted("no-rate: "), pricing("lack"), quoted(" has no price for "), _name())),
        (
            "about",
            joined(quoted("estimated: the rate of "), pricing("about"), quoted(" is no whole femto-dollar")),
        ),
        ("doubt", joined(quoted("ambiguous: the lifetime of "), pricing("doubt"), untold)),
    ):
        yield f"append({_NOTES}, {text}) where {pricing(mark)} != nil and {_WHY} == nil"
    for flag, text in (
        ("assumed", "ambiguous: the region was not told, the price of everywhere is taken"),
        ("named", "ambiguous: a discount is on some of the names that the collector cannot tell apart here"),
        ("unplaced", "no-region: no price in this region; the amount is a lower bound"),
        (
            "hours",
            "ambiguous: the price depends on the hour, the collector takes the one outside of special hours",
        ),
    ):
        yield f"append({_NOTES}, {quoted(text)}) where {_RATES}[{quoted(flag)}] != nil"
    committed = note(COMMITTED_NOTE, "capacity bought beforehand has no price per call")
    yield f"append({_NOTES}, {quoted(committed)}) where {_STATUS} == {quoted(COMMITTED)}"
    matched = note("matched", "the response's model is unknown, the request's was priced")
    yield f"append({_NOTES}, {quoted(matched)}) where {pricing('matched')} == true"


def _cost() -> Iterable[str]:
    priced = f"{_STATUS} != {quoted(UNPRICED)} and {_STATUS} != {quoted(COMMITTED)}"
    yield assign(attribute(s.COST), f"Double({_TOTAL}) / 1000000000000000.0", priced)
    for component in COMPONENTS:
        amount = pricing(f"sum_{component}")
        path = attribute(s.COST_COMPONENT_PREFIX + component)
        yield assign(path, f"Double({amount}) / 1000000000000000.0", f"{priced} and {amount} > 0")

"""What the same tokens would have cost with another model: priced call by call, by the same function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol, TypeVar

from . import semconv
from .call import (
    EXACT,
    NOTED,
    PARTIAL,
    REPORTED,
    SUMMED_NOTE,
    UNPRICED,
    Call,
    Line,
    Priced,
    code_of,
    note,
)
from .errors import PriceError
from .meters import (
    CACHE_READ_METERS,
    CACHE_WRITE_METERS,
    TOKEN_METERS,
    TOOL_METERS,
    UNIT_METERS,
    Quantity,
    Usage,
)
from .money import Femto, as_decimal
from .prices.providers import MAKERS
from .services import Prices

_CACHE_METERS = CACHE_READ_METERS + CACHE_WRITE_METERS
_FEES = (("units", UNIT_METERS), ("tools", TOOL_METERS))


class Bought(Protocol):
    """A call with what it cost: a ledger row, or `Settled`."""

    @property
    def amount(self) -> Femto | None:
        """Femto-dollars, None where unknown."""

    @property
    def components(self) -> Mapping[str, Femto]:
        """Femto-dollars of each cost component."""

    @property
    def status(self) -> str:
        """How its amount is known."""

    def as_call(self) -> Call:
        """The call."""


@dataclass(slots=True)
class Settled:
    """A call and its price."""

    call: Call
    priced: Priced

    @property
    def amount(self) -> Femto | None:
        """Femto-dollars, None where unknown."""
        return self.priced.amount

    @property
    def components(self) -> Mapping[str, Femto]:
        """Femto-dollars of each cost component."""
        return self.priced.components

    @property
    def status(self) -> str:
        """How its amount is known."""
        return self.priced.status

    def as_call(self) -> Call:
        """The call."""
        return self.call


@dataclass(frozen=True, slots=True)
class Model:
    """A model to compare with."""

    provider: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"


@dataclass(slots=True)
class Savings:
    """What was paid against what another model would have cost. Amounts are femto-dollars.

    Only calls that have both prices are compared; the others are counted, with the reasons. With
    `approximate` the other model has no rate of its own for some meters, and their tokens were priced as
    plain ones.
    """

    against: Model
    compared: int = 0
    paid: Femto = 0
    would_cost: Femto = 0
    unpaid: int = 0
    """Calls whose own cost is unknown (a local model without a rate, say)."""
    would_cost_of_unpaid: Femto = 0
    """What the other model would have charged for those."""
    unpriced: int = 0
    """Calls that the other model has no price for."""
    approximate: int = 0
    without_tokens: int = 0
    """Calls that another model cannot be asked to make: speech, images, calls that failed."""
    unsplit: int = 0
    """Calls whose cost somebody reported as a whole, with fees in it that nobody told apart from the tokens."""
    paid_besides: Femto = 0
    """What was paid for all that is left out: fees, and calls that cannot be compared. With `paid` it is the whole."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why calls could not be compared -> how many."""

    @property
    def saved(self) -> Femto:
        """Femto-dollars saved; negative where the other model would have been cheaper."""
        return self.would_cost - self.paid

    @property
    def saved_usd(self) -> Decimal:
        """`saved` in USD."""
        return as_decimal(self.saved)

    @property
    def share(self) -> float | None:
        """Saved share of what the other model would have cost; None where that is nothing."""
        return self.saved / self.would_cost if self.would_cost else None

    def merge(self, other: Savings) -> None:
        """Adds another comparison with the same model."""
        for name in (
            "compared",
            "paid",
            "would_cost",
            "unpaid",
            "would_cost_of_unpaid",
            "unpriced",
            "approximate",
            "without_tokens",
            "unsplit",
            "paid_besides",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count

    def add(self, bought: Bought, book: Prices) -> None:
        """Compares what the tokens of one call cost: its fees, such as those of searches, are nobody's saving."""
        call = bought.as_call()
        if not any(call.usage.get(meter) for meter in TOKEN_METERS):
            self.without_tokens += 1
            self.paid_besides += bought.amount or 0
            return
        other = priced_as(call, self.against, book)
        if bought.amount is None:
            self.unpaid += 1
            self.would_cost_of_unpaid += other.amount or 0
            return
        paid = _paid_for_tokens(bought, call, book)
        if other.status != EXACT or other.amount is None:
            self.unpriced += 1
            for reason in other.reasons:
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
        elif paid is None:
            self.unsplit += 1
        else:
            self.compared += 1
            self.paid += paid
            self.paid_besides += bought.amount - paid
            self.would_cost += other.amount
            self.approximate += 1 if other.reasons else 0
            return
        self.paid_besides += bought.amount


def _paid_for_tokens(bought: Bought, call: Call, book: Prices) -> Femto | None:
    """What was paid without fees; None where these are in a reported amount of which we know no parts.

    A component is a fee only where something of its kind was bought: the time of an own machine and a reported
    total that no price list of ours can split stand among the units, too, and are what the tokens cost.
    """
    fees = [component for component, meters in _FEES if any(call.usage.get(meter) for meter in meters)]
    if bought.amount is None or (fees and bought.status == REPORTED and not _can_be_split(call, book)):
        return None
    return bought.amount - sum(bought.components.get(fee, 0) for fee in fees)


def _can_be_split(call: Call, book: Prices) -> bool:
    """Whether our prices know all parts of a call, so that a reported amount was shared out among all of them."""
    return book.price(replace(call, reported=None)).status not in (PARTIAL, UNPRICED)


def savings(bought: Iterable[Bought], against: Model | str, book: Prices) -> Savings:
    """What the same tokens would have cost with `against` ("gpt-5", "anthropic/claude-opus-4-5").

    Pure. The price in force at each call's own start counts, at the standard tier. Raises `PriceError`
    where the book knows no such model or several providers have one of that name.
    """
    model = against if isinstance(against, Model) else find_model(against, book)
    answer = Savings(model)
    for each in bought:
        answer.add(each, book)
    return answer


Row = TypeVar("Row", bound=Bought)
Key = TypeVar("Key")


def savings_by(
    bought: Iterable[Row], key: Callable[[Row], Key], against: Model | str, book: Prices
) -> dict[Key, Savings]:
    """`savings` for each group of calls that have the same key, in the order in which the groups appear."""
    model = against if isinstance(against, Model) else find_model(against, book)
    groups: dict[Key, Savings] = {}
    for each in bought:
        groups.setdefault(key(each), Savings(model)).add(each, book)
    return groups


def priced_as(call: Call, model: Model, book: Prices) -> Priced:
    """What the tokens of a call would cost at another model's standard rates (without tools and units)."""
    priced = _priced_tokens(call, model, book)
    if priced.status != PARTIAL:
        return priced
    # A model that does not charge for caching apart has no rate for it: such tokens are plain input there.
    for folded, named in ((CACHE_WRITE_METERS, "cache writes"), (_CACHE_METERS, "cached tokens")):
        plain = _priced_tokens(call, model, book, folded)
        if plain.status == EXACT:
            reason = note(NOTED, f"{model} has no rate of its own for {named}; counted as input")
            return replace(plain, reasons=(*plain.reasons, reason))
    return priced


def _priced_tokens(call: Call, model: Model, book: Prices, folded: tuple[str, ...] = ()) -> Priced:
    # One request stays one, and a sum of requests a sum: a long-context price is that of one request.
    parts = [tokens for line in call.lines if (tokens := _tokens_of(line.usage, folded))]
    asked = _as_if(call, model, _tokens_of(call.usage, folded))
    asked.lines = tuple(Line(model.provider, model.name, tokens) for tokens in parts)
    asked.notes = tuple(reason for reason in call.notes if code_of(reason) == SUMMED_NOTE)
    priced = book.price(asked)
    return replace(priced, reasons=tuple(reason for reason in priced.reasons if reason not in asked.notes))


def _as_if(call: Call, model: Model, usage: Usage) -> Call:
    return Call(
        provider=model.provider,
        operation="chat",
        request_model=model.name,
        response_model=model.name,
        start_ns=call.start_ns,
        end_ns=call.end_ns,
        usage=usage,
    )


def _tokens_of(usage: Usage, folded: tuple[str, ...]) -> Usage:
    """The tokens of a usage, those of some meters as plain input."""
    tokens: dict[str, Quantity] = {}
    for meter, quantity in usage.items():
        if meter in TOKEN_METERS:
            name = "input" if meter in folded else meter
            tokens[name] = tokens.get(name, 0) + quantity
    return tokens


_LIKELY = (*MAKERS, semconv.GROQ)


def find_model(name: str, book: Prices) -> Model:
    """The model that a person means by "gpt-5" or "anthropic/claude-opus-4-5": the first party that sells it.

    Raises `PriceError` where the book has no price for it.
    """
    provider, slash, model = name.partition("/")
    candidates = [Model(provider, model)] if slash else [Model(each, name) for each in _LIKELY]
    for candidate in candidates:
        asked = _as_if(Call(start_ns=time.time_ns()), candidate, {"input": 1, "output": 1})
        if book.price(asked).amount is not None:
            return candidate
    looked = ", ".join(candidate.provider for candidate in candidates)
    raise PriceError(f"no price for model {name!r} at {looked}; remedy: name it as provider/model")

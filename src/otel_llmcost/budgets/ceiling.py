"""What a request can cost at most: its bound, at the dearest prices of its model.

`Book.dearest` looks at every tier, region, hour and cache a call could be billed at, which takes
milliseconds; it is a maximum of linear functions with a jump at each context threshold. So it is asked once
for each model and threshold (`Ceilings`), and the answer is one dearest rate for input and one for output, as
exact fractions rounded up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..call import Asked
from ..semconv import SPEECH
from .bounds import Bound, bound_of

if TYPE_CHECKING:
    from ..prices import Book
    from ..prices.rates import Row

_HOUR_NS = 3600 * 10**9
_FAR_NS = 2**63
_MOST_MODELS = 1_024
_MANY_TOKENS = 10**12
# Output is probed with so much of it that the input beside it, needed to reach a threshold, is a millionth.
_OUTWEIGH = 10**6

_DEAR = frozenset(("priority", "ultrafast"))
_DEARER = {
    "default": _DEAR,
    "standard": _DEAR,
    "standard_only": _DEAR,
    "flex": _DEAR,
    "ultrafast": frozenset(),
}
"""`service_tier` of a request -> the dear tiers that it is never served at.

A project's own default may be `priority`, never `ultrafast`
(https://platform.openai.com/docs/api-reference/responses/create, checked 2026-11-23).
"""
_ANY_TIER = frozenset(("ultrafast",))
_SLOW = {never: never | {"fast"} for never in (_DEAR, _ANY_TIER, frozenset[str]())}

Rate = tuple[int, int]
"""Femto-dollars for so many units."""


class Unbounded(Exception):  # noqa: N818 - inside budgets only, never raised to a user
    """A request whose cost has no upper bound that we know; the message says why."""


@dataclass(slots=True)
class _Reach:
    """The dearest rates of prompts of at most `upto` tokens; None where there is no such rate."""

    upto: int
    input: Rate | None
    output: Rate | None


@dataclass(slots=True)
class _Model:
    """What one model can cost, from `since_ns` up to `until_ns`."""

    since_ns: int
    until_ns: int
    reaches: list[_Reach]
    max_output: int | None
    context_window: int | None
    fees: dict[str, Rate | None] = field(default_factory=dict)


class Ceilings:
    """The greatest cost of requests, by one price book."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._models: dict[tuple[str, str, str, frozenset[str]], _Model] = {}

    def of(self, asked: Asked) -> int:
        """The most that the call can cost, in femto-dollars. Raises `Unbounded`.

        A list of batch requests is the sum of its requests.
        """
        requests = asked.body.get("requests")
        if requests is not None and isinstance(requests, list) and "model" not in asked.body:
            return sum(self._of_one(_inner(asked, request)) for request in requests)
        return self._of_one(asked)

    def _of_one(self, asked: Asked) -> int:
        bound = bound_of(asked)
        if bound.unbounded:
            raise Unbounded(bound.unbounded)
        model = self._model(asked)
        if not model.reaches:
            raise Unbounded(f"no price is known for {_name(asked)}")
        if asked.operation == SPEECH:
            return self._fees(model, bound, asked)
        tokens_in = _input_tokens(model, bound, asked)
        tokens_out = _output_tokens(model, bound, asked) * bound.answers + bound.extra_output
        reach = model.reaches[0]
        if tokens_in > reach.upto:
            reach = next((reach for reach in model.reaches if tokens_in <= reach.upto), model.reaches[-1])
        once = _cost(reach.input, tokens_in, asked) + _cost(reach.output, tokens_out, asked)
        return once * bound.passes + (self._fees(model, bound, asked) if bound.units else 0)

    def _model(self, asked: Asked) -> _Model:
        key = (asked.provider, asked.model, asked.host, _never(asked))
        model = self._models.get(key)
        if model is None or not model.since_ns <= asked.start_ns < model.until_ns:
            if len(self._models) >= _MOST_MODELS:
                self._models.clear()
            model = self._models[key] = self._look_up(asked)
        return model

    def _look_up(self, asked: Asked) -> _Model:
        book, now = self.book, asked.start_ns
        rows = book.rows(asked.provider, asked.model)
        edges = sorted({edge for row in rows for edge in (row.from_ns, row.to_ns)})
        since = max((edge for edge in edges if edge <= now), default=-_FAR_NS)
        until = min((edge for edge in edges if edge > now), default=_FAR_NS)
        # Some prices are decided at a call's end: in the last hour before a change both prices are possible.
        instants: tuple[int, ...] = (now,)
        if until - now <= _HOUR_NS:
            instants = (now, until)
            since = max(since, until - _HOUR_NS)
        else:
            until -= _HOUR_NS
        probe = _Probe(book, asked, instants, _regions(rows), _never(asked))
        thresholds = [threshold for row in rows for threshold in row.thresholds]
        ends = [_MANY_TOKENS]
        by_prompt = all(threshold.basis == "prompt" for threshold in thresholds)
        if by_prompt:
            ends = [*sorted({threshold.over for threshold in thresholds}), _MANY_TOKENS]
        # Below the first threshold output can be probed alone, and its rate comes out exact.
        reaches = [
            _Reach(end, probe.input_rate(end), probe.output_rate(0 if by_prompt and end == ends[0] else end))
            for end in ends
        ]
        if all(reach.input is None and reach.output is None for reach in reaches) and not rows:
            reaches = []
        return _Model(
            since,
            until,
            reaches,
            book.max_output(asked.provider, asked.model),
            book.context_window(asked.provider, asked.model),
        )

    def _fees(self, model: _Model, bound: Bound, asked: Asked) -> int:
        total = 0
        for meter, count in bound.units.items():
            if meter not in model.fees:
                rows = self.book.rows(asked.provider, asked.model)
                probe = _Probe(
                    self.book, asked, (asked.start_ns, model.until_ns), _regions(rows), _never(asked)
                )
                model.fees[meter] = probe.fee(meter)
            fee = model.fees[meter]
            if fee is None:
                raise Unbounded(f"no fee for {meter} is known for {_name(asked)}")
            total += _up(count, fee)
        return total


@dataclass(slots=True)
class _Probe:
    """Asks the book for the dearest cost of round quantities."""

    book: Book
    asked: Asked
    instants: tuple[int, ...]
    regions: tuple[str, ...]
    never: Collection[str]

    def input_rate(self, upto: int) -> Rate | None:
        return self._rate(upto, upto, 0, {})

    def output_rate(self, beside: int) -> Rate | None:
        many = max(beside * _OUTWEIGH, _MANY_TOKENS)
        return self._rate(many, beside, many, {})

    def fee(self, meter: str) -> Rate | None:
        many = _MANY_TOKENS
        return self._rate(many, 0, 0, {meter: many})

    def _rate(self, units: int, tokens_in: int, tokens_out: int, other: Mapping[str, int]) -> Rate | None:
        most = 0
        for at_ns in self.instants:
            for region in self.regions:
                cost = self.book.dearest(
                    self.asked.provider,
                    self.asked.model,
                    input_tokens=tokens_in,
                    output_tokens=tokens_out,
                    units=other,
                    host=self.asked.host,
                    region=region,
                    at_ns=at_ns,
                    never=self.never,
                )
                if cost is None:
                    return None
                most = max(most, cost)
        return most, units


def _never(asked: Asked) -> frozenset[str]:
    """Tiers and speeds that this request is not served at: the dear ones that have to be asked for."""
    tier = asked.body.get("service_tier")
    never = _DEARER.get(tier, _ANY_TIER) if isinstance(tier, str) else _ANY_TIER
    return never if asked.body.get("speed") == "fast" else _SLOW[never]


def _regions(rows: Sequence[Row]) -> tuple[str, ...]:
    """Regions whose uplift a call may meet without its host saying so ("*" is always said by the host)."""
    named = {region for row in rows for part in row.multipliers for region in part.when.get("region", ())}
    return ("", *sorted(named - {"*", ""}))


def _input_tokens(model: _Model, bound: Bound, asked: Asked) -> int:
    if not bound.unseen:
        return bound.input_tokens
    if model.context_window is None:
        raise Unbounded(
            f"{bound.unseen!r} is input that cannot be seen, and {_name(asked)} has no known context window"
        )
    return max(model.context_window, bound.input_tokens)


def _output_tokens(model: _Model, bound: Bound, asked: Asked) -> int:
    if bound.output_tokens is not None:
        return bound.output_tokens
    most = model.max_output if model.max_output is not None else model.context_window
    if most is None:
        raise Unbounded(f"the request has no max_tokens, and {_name(asked)} no known longest answer")
    return most


def _cost(rate: Rate | None, tokens: int, asked: Asked) -> int:
    if not tokens:
        return 0
    if rate is None:
        raise Unbounded(f"no price is known for {_name(asked)}")
    return _up(tokens, rate)


def _up(count: int, rate: Rate) -> int:
    femto, units = rate
    return -(-count * femto // units)


def _inner(asked: Asked, request: object) -> Asked:
    params = request.get("params") if isinstance(request, Mapping) else None
    if not isinstance(params, Mapping):
        raise Unbounded("a batch request that is not understood")
    model = str(params.get("model", asked.model))
    return Asked(asked.provider, asked.host, asked.operation, model, params, asked.tags, asked.start_ns)


def _name(asked: Asked) -> str:
    return f"{asked.provider}/{asked.model}"

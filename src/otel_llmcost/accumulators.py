"""Integer sums of the calls of a process, by label set: what the counters read.

Counted when metrics are collected, not in the call; `Counters` holds the lock. Labels are bounded: what comes later is
`other`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.trace import SpanContext

from . import semconv
from .call import Call, Priced, Tags
from .meters import TOKEN_METERS

Attributes = dict[str, Any]
Labels = tuple[str, ...]
CellKey = tuple[Labels, str, str]
"""(labels, status, error type)."""

MODELS_KEPT = 100
ERRORS_KEPT = 100
PROVIDERS_KEPT = 100
TIERS_KEPT = 20
TAG_VALUES_KEPT = 100
OTHER = "other"
_OWN_TAGS = frozenset({"source", "stage", "team", "feature"})
_TAG_LABELS = {
    "source": semconv.SOURCE,
    "stage": semconv.STAGE,
    "team": semconv.TEAM,
    "feature": semconv.FEATURE,
}
_LABELS = (
    semconv.OPERATION,
    semconv.PROVIDER,
    semconv.REQUEST_MODEL,
    semconv.RESPONSE_MODEL,
    semconv.SERVICE_TIER,
)


_TOKENS = frozenset(TOKEN_METERS)


class Cell:
    """The sums of one label set; amounts in femto-dollars."""

    __slots__ = ("calls", "components", "exemplar", "exemplar_s", "retries", "savings", "tokens")

    def __init__(self, calls: int = 0, savings: int = 0, retries: int = 0) -> None:
        self.calls, self.savings, self.retries = calls, savings, retries
        self.components: dict[str, int] = {}
        self.tokens: dict[str, int] = {}
        self.exemplar: SpanContext | None = None
        self.exemplar_s = 0.0

    def copied(self) -> Cell:
        """The sums of now."""
        copy = Cell(self.calls, self.savings, self.retries)
        copy.components, copy.tokens = {**self.components}, {**self.tokens}
        copy.exemplar, copy.exemplar_s = self.exemplar, self.exemplar_s
        return copy


class Bounded:
    """At most so many values of a label; what comes later is `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value


class Accumulators:
    """The sums of a process, zeroed in a forked child."""

    def __init__(self, metric_tags: tuple[str, ...]) -> None:
        self._tags = tuple(tag for tag in metric_tags if tag not in ("user", "conversation", "session"))
        self._names = _LABELS + tuple(_TAG_LABELS.get(tag, semconv.TAG_PREFIX + tag) for tag in self._tags)
        self._cells: dict[CellKey, Cell] = {}
        self._providers = Bounded(PROVIDERS_KEPT)
        self._tiers = Bounded(TIERS_KEPT)
        self._models = Bounded(MODELS_KEPT)
        self._errors = Bounded(ERRORS_KEPT)
        self._values = {tag: Bounded(TAG_VALUES_KEPT) for tag in self._tags}
        self._labels_of: dict[tuple[str, ...], Labels] = {}

    def add(self, call: Call, priced: Priced, exemplar: SpanContext | None) -> Labels:
        """Count a settled call, once; `exemplar` is its span where that is sampled. The labels that it counts under."""
        labels = self._labels(call)
        key = (labels, priced.status, self.error_of(call))
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = Cell()
        cell.calls += 1
        cell.savings += priced.savings
        if call.attempts > 1:
            cell.retries += call.attempts - 1
        components, tokens = cell.components, cell.tokens
        for component, amount in priced.components.items():
            components[component] = components.get(component, 0) + amount
        for meter, quantity in call.usage.items():
            if meter in _TOKENS:
                tokens[meter] = tokens.get(meter, 0) + int(quantity)
        if exemplar is not None:
            cell.exemplar, cell.exemplar_s = exemplar, call.end_ns / 1e9
        return labels

    def error_of(self, call: Call) -> str:
        """The error type that a call counts under: a provider's own words may be as many as its calls."""
        return self._errors(call.error_type) if call.error_type else ""

    def _labels(self, call: Call) -> Labels:
        tags = call.tags
        values = [_tag_value(tags, tag) for tag in self._tags]
        raw = (call.operation, call.provider, call.request_model, call.response_model, call.tier, *values)
        known = self._labels_of.get(raw)
        if known is not None:
            return known
        made = (
            call.operation,
            self._providers(call.provider) if call.provider else "",
            self._models(call.request_model) if call.request_model else "",
            self._models(call.response_model) if call.response_model else "",
            self._tiers(call.tier) if call.tier else "",
            *(
                self._values[tag](value) if value else ""
                for tag, value in zip(self._tags, values, strict=True)
            ),
        )
        if len(self._labels_of) < 10_000:
            self._labels_of[raw] = made
        return made

    def forked(self) -> None:
        """In a child: the sums so far are the parent's, which goes on reporting them."""
        self._cells = {}

    def attributes(self, labels: Labels) -> Attributes:
        """The labels by their names; empty ones are left out."""
        return {name: value for name, value in zip(self._names, labels, strict=True) if value}

    def snapshot(self) -> list[tuple[CellKey, Cell]]:
        """The sums of now."""
        return [(key, cell.copied()) for key, cell in self._cells.items()]


def merged(
    rows: Iterable[tuple[Labels, str, str, int, Cell]],
) -> Iterator[tuple[Labels, str, str, int, Cell]]:
    """One row for a label set: two points with the same attributes would overwrite each other."""
    sums: dict[tuple[Labels, str, str], tuple[int, Cell]] = {}
    for labels, first, second, amount, cell in rows:
        before, newest = sums.get((labels, first, second), (0, cell))
        newest = cell if cell.exemplar_s >= newest.exemplar_s else newest
        sums[(labels, first, second)] = (before + amount, newest)
    for (labels, first, second), (amount, cell) in sums.items():
        yield labels, first, second, amount, cell


def _tag_value(tags: Tags, tag: str) -> str:
    if tag in _OWN_TAGS:
        value: str = getattr(tags, tag)
        return value
    return tags.own.get(tag, "")

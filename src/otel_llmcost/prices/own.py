"""The user's own prices: rows, discounts, local models by size, and the mistakes in what they wrote.

Read from documents by `own_reading`, which programs without any do not import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import NamedTuple

from ..errors import ConfigurationError
from .rates import ALWAYS, FOREVER, Row
from .tables import row_table

# Compiled on first use: only local models are priced by it.
_PARAMETERS = r"(?i)(?<![a-z0-9.])(?:(?P<experts>\d+)x)?(?P<billions>\d+(?:\.\d+)?)b(?![a-z0-9])"


ANY = "*"
_MATCHING = 2
"""Counted up when the same settings price other calls: their version is then another, and `reprice` looks again."""


class Discount(NamedTuple):
    """A percentage off the list price, by provider, model as it is called (with `*`), tier and time."""

    percent: Decimal
    provider: str = ANY
    model: str = ANY
    tier: str = ANY
    meters: tuple[str, ...] = ()
    from_ns: int = ALWAYS
    to_ns: int = FOREVER

    def covers(self, row: Row, names: Iterable[str]) -> bool:
        """Whether the discount is on this row's price for a model of these names, whatever the time.

        The row's own name says nothing here: models that cost the same share a row, and a discount is on one of them.
        """
        on_terms = fnmatchcase(row.provider, self.provider) and fnmatchcase(row.tier, self.tier)
        return on_terms and self.covers_model(names)

    def covers_model(self, names: Iterable[str]) -> bool:
        """Whether the discount is on a model that is called by one of these names."""
        return self.model == ANY or any(fnmatchcase(name, self.model) for name in names)

    def factor(self) -> Fraction:
        """What is left of the price."""
        return 1 - Fraction(self.percent) / 100


class Size(NamedTuple):
    """The price of local models of `low` to `high` billion parameters (None: and more)."""

    label: str
    low: Decimal
    high: Decimal | None
    row: Row

    def covers(self, billions: Decimal) -> bool:
        """Whether a model of so many billion parameters is of this size."""
        return self.low <= billions and (self.high is None or billions <= self.high)


@dataclass(slots=True, eq=False, repr=False)
class OwnPrices:
    """All of a user's price settings, and the mistakes in them."""

    rows: list[Row] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    problems: list[ConfigurationError] = field(default_factory=list)
    first: dict[tuple[object, ...], Row] = field(default_factory=dict)
    """Terms and time -> the row that is in force for them."""
    places: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    """("row" or "discount", provider) -> file and line that first name it so."""

    def fingerprint(self) -> list[object]:
        """Everything that decides a price here, as plain values for a digest."""
        return [
            _MATCHING,
            [row_table(row) for row in self.rows],
            [repr(discount) for discount in self.discounts],
            [(size.label, row_table(size.row)) for size in self.sizes],
        ]


def parameters_of(model: str) -> Decimal | None:
    """Billions of parameters that a name tells ("llama3.2:3b": 3, "8x7b": 56), None where it does not."""
    match = re.search(_PARAMETERS, model)
    return None if match is None else Decimal(match["billions"]) * int(match["experts"] or 1)

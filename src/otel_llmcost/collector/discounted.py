"""Discounts on single models, as far as the collector can tell names apart.

It knows the names of the price list, and of any other name only what it begins with, or what it is without its
date. A discount that holds for some of those and not for others makes their prices estimates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from .. import semconv
from ..prices.book import Book
from ..prices.names import readings
from ..prices.own import ANY, Discount

_WILD = re.compile(r"[*?\[]")
_DATED = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6})$")
_DATES = ("-20290101", "-2029-01-01", "@20231231", "-20241022", "-2025-08-07", "-2026-12-31")
"""Suffixes that stand for any date; the first one is asked for the price."""
_PROFILES = ("global", "us-gov", "us", "eu", "apac", "jp", "au", "ca", "sa", "me", "in")


def on_models(book: Book, provider: str) -> list[Discount]:
    """The discounts at a provider that do not hold for every model."""
    return [d for d in book.own.discounts if d.model != ANY and fnmatchcase(provider, d.provider)]


def whole_names(discounts: Iterable[Discount]) -> set[str]:
    """The models that discounts name without any `*`."""
    return {discount.model for discount in discounts if not _WILD.search(discount.model)}


def is_dated(name: str) -> bool:
    """Whether a name ends with a date."""
    return _DATED.search(name) is not None


def with_a_date(name: str) -> str:
    """A dated form of a name that no price list has, in place of all of them."""
    return name + _DATES[0]


def behind(prefix: str) -> str:
    """A name that begins with a prefix and that no price list has, in place of all of them."""
    return f"{prefix}:acme::zzz" if prefix.startswith("ft:") else f"{prefix}zzz"


def holds_on_dates(provider: str, name: str, discounts: Iterable[Discount]) -> bool:
    """Whether a discount holds for some dated form of a name."""
    return any(_covers(provider, name + date, discount) for discount in discounts for date in _DATES)


def is_unsure_of_dates(provider: str, name: str, discounts: Iterable[Discount]) -> bool:
    """Whether a discount holds for some dated forms of a name and not for others."""
    for discount in discounts:
        if len({_covers(provider, name + date, discount) for date in _DATES}) > 1:
            return True
        # "gpt-4o-2024-05-*": none of ours, but some date.
        if _is_wild(discount) and re.match(rf"{re.escape(name)}[-@]\d", discount.model):
            return True
    return False


def is_unsure_behind(provider: str, prefix: str, discounts: Iterable[Discount]) -> bool:
    """Whether a discount holds for some names that begin with a prefix and not for others."""
    for discount in discounts:
        head = _WILD.split(discount.model)[0]
        may_hold = _is_wild(discount) and (head.startswith(prefix) or prefix.startswith(head))
        if may_hold and not _covers(provider, behind(prefix), discount):
            return True
    return False


def is_unsure_of_spelling(provider: str, name: str, discounts: Iterable[Discount]) -> bool:
    """Whether a discount holds for a name with what the collector takes off in front of it, but not without."""
    spellings = [f"{provider}/{name}"]
    if provider == semconv.BEDROCK:
        spellings += [f"{profile}.{name}" for profile in _PROFILES]
    return any(
        not _covers(provider, name, discount) and _covers(provider, spelling, discount)
        for discount in discounts
        for spelling in spellings
    )


def _is_wild(discount: Discount) -> bool:
    return _WILD.search(discount.model) is not None


def _covers(provider: str, name: str, discount: Discount) -> bool:
    return discount.covers_model([reading.name for reading in readings(provider, name)])

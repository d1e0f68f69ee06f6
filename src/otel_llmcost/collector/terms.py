"""Statements on terms that the span and the body on it share: doubts, and the tier under a provider's name for it."""

from __future__ import annotations

from collections.abc import Iterable

from ..usage.terms import TIERS
from .ottl import assign, one_of, quoted
from .statements import pricing


def doubt(text: str, where: str) -> Iterable[str]:
    """A note that makes the amount an estimate."""
    yield assign(pricing("doubtful"), "true", where)
    yield f"append({pricing('notes')}, {quoted(text)}) where {where}"


def tier_spellings(tier: str) -> Iterable[str]:
    """Providers' spellings of tiers in ours; an unknown one stays and has no price, nothing said is standard."""
    yield assign(tier, quoted("standard"), f'{tier} == "" or {tier} == "default"')
    yield assign(tier, f"ToLowerCase({tier})", f'{tier} != "standard"')
    for said, ours in TIERS.items():
        if ours and said not in (ours, "default"):
            yield assign(tier, quoted(ours), f"{tier} == {quoted(said)}")
    unsaid = [said for said, ours in TIERS.items() if not ours]
    yield assign(tier, quoted("standard"), f'{tier} != "standard" and {one_of(tier, unsaid)}')

"""Budgets from code, in the words of the settings file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypedDict, Unpack

from .model import Budget
from .parse import read_budget


class BudgetKeys(TypedDict, total=False):
    """The keys of a `[budgets.NAME]` table; docs/budgets.md describes them."""

    window: str
    timezone: str
    providers: str | Sequence[str]
    models: str | Sequence[str]
    tags: Mapping[str, str | Sequence[str]]
    thresholds: Sequence[int]
    action: str
    on_unpriced: str
    scope: str
    on_unreachable: str
    conversations: int
    carry_over: bool


def define_budget(name: str, amount: str | int | Decimal, **keys: Unpack[BudgetKeys]) -> Budget:
    """A budget for `use_budgets`: `define_budget("search", "25.00", window="day", action="block")`.

    `amount` is USD. Raises `ConfigurationError` for a key or value that the settings file would not take.
    """
    budget, problems = read_budget({"amount": amount, **keys}, name)
    if budget is None:
        raise problems[0]
    return budget

"""Budgets: how much may be spent, and the next call stopped before the limit (docs/budgets.md)."""

from __future__ import annotations

from .admission import Gate
from .counter import CounterBusy, CounterStore, CounterUnreachable
from .define import define_budget
from .machine import MachineCounter
from .model import Budget
from .parse import ParsedBudgets, parse_budgets
from .process import ProcessCounter
from .reservation import Reservation
from .state import BudgetState, Crossing
from .windows import Window, parse_window

__all__ = [
    "Budget",
    "BudgetState",
    "CounterBusy",
    "CounterStore",
    "CounterUnreachable",
    "Crossing",
    "Gate",
    "MachineCounter",
    "ParsedBudgets",
    "ProcessCounter",
    "Reservation",
    "Window",
    "define_budget",
    "parse_budgets",
    "parse_window",
]

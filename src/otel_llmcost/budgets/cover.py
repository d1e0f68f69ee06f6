"""The budgets that cover a call, and what the call asks of each of their stores."""

from __future__ import annotations

from ..call import Tags
from .reservation import Part
from .rule import Rule


class Cover:
    """The budgets that cover a call, grouped by their store."""

    __slots__ = ("_groups", "blocks", "goes_on", "rules", "untagged")

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self.blocks = any(rule.blocks for rule in rules)
        self.goes_on = any(rule.blocks and rule.goes_on for rule in rules)
        """Whether one of them must know what was spent before."""
        self.untagged = all(rule.untagged for rule in rules)
        groups: dict[int, list[Rule]] = {}
        for rule in rules:
            groups.setdefault(id(rule.store), []).append(rule)
        self._groups = [
            (group[0].store, group, any(rule.blocks for rule in group)) for group in groups.values()
        ]

    def parts(self, tags: Tags, now: int, amount: int) -> list[Part]:
        """What a call that started then asks of each store."""
        return [
            Part(store, rules, [rule.charge(tags, now, amount) for rule in rules], wanted)
            for store, rules, wanted in self._groups
        ]


NOT_LOOKED = Cover(())
"""Stands for a model that nobody looked up yet."""

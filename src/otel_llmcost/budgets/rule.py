"""A budget made ready for the calling thread: its store, its current window, what it already said."""

from __future__ import annotations

import logging
from functools import partial

from ..call import COMMITTED, DELEGATED, EXACT, PARTIAL, PENDING, UNPRICED, Priced, Tags
from ..errors import BudgetExceeded
from ..money import as_text
from .counter import Charge, CounterStore, Move, Sums, patiently
from .model import OBSERVE, PROCESS, REFUSE, Budget
from .state import Crossing
from .windows import CONVERSATION, ROLLING, Span, iso

_log = logging.getLogger("otel_llmcost.budgets")
_CONVERSATION_SILENCE_S = 60
_REFUSED, _CARRIED = -1, -2


class Rule:
    """One budget in force. `limit` is what a reservation may not exceed, None where it never refuses."""

    __slots__ = (
        "_levels",
        "_name",
        "_per_conversation",
        "_quiet_until",
        "_span",
        "blocks",
        "budget",
        "goes_on",
        "limit",
        "refused",
        "store",
        "untagged",
    )

    def __init__(self, budget: Budget, store: CounterStore, now: int) -> None:
        self.budget, self.store = budget, store
        self._name = budget.name
        self._per_conversation = budget.window.per_conversation
        self.blocks = budget.blocks
        self.goes_on = budget.scope == PROCESS and budget.carry_over
        """Whether the process counts what the ledger knows from before it, too."""
        self.limit = budget.amount if budget.blocks else None
        self.untagged = not budget.tags and not self._per_conversation
        self.refused = 0
        self._span = budget.window.at(now)
        self._levels = [(threshold * budget.amount, threshold) for threshold in budget.thresholds]
        self._quiet_until: dict[int, int] = {}

    def span_at(self, seconds: int) -> Span:
        """The window of an instant; the last one is remembered."""
        span = self._span
        if span.start <= seconds and (seconds < span.end or not span.end):
            return span
        span = self._span = self.budget.window.at(seconds)
        return span

    def account(self, tags: Tags) -> str:
        """The account that a call with these tags is counted on."""
        return f"{self._name}\0{tags.conversation}" if self._per_conversation else self._name

    def charge(self, tags: Tags, seconds: int, amount: int) -> Charge:
        """What a call that started then is to reserve."""
        account = self.account(tags) if self._per_conversation else self._name
        return Charge(account, self.span_at(seconds), amount if self.blocks else 0, self.limit)

    def owed(self, reserved: int, priced: Priced | None) -> int:
        """What a finished call counts for.

        Where a `block` budget cannot learn the whole cost, the bound counts: nothing is ever spent unseen.
        """
        if priced is None:
            return reserved
        known = priced.amount or 0
        if priced.status == EXACT:
            return known
        if priced.status in (DELEGATED, COMMITTED):
            return 0
        if priced.status in (UNPRICED, PARTIAL, PENDING):
            return max(known, reserved)
        return known

    def crossed(self, move: Move, now: int) -> list[Crossing]:
        """The thresholds that a settlement crossed; the log hears of each once a window."""
        before, after = move.before * 100, move.after * 100
        if not self._levels or after < self._levels[0][0] or before >= self._levels[-1][0]:
            return []
        name, limit = self.budget.name, self.budget.amount
        crossed = [threshold for level, threshold in self._levels if before < level <= after]
        found = [Crossing(name, threshold, move.after, limit) for threshold in crossed]
        for crossing in found:
            if self.budget.action != OBSERVE and self._may_say(crossing.threshold, now):
                _log.warning(
                    "budget %r reached %d%%: $%s of $%s spent",
                    crossing.budget,
                    crossing.threshold,
                    as_text(crossing.spent),
                    as_text(crossing.limit),
                )
        return found

    def say_carried(self, spent: int, now: int) -> None:
        """Tells the log where the budget stands at the start of a process, once a threshold is behind it."""
        budget = self.budget
        if self._per_conversation or budget.action == OBSERVE or not self._levels:
            return
        if spent and spent * 100 >= self._levels[0][0] and self._may_say(_CARRIED, now):
            _log.warning(
                "budget %r begins with $%s of $%s spent: the ledger's calls of this window",
                budget.name,
                as_text(spent),
                as_text(budget.amount),
            )

    def exceeded(self, sums: Sums, charge: Charge, now: int) -> BudgetExceeded:
        """The refusal of a call that may cost more than is left. Asks the counter, at most 50 ms for each answer."""
        rolling = self.budget.window.kind == ROLLING
        resets = self._room_at(charge) if rolling else charge.span.resets
        return self._refusal(sums, as_text(charge.amount), "", now, resets)

    def _room_at(self, charge: Charge) -> int:
        """When so much has left a rolling window that a charge fits; 0 where it never does, or nobody can say."""
        window, span = self.budget.window, charge.span
        if charge.amount > self.budget.amount:
            return 0
        fewest, most = 1, (span.through - span.since) // span.step + 1
        while fewest < most:
            steps = (fewest + most) // 2
            rest = patiently(partial(self.store.sums, charge.account, window.leaves(span, steps)[0]))
            if not isinstance(rest, Sums):
                return 0
            if rest.spent + rest.reserved + charge.amount <= self.budget.amount:
                most = steps
            else:
                fewest = steps + 1
        return window.leaves(span, most)[1]

    def unbounded(self, sums: Sums | None, why: str, now: int) -> BudgetExceeded:
        """The refusal of a call that nobody can say the greatest cost of."""
        reason = f"and this call may cost any amount: {why} (on_unpriced = {REFUSE!r})"
        return self._refusal(sums, "unknown", reason, now)

    def unreachable(self, why: str, now: int) -> BudgetExceeded:
        """The refusal of a call because the counter cannot be asked."""
        reason = f"and its counter cannot be reached: {why} (on_unreachable = 'closed')"
        return self._refusal(None, "unknown", reason, now)

    def _refusal(
        self, sums: Sums | None, asked: str, reason: str, now: int, resets: int | None = None
    ) -> BudgetExceeded:
        self.refused += 1
        taken = "unknown" if sums is None else as_text(sums.spent + sums.reserved)
        error = BudgetExceeded(
            self.budget.name,
            limit=as_text(self.budget.amount),
            spent=taken,
            asked=asked,
            resets_at=iso(self.span_at(now).resets if resets is None else resets),
            reason=reason,
        )
        if self._may_say(_REFUSED, now):
            _log.warning("calls are refused: %s", error)
        return error

    def _may_say(self, what: int, now: int) -> bool:
        if now < self._quiet_until.get(what, 0):
            return False
        kind = self.budget.window.kind
        if kind == CONVERSATION:
            self._quiet_until[what] = now + _CONVERSATION_SILENCE_S
        elif kind == ROLLING:
            self._quiet_until[what] = now + self.budget.window.length
        else:
            self._quiet_until[what] = self.span_at(now).end or now + 10**10
        return True

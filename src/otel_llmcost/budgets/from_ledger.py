"""What the ledger knows of a budget: spend of every program that kept its calls there.

The counters decide; the ledger makes up for what they missed, and tells `budget status` of processes' own budgets.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..attribution.tags import field_of, own_key
from ..ledger.filters import CallFilter
from ..ledger.store import Ledger
from ..reports import cost_report
from .admission import Gate
from .counter import Sums
from .model import MACHINE, TAG_KEYS, Budget
from .windows import NS


def spent_in_ledger(budget: Budget, ledger: Ledger, now: int) -> Sums:
    """What a budget's calls cost in its window at `now` (seconds since the epoch), by the ledger.

    Of a per-conversation budget it is the conversation that spent most. Raises `LedgerError`.
    """
    wanted = _filter_of(budget, now)
    if wanted is None:
        return _counted_one_by_one(budget, ledger, now)
    by = ("conversation",) if budget.window.per_conversation else ("model",)
    report = cost_report(ledger, since=wanted.since_ns, by=by, wanted=wanted)
    if budget.window.per_conversation:
        return Sums(max((row.amount for row in report.rows if row.keys != ("",)), default=0))
    return Sums(report.total.amount)


def reconcile(gate: Gate, ledger: Ledger, now: int, inbound: Collection[str] = ()) -> dict[str, int]:
    """Lifts a gate's machine budgets to what the ledger says; femto-dollars that were missing, by budget.

    For the start of a program and for after an outage; not on a caller's thread. Budgets with a tag of `inbound`
    are left alone: other services may have sent it, and those choose no budget. Raises `LedgerError`.
    """
    names = {field_of(key) or own_key(key) for key in inbound}
    budgets = [rule.budget for rule in gate.rules]
    shared = [budget for budget in budgets if budget.scope == MACHINE and names.isdisjoint(budget.tags)]
    return gate.reconcile(ledger_totals(shared, ledger, now))


def ledger_totals(budgets: Sequence[Budget], ledger: Ledger, now: int) -> dict[str, int]:
    """Budget name -> femto-dollars of its current window, by the ledger; conversations apart."""
    return {
        budget.name: spent_in_ledger(budget, ledger, now).spent
        for budget in budgets
        if not budget.window.per_conversation
    }


def _filter_of(budget: Budget, now: int) -> CallFilter | None:
    """The calls that a budget covers, None where the ledger's filter cannot say it."""
    fields = {key: wanted for key, wanted in budget.tags.items() if key in TAG_KEYS}
    own = {key: wanted for key, wanted in budget.tags.items() if key not in TAG_KEYS}
    if any(len(wanted) > 1 or "*" in wanted[0] for wanted in own.values()):
        return None
    if budget.providers:
        fields["provider"] = budget.providers
    if budget.models:
        fields["request_model"] = budget.models
    since = budget.window.at(now).since
    return CallFilter(
        since_ns=since * NS if since else None,
        fields=fields,
        tags={key: wanted[0] for key, wanted in own.items()},
    )


def _counted_one_by_one(budget: Budget, ledger: Ledger, now: int) -> Sums:
    since = budget.window.at(now).since
    spent: dict[str, int] = {}
    for row in ledger.rows(CallFilter(since_ns=since * NS if since else None)):
        model = row.request_model or row.response_model
        if row.amount and budget.covers_model(row.provider, model) and budget.covers_tags(row.tags):
            account = row.tags.conversation if budget.window.per_conversation else ""
            spent[account] = spent.get(account, 0) + row.amount
    return Sums(max(spent.values(), default=0))

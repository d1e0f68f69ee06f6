"""What the ledger knows of a budget: spend of every program that kept its calls there.

The counters decide; the ledger makes up for what they missed or what was before them, and tells `budget status` of
processes' own budgets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ..attribution.tags import field_of, own_key
from ..call import TAG_FIELDS, refused_by
from ..ledger.filters import CallFilter, call_conditions, where
from ..ledger.store import Ledger
from ..money import join_nano
from ..reports import cost_report
from .admission import Gate
from .counter import LONGEST_WAIT_S, Charge, Sums, patiently
from .model import MACHINE, Budget
from .rule import Rule
from .windows import NS, ROLLING

_REFUSED = "BudgetExceeded"


@dataclass(slots=True)
class LedgerSpend:
    """A budget's window by the ledger: (conversation or "", bucket) -> femto-dollars, and when the first call began.

    Buckets and `first` are seconds since the epoch (`first` 0: no call).
    """

    cells: dict[tuple[str, int], int] = field(default_factory=dict)
    first: int = 0

    def add(self, conversation: str, bucket: int, amount: int) -> None:
        """Adds to a cell."""
        if amount:
            self.cells[conversation, bucket] = self.cells.get((conversation, bucket), 0) + amount


def spent_in_ledger(budget: Budget, ledger: Ledger, now: int) -> Sums:
    """What a budget's calls cost in its window at `now` (seconds since the epoch), by the ledger.

    Of a per-conversation budget it is the conversation that spent most. Raises `LedgerError`.
    """
    found = ledger_spend(budget, ledger, now)
    amounts = found.cells.values()
    spent = max(amounts, default=0) if budget.window.per_conversation else sum(amounts)
    return Sums(spent, first=found.first)


def ledger_spend(
    budget: Budget, ledger: Ledger, now: int, *, until_ns: int | None = None, service: str | None = None
) -> LedgerSpend:
    """What a budget's calls cost in its window at `now`, by conversation and bucket.

    `until_ns` (exclusive): only calls that started before. `service`: only those of programs of this name.
    Raises `LedgerError`.
    """
    since = budget.window.at(now).since
    within = CallFilter(
        since_ns=since * NS if since else None,
        until_ns=until_ns,
        fields={} if service is None else {"service": (service,)},
    )
    wanted = _narrowed(within, budget)
    found = LedgerSpend(first=next((row.start_ns // NS for row in ledger.rows(wanted, limit=1)), 0))
    if budget.window.kind == ROLLING:
        for bucket, amount in _by_step(ledger, wanted, budget.window.step):
            found.add("", bucket, amount)
        return found
    by = ("conversation",) if budget.window.per_conversation else ()
    report = cost_report(ledger, since=wanted.since_ns, until=wanted.until_ns, by=by, wanted=wanted)
    bucket = budget.window.at(now).bucket
    for row in report.rows:
        if not by or row.keys != ("",):
            found.add(row.keys[0] if by else "", bucket, row.amount)
    return found


def refused_in_ledger(budgets: Sequence[Budget], ledger: Ledger, now: int) -> dict[str, int]:
    """How many calls each budget refused in its window at `now`, in all processes. Raises `LedgerError`."""
    refused = {}
    for budget in budgets:
        since = budget.window.at(now).since
        wanted = CallFilter(since_ns=since * NS if since else None, fields={"error": _REFUSED})
        conditions, values = call_conditions(wanted)
        conditions.append("EXISTS (SELECT 1 FROM json_each(nullif(calls.notes, '')) WHERE value = ?)")
        statement = f"SELECT count(*) AS calls FROM calls{where(conditions)}"
        [found] = ledger.query(statement, (*values, refused_by(budget.name)))
        refused[budget.name] = int(found["calls"])
    return refused


def carry_over(gate: Gate, ledger: Ledger, service: str, inbound: Collection[str] = ()) -> None:
    """Counts on a process's own budgets what programs of the same service spent in their windows before it.

    Budgets with a tag of `inbound` stay at zero, as in `reconcile`. Raises `LedgerError`.
    """
    now = gate.started_ns // NS
    rules = [rule for rule in gate.rules if rule.goes_on and _own_tags_only(rule.budget, inbound)]
    # all is read before any is counted: where reading fails it is tried again, and nothing may be counted twice
    spent = [
        ledger_spend(rule.budget, ledger, now, until_ns=gate.started_ns, service=service) for rule in rules
    ]
    for rule, found in zip(rules, spent, strict=True):
        for charge, amount in _charges(rule, found):
            patiently(partial(rule.store.settle, 0, [charge], [amount], found.first))
        rule.say_carried(sum(found.cells.values()), now)


def reconcile(gate: Gate, ledger: Ledger, now: int, inbound: Collection[str] = ()) -> dict[str, int]:
    """Lifts a gate's machine budgets to what the ledger says; femto-dollars that were missing, by budget.

    For times in which the counter could not be reached, or was lost; not on a caller's thread. Spend that the
    counter already has is never taken away: the ledger may lag behind it. Budgets with a tag of `inbound` are left
    alone: other services may have sent it, and those choose no budget. Raises `LedgerError`.
    """
    lifted: dict[str, int] = {}
    if not gate.flush(LONGEST_WAIT_S):
        return lifted
    for rule in gate.rules:
        budget = rule.budget
        if budget.scope != MACHINE or budget.window.per_conversation or not _own_tags_only(budget, inbound):
            continue
        for charge, amount in _charges(rule, ledger_spend(budget, ledger, now)):
            alone = replace(charge.span, since=charge.span.bucket, through=charge.span.bucket)
            missing = patiently(
                partial(rule.store.raise_to, Charge(charge.account, alone, amount, None), now)
            )
            if isinstance(missing, int) and missing:
                lifted[budget.name] = lifted.get(budget.name, 0) + missing
    return lifted


def _own_tags_only(budget: Budget, inbound: Collection[str]) -> bool:
    return {field_of(key) or own_key(key) for key in inbound}.isdisjoint(budget.tags)


def _charges(rule: Rule, found: LedgerSpend) -> Iterator[tuple[Charge, int]]:
    """What goes to which account and bucket of a rule's store."""
    for (conversation, bucket), amount in found.cells.items():
        account = f"{rule.budget.name}\0{conversation}" if conversation else rule.budget.name
        yield Charge(account, rule.budget.window.at(bucket), 0, None), amount


def _narrowed(within: CallFilter, budget: Budget) -> CallFilter:
    """Those of the calls that a budget covers."""
    fields = {key: wanted for key, wanted in budget.tags.items() if key in TAG_FIELDS}
    own = {key: wanted for key, wanted in budget.tags.items() if key not in TAG_FIELDS}
    if budget.providers:
        fields["provider"] = budget.providers
    if budget.models:
        fields["request_model"] = budget.models
    return replace(within, fields={**within.fields, **fields}, tags=own)


def _by_step(ledger: Ledger, wanted: CallFilter, step: int) -> Iterator[tuple[int, int]]:
    """(bucket, femto-dollars) of a rolling window."""
    conditions, values = call_conditions(wanted)
    statement = (
        f"SELECT start_ns / {step * NS} * {step} AS bucket, sum(cost_nano) AS nano, sum(cost_femto_rest) AS rest "
        f"FROM calls{where([*conditions, 'cost_nano IS NOT NULL'])} GROUP BY bucket"
    )
    for found in ledger.query(statement, values):
        yield int(found["bucket"]), join_nano(found["nano"], found["rest"])

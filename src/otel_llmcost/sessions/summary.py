"""How a session is told: as plain values and as one line."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from ..money import as_decimal, as_text

if TYPE_CHECKING:
    from ..attribution import Rollup
    from ..comparison import Savings
    from .log import SessionRecord
    from .totals import StageTotals


class Figures(Protocol):
    """What is told of a session."""

    record: SessionRecord
    rollup: Rollup

    @property
    def seconds(self) -> float: ...
    @property
    def usd(self) -> Decimal | None: ...
    @property
    def unpriced_calls(self) -> int: ...
    @property
    def is_lower_bound(self) -> bool: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def mean_latency_s(self) -> float | None: ...
    @property
    def output_tokens_per_s(self) -> float | None: ...
    @property
    def stages(self) -> Mapping[str, StageTotals]: ...
    @property
    def savings(self) -> Savings | None: ...
    def latency_s(self, share: float) -> float | None: ...


def metrics(session: Figures) -> dict[str, object]:
    """Everything as plain values; amounts as decimal strings in USD, times in seconds, None where unknown."""
    record, rollup, compared = session.record, session.rollup, session.savings
    return {
        "id": record.id,
        "task": record.task,
        "mode": record.mode,
        "status": record.status,
        "directory": record.directory,
        "phase": record.phase,
        "metadata": dict(record.metadata),
        "seconds": session.seconds,
        "calls": rollup.calls,
        "unpriced_calls": session.unpriced_calls,
        "errors": rollup.errors,
        "input_tokens": rollup.input_tokens,
        "output_tokens": rollup.output_tokens,
        "cache_read_tokens": rollup.cache_read_tokens,
        "cost_usd": _text(session.usd),
        "cost_is_lower_bound": session.is_lower_bound,
        "cache_savings_usd": as_text(rollup.savings),
        "mean_latency_s": session.mean_latency_s,
        "p50_latency_s": session.latency_s(0.5),
        "p95_latency_s": session.latency_s(0.95),
        "output_tokens_per_s": session.output_tokens_per_s,
        "stages": [_stage(each, session.seconds) for each in session.stages.values()],
        "against": str(compared.against) if compared is not None else None,
        "would_cost_usd": as_text(compared.would_cost) if compared is not None else None,
        "saved_usd": as_text(compared.saved) if compared is not None else None,
        "compared_calls": compared.compared if compared is not None else None,
    }


def _stage(totals: StageTotals, session_s: float) -> dict[str, object]:
    rollup = totals.rollup
    return {
        "stage": totals.name,
        "seconds": totals.seconds,
        "share_of_time": totals.seconds / session_s if session_s else None,
        "calls": rollup.calls,
        "input_tokens": rollup.input_tokens,
        "output_tokens": rollup.output_tokens,
        "cost_usd": _text(totals.usd),
        "cost_is_lower_bound": totals.is_lower_bound,
    }


def summary(session: Figures) -> str:
    """One line for people."""
    record, rollup = session.record, session.rollup
    what = " ".join(part for part in (record.task, record.mode) if part)
    parts = [
        f"session {record.id}" + (f" ({what})" if what else "") + f" {record.status}",
        f"{session.seconds:.1f} s",
        f"{rollup.calls} call{'' if rollup.calls == 1 else 's'}",
        f"{session.input_tokens:,} in + {session.output_tokens:,} out tokens",
        _cost(session.usd, session.is_lower_bound),
    ]
    if session.unpriced_calls:
        parts.append(f"{session.unpriced_calls} unpriced")
    compared = session.savings
    if compared is not None:
        verb = "saved" if compared.saved >= 0 else "lost"
        parts.append(f"{verb} {_money(as_decimal(abs(compared.saved)))} against {compared.against}")
    stages = [_stage_text(each) for each in session.stages.values() if each.name]
    return ", ".join(parts) + (f" [{'; '.join(stages)}]" if stages else "")


def _stage_text(totals: StageTotals) -> str:
    tokens = totals.rollup.input_tokens + totals.rollup.output_tokens
    return f"{totals.name}: {totals.seconds:.1f} s, {tokens:,} tokens, {_cost(totals.usd, totals.is_lower_bound)}"


def _cost(usd: Decimal | None, is_lower_bound: bool) -> str:
    if usd is None:
        return "cost unknown"
    return f"{'>= ' if is_lower_bound else ''}{_money(usd)}"


def _money(usd: Decimal) -> str:
    shown = usd.quantize(Decimal("0.000001")) if usd < 1 else usd.quantize(Decimal("0.01"))
    return f"${shown:,f}"


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd.normalize():f}"

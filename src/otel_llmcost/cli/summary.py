"""The summary after `otel-llmcost run`, on standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..assembly import ledger_settings
from ..call import DELEGATED
from ..config import load_config
from ..errors import LlmCostError
from ..ledger.drain import drain
from ..ledger.location import obstacle
from ..ledger.losses import Loss, read_losses
from ..ledger.row import LedgerRow
from ..reports import Report, RunSummary, run_summary
from .amounts import money_text
from .harmless import printable
from .ledger_option import opened_ledger
from .losses import lost_line
from .report import show_report, total_text
from .switches import DISABLED_BY, unwatched
from .tables import console

NO_CALL = "no LLM call was seen"


def show_run(run_id: str, environ: Mapping[str, str]) -> None:
    """Prints what the calls of a run cost; a ledger that cannot be read is one line."""
    to = console(stderr=True)
    said, lost = _why_nothing(environ), _lost(run_id)
    if not said:
        try:
            # named: a settings file that cannot be read is no hindrance, for the program did without it, too
            with opened_ledger(ledger_settings(load_config()).directory) as ledger:
                summary = run_summary(ledger, run_id)
            said = "" if summary.report.rows else _no_rows(environ, lost)
        except LlmCostError as error:
            said = f"there is no summary: {error}"
    if said:
        to.print(f"otel-llmcost: {printable(said)}", markup=False, soft_wrap=True)
        return
    to.print(f"\notel-llmcost: {headline(summary.report, lost)}", style="bold", markup=False)
    show_report(without_empty_source(summary.report), stderr=True, elsewhere="")
    for line in single_calls(summary):
        to.print(line, markup=False)
    if lost:
        to.print(lost_line(lost), style="yellow", markup=False)


def _lost(run_id: str) -> list[Loss]:
    directory = ledger_settings(load_config()).directory
    return [] if directory is None else read_losses(directory, run_id=run_id)


def _why_nothing(environ: Mapping[str, str]) -> str:
    """Why there can be no summary, "" where there can."""
    config = load_config()
    settings = ledger_settings(config)
    if not config.enabled:
        return "switched off by OTEL_LLMCOST_DISABLED, no call was looked at"
    if not settings.enabled:
        return "the ledger is switched off, so there is no summary"
    if settings.directory is None:
        return "there is no home directory to keep calls in, so there is no summary"
    kept_out = obstacle(settings.directory)
    if kept_out:
        return f"calls cannot be kept, so there is no summary: {kept_out}; remedy: set OTEL_LLMCOST_LEDGER"
    return "" if settings.directory.is_dir() else _no_call(environ)


def _no_rows(environ: Mapping[str, str], lost: Sequence[Loss]) -> str:
    if lost:
        return lost_line(lost)
    directory = ledger_settings(load_config()).directory
    if directory is not None and not drain(directory, may_wait=False).complete:
        return "another program is filling the ledger, so there is no summary yet"
    return _no_call(environ)


def _no_call(environ: Mapping[str, str]) -> str:
    """That nothing was seen, and why, where somebody switched it off."""
    off = unwatched(environ)
    return f"{NO_CALL}: {' and '.join(off)} switched off by {DISABLED_BY}" if off else NO_CALL


def headline(report: Report, lost: Sequence[Loss] = ()) -> str:
    """Calls, cost and tokens in one line; where calls were `lost`, all of that is a lower bound."""
    total = report.total
    tokens = total.input + total.cache_read + total.cache_write + total.output
    parts = [f"{total.calls:,} call{'' if total.calls == 1 else 's'}"]
    if total.is_known:
        parts.append(total_text(report, lower_bound=bool(lost)))
    parts.append(f"{tokens:,} tokens")
    if total.unpriced:
        parts.append(f"{total.unpriced:,} without a price")
    if total.statuses[DELEGATED]:
        parts.append(f"{total.statuses[DELEGATED]:,} counted by the gateway that was called")
    if total.failed:
        parts.append(f"{total.failed:,} failed")
    return ", ".join(parts)


def without_empty_source(report: Report) -> Report:
    """The report by model alone, where no call has a source."""
    if any(row.keys[1] for row in report.rows):
        return report
    return replace(report, by=report.by[:1], rows=[replace(row, keys=row.keys[:1]) for row in report.rows])


def single_calls(summary: RunSummary) -> list[str]:
    """The dearest and the slowest call, where there is a choice."""
    if summary.report.total.calls < 2:
        return []
    dearest, slowest = summary.dearest, summary.slowest
    lines = [f"dearest call: {_named(dearest)}"] if dearest is not None else []
    return lines + ([f"slowest call: {_named(slowest)}"] if slowest is not None else [])


def _named(row: LedgerRow) -> str:
    cost = money_text(row.amount, lower_bound=row.status == "partial") or row.status
    source = f" ({printable(row.tags.source)})" if row.tags.source else ""
    return f"{printable(row.model) or '-'}{source}, {cost}, {row.duration_s:.2f} s"

"""`otel-llmcost prune`: forget old calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import click

from ..config import load_config
from ..errors import LedgerError
from ..instants import nanoseconds
from ..ledger.filters import CallFilter
from ..ledger.losses import forget_losses
from ..ledger.remedies import remedy_of, words_of
from ..ledger.rollups import QUARTER_NS
from ..reports import parse_instant, zone
from ..sessions.log import SessionLog
from .export import iso
from .ledger_option import ledger_option, ledger_settings, opened_ledger


@click.command("prune")
@click.option(
    "--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Delete calls older than this many days."
)
@click.option("--before", metavar="TIME", help="Delete calls before this day or instant.")
@click.option(
    "--tz", default="UTC", show_default=True, help="Time zone for days, in --before and in the answer."
)
@click.option("--dry-run", is_flag=True, help="Only show how many calls would be deleted.")
@ledger_option
def command(
    older_than: int | None, before: str | None, tz: str, dry_run: bool, directory: Path | None
) -> None:
    """Delete old calls permanently. Default: those older than the retention in your settings (90 days)."""
    if older_than is None and before is None:
        for problem in load_config().problems:
            if problem.key.lower().endswith("retention_days"):
                raise problem  # nobody knows how long calls are to be kept
    place = zone(tz)
    limit = _limit(older_than, before, place, ledger_settings(directory).retention_days)
    limit = limit // QUARTER_NS * QUARTER_NS
    with opened_ledger(directory, to_write=not dry_run) as ledger:
        if dry_run:
            count = sum(1 for _ in ledger.rows(CallFilter(until_ns=limit)))
        else:
            count = ledger.prune(limit)
            ledger.compact()
            _forget_besides(ledger.directory, limit)
    click.echo(f"{count:,} calls before {iso(limit, place)} {'would be' if dry_run else 'are'} forgotten")


def _forget_besides(directory: Path, before_ns: int) -> None:
    try:
        SessionLog(directory).prune(before_ns)
        forget_losses(directory, before_ns)
    except OSError as failure:
        raise LedgerError(
            f"sessions and losses in {directory}: {words_of(failure)}; remedy: {remedy_of(failure)}"
        ) from failure


def _limit(older_than: int | None, before: str | None, tz: tzinfo, retention_days: int) -> int:
    now = datetime.now(UTC)
    if older_than is not None and before is not None:
        raise click.UsageError("give either --older-than or --before, not both")
    if before is not None:
        return parse_instant(before, tz, now)
    days = older_than if older_than is not None else retention_days
    if older_than is None and days <= 0:
        raise click.UsageError("your settings keep calls for ever; say which with --older-than or --before")
    try:
        return nanoseconds(now - timedelta(days=days))
    except OverflowError:
        return 0

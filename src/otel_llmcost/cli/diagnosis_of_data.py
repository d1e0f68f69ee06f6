"""The state of what is kept here: ledger, prices, settings."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from ..assembly import ledger_settings, open_book, unknown_providers
from ..attribution.rules import read_rules
from ..budgets.parse import parse_budgets
from ..call import PENDING
from ..clients import read_use_cases
from ..config import Config
from ..errors import ConfigurationError, LedgerError, LlmCostError, UpdateError
from ..ledger.drain import open_up_to_date
from ..ledger.location import DATABASE_NAME, JOURNAL_FOLDER, file_system, is_remote, obstacle
from ..ledger.losses import read_losses
from ..ledger.remedies import words_of
from ..prices.load import STALE_DAYS
from ..prices.naming import doubtful_providers
from ..toml_source import read_toml
from .findings import BROKEN, NOTE, OK, Finding
from .losses import lost_text

_DAY_NS = 86_400 * 10**9
_COUNTS = "SELECT count(*), count(*) FILTER (WHERE status = ?), max(start_ns) FROM calls"


def ledger(config: Config) -> Iterable[Finding]:
    """Where calls are kept, how many, and whether the place is fit."""
    settings = ledger_settings(config)
    if not settings.enabled:
        yield Finding("ledger", "place", NOTE, "switched off: calls are counted, but not kept here")
        return
    directory = settings.directory
    if directory is None:
        text = "there is no home directory to keep calls in"
        yield Finding("ledger", "place", BROKEN, text, "set OTEL_LLMCOST_LEDGER to a directory")
        return
    kept_out = obstacle(directory)
    if kept_out:
        text = f"{directory} cannot be used: {kept_out}"
        yield Finding("ledger", "place", BROKEN, text, "set OTEL_LLMCOST_LEDGER to a writable directory")
        return
    if not directory.is_dir():
        yield Finding("ledger", "place", OK, f"{directory}, made by the first call")
        return
    if is_remote(directory):
        text = f"{directory} is on {file_system(directory)}, a file system shared between machines"
        yield Finding("ledger", "place", NOTE, text, "set OTEL_LLMCOST_LEDGER to a local directory")
    else:
        yield Finding("ledger", "place", OK, str(directory))
    yield _content(directory, settings.busy_timeout_s, settings.retention_days)
    yield from _losses(directory, settings.retention_days)


def _losses(directory: Path, retention_days: int) -> Iterable[Finding]:
    since_ns = time.time_ns() - retention_days * _DAY_NS if retention_days > 0 else None
    lost = read_losses(directory, since_ns=since_ns)
    if lost:
        remedy = "free space, or raise OTEL_LLMCOST_LEDGER_CAP_BYTES"
        yield Finding("ledger", "losses", NOTE, lost_text(lost), remedy)


def _content(directory: Path, busy_timeout_s: float, retention_days: int) -> Finding:
    try:
        with open_up_to_date(
            directory, busy_timeout_s=busy_timeout_s, retention_days=retention_days
        ) as opened:
            calls, waiting, latest = opened.database.execute(_COUNTS, [PENDING]).fetchone()
            damaged = opened.fact("damaged") or 0
    except LedgerError as error:
        return Finding("ledger", "content", BROKEN, str(error))
    size = sum(file.stat().st_size for file in _files(directory)) / 1e6
    last = f", the latest at {instant(latest)}" if latest else ""
    pending = f" ({waiting:,} pending)" if waiting else ""
    text = f"{calls:,} calls kept{pending}{last}; {size:,.1f} MB; kept {_how_long(retention_days)}"
    if opened.refusal:
        return Finding("ledger", "content", BROKEN, f"{text}; {opened.remark}")
    if damaged:
        return Finding("ledger", "content", NOTE, f"{text}; {damaged:,} damaged records were left out")
    return Finding("ledger", "content", OK, text)


def _how_long(days: int) -> str:
    return "for ever" if not days else "for 1 day" if days == 1 else f"for {days:,} days"


def _files(directory: Path) -> Iterable[Path]:
    yield from directory.glob(f"{DATABASE_NAME}*")
    yield from (directory / JOURNAL_FOLDER).glob("*")


def prices(config: Config) -> Iterable[Finding]:
    """How old the prices are, and what is wrong in the user's own."""
    try:
        book = open_book(config)
    except LlmCostError as error:
        yield Finding("prices", "book", BROKEN, str(error), "reinstall otel-llmcost")
        return
    yield _age(book.version, book.snapshot_date)
    yield from _update(config)
    for path in config.price_files:
        yield from _price_file(path)
    for problem in book.problems:
        yield Finding("prices", "own prices", BROKEN, str(problem))
    for doubt in doubtful_providers(book.catalogue):
        yield Finding("prices", "own prices", NOTE, str(doubt))
    for problem in unknown_providers(config, book):
        yield Finding("settings", problem.key, BROKEN, str(problem))


def _price_file(path: Path) -> Iterable[Finding]:
    try:
        read_toml(path)
    except (ConfigurationError, OSError) as problem:
        why = words_of(problem) if isinstance(problem, OSError) else problem
        yield Finding("prices", "price file", BROKEN, f"not in force: {why}", "mend OTEL_LLMCOST_PRICES")


def _update(config: Config) -> Iterable[Finding]:
    """Whether prices can be updated, where the user asked for it."""
    source = config.price_update_from
    if not source:
        return
    from ..updates.sources import key_of  # few ask for it

    remedy = (
        "set OTEL_LLMCOST_PRICES_UPDATE_KEY to the publisher's Ed25519 public key, as base64 or hexadecimal"
    )
    if not config.price_update_key:
        yield Finding("prices", "update", BROKEN, f"not updated from {source} without a key", remedy)
        return
    try:
        key_of(config.price_update_key.encode())
    except UpdateError as problem:
        text = f"not updated from {source}: {config.price_update_key!r} is {problem}"
        yield Finding("prices", "update", BROKEN, text, remedy)
    else:
        yield Finding("prices", "update", OK, f"from {source}, if signed with the key that you named")


def _age(version: str, snapshot_date: str) -> Finding:
    try:
        days = (datetime.now(UTC).date() - date.fromisoformat(snapshot_date)).days
    except ValueError:
        return Finding("prices", "book", NOTE, f"version {version}, of unknown age")
    text = f"version {version}, {days} days old"
    if days > STALE_DAYS:
        remedy = "pip install -U otel-llmcost, or otel-llmcost prices update --from ..."
        return Finding("prices", "book", NOTE, text, remedy)
    return Finding("prices", "book", OK, text)


def configuration(config: Config) -> Iterable[Finding]:
    """The settings file and what is wrong in it or in the environment."""
    if config.document is not None:
        trust = "" if config.trusted_document else ", found in a working directory: may not name addresses"
        yield Finding("settings", "file", OK, f"{config.document.path}{trust}")
    elif not any(problem.file for problem in config.problems):  # else there is one, which cannot be read
        yield Finding("settings", "file", OK, "none; otel-llmcost init writes a commented one")
    for problem in (*config.problems, *_problems_of_rooms(config)):
        yield Finding("settings", problem.key or "file", BROKEN, str(problem))


def _problems_of_rooms(config: Config) -> Iterable[ConfigurationError]:
    """What is wrong in the tables that rooms read by themselves."""
    if config.document is None:
        return
    top, file = config.document.table, str(config.document.path)
    yield from read_rules(top.get("rules"), file=file)[1]
    yield from parse_budgets(config.table("budgets"), file).problems
    yield from read_use_cases(top.get("use_cases"), file=file)[1]


def instant(ns: int) -> str:
    """An instant in ns UTC, for a person."""
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

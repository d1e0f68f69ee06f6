"""The database's schema, as steps that are only ever added to; `PRAGMA user_version` counts them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ..errors import LedgerError

Migration = Callable[[sqlite3.Connection], None]

# A sum of femto-dollars overflows 64 bits at $9,223, so nano-dollars and the rest of them are summed apart.
_FIRST = """
CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    call_key TEXT NOT NULL UNIQUE,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    provider TEXT NOT NULL,
    operation TEXT NOT NULL,
    model TEXT NOT NULL,
    request_model TEXT NOT NULL,
    response_model TEXT NOT NULL,
    tier TEXT NOT NULL,
    speed TEXT NOT NULL,
    region TEXT NOT NULL,
    variant TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    status TEXT NOT NULL,
    cost_nano INTEGER,
    cost_femto_rest INTEGER,
    currency TEXT NOT NULL,
    list_nano INTEGER,
    list_femto_rest INTEGER,
    savings_nano INTEGER NOT NULL,
    savings_femto_rest INTEGER NOT NULL,
    reported TEXT NOT NULL,
    price_version TEXT NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    output INTEGER NOT NULL,
    usage TEXT NOT NULL,
    components TEXT NOT NULL,
    lines TEXT NOT NULL,
    items TEXT NOT NULL,
    reasons TEXT NOT NULL,
    notes TEXT NOT NULL,
    source TEXT NOT NULL,
    stage TEXT NOT NULL,
    team TEXT NOT NULL,
    feature TEXT NOT NULL,
    conversation TEXT NOT NULL,
    session TEXT NOT NULL,
    user TEXT NOT NULL,
    tags TEXT NOT NULL,
    error_type TEXT NOT NULL,
    response_id TEXT NOT NULL,
    finish_reasons TEXT NOT NULL,
    first_chunk_s REAL,
    attempts INTEGER NOT NULL,
    service TEXT NOT NULL,
    run_id TEXT NOT NULL,
    pid INTEGER NOT NULL
);
CREATE INDEX calls_start ON calls (start_ns);
CREATE INDEX calls_run ON calls (run_id) WHERE run_id <> '';
CREATE INDEX calls_session ON calls (session) WHERE session <> '';
CREATE INDEX calls_conversation ON calls (conversation) WHERE conversation <> '';

CREATE TABLE rollups (
    quarter INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    operation TEXT NOT NULL,
    tier TEXT NOT NULL,
    source TEXT NOT NULL,
    stage TEXT NOT NULL,
    team TEXT NOT NULL,
    feature TEXT NOT NULL,
    service TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    failed INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    cost_nano INTEGER NOT NULL,
    cost_femto_rest INTEGER NOT NULL,
    savings_nano INTEGER NOT NULL,
    savings_femto_rest INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    output INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    PRIMARY KEY (quarter, provider, model, operation, tier, source, stage, team, feature, service,
                 currency, status, failed)
) WITHOUT ROWID;

CREATE TABLE repricings (
    call_key TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    reason TEXT NOT NULL,
    old_status TEXT NOT NULL,
    old_nano INTEGER,
    old_femto_rest INTEGER,
    old_version TEXT NOT NULL,
    old_components TEXT NOT NULL,
    new_status TEXT NOT NULL,
    new_nano INTEGER,
    new_femto_rest INTEGER,
    new_version TEXT NOT NULL
);
CREATE INDEX repricings_call ON repricings (call_key, at_ns);

CREATE TABLE segments (
    name TEXT PRIMARY KEY,
    drained INTEGER NOT NULL,
    damaged INTEGER NOT NULL
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


# SQLite turns a sum that leaves 64 bits into a double without a word: now such a sum is refused.
_CHECKED_ROLLUPS = """
CREATE TABLE checked_rollups (
    quarter INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    operation TEXT NOT NULL,
    tier TEXT NOT NULL,
    source TEXT NOT NULL,
    stage TEXT NOT NULL,
    team TEXT NOT NULL,
    feature TEXT NOT NULL,
    service TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    failed INTEGER NOT NULL,
    calls INTEGER NOT NULL CHECK (typeof(calls) = 'integer'),
    cost_nano INTEGER NOT NULL CHECK (typeof(cost_nano) = 'integer'),
    cost_femto_rest INTEGER NOT NULL CHECK (typeof(cost_femto_rest) = 'integer'),
    savings_nano INTEGER NOT NULL CHECK (typeof(savings_nano) = 'integer'),
    savings_femto_rest INTEGER NOT NULL CHECK (typeof(savings_femto_rest) = 'integer'),
    input INTEGER NOT NULL CHECK (typeof(input) = 'integer'),
    cache_read INTEGER NOT NULL CHECK (typeof(cache_read) = 'integer'),
    cache_write INTEGER NOT NULL CHECK (typeof(cache_write) = 'integer'),
    output INTEGER NOT NULL CHECK (typeof(output) = 'integer'),
    duration_us INTEGER NOT NULL CHECK (typeof(duration_us) = 'integer'),
    PRIMARY KEY (quarter, provider, model, operation, tier, source, stage, team, feature, service,
                 currency, status, failed)
) WITHOUT ROWID;

CREATE TEMP TABLE wrong_quarters (quarter INTEGER PRIMARY KEY);
INSERT OR IGNORE INTO wrong_quarters SELECT quarter FROM rollups
    WHERE typeof(cost_nano) <> 'integer' OR typeof(savings_nano) <> 'integer';
INSERT OR IGNORE INTO wrong_quarters SELECT start_ns / 900000000000 FROM calls
    WHERE abs(cost_nano) > 1000000000000000 OR abs(list_nano) > 1000000000000000
        OR abs(savings_nano) > 1000000000000000;

INSERT INTO repricings
    SELECT call_key, CAST(strftime('%s', 'now') AS INTEGER) * 1000000000, 'above the limit of a call',
        status, cost_nano, cost_femto_rest, price_version, components, 'unpriced', NULL, NULL, price_version
    FROM calls WHERE abs(cost_nano) > 1000000000000000 OR abs(list_nano) > 1000000000000000
        OR abs(savings_nano) > 1000000000000000;
UPDATE calls SET status = 'unpriced', cost_nano = NULL, cost_femto_rest = NULL, list_nano = NULL,
    list_femto_rest = NULL, savings_nano = 0, savings_femto_rest = 0, components = '', items = '',
    reasons = '["too-large: more than 1,000,000 USD, the most that the ledger keeps of one call"]'
    WHERE abs(cost_nano) > 1000000000000000 OR abs(list_nano) > 1000000000000000
        OR abs(savings_nano) > 1000000000000000;

INSERT INTO checked_rollups SELECT * FROM rollups WHERE quarter NOT IN (SELECT quarter FROM wrong_quarters);
INSERT INTO checked_rollups
    SELECT start_ns / 900000000000 AS of_quarter, provider, model, operation, tier, source, stage, team, feature,
        service, currency, status, error_type <> '' AS with_error, count(*), sum(coalesce(cost_nano, 0)),
        sum(coalesce(cost_femto_rest, 0)), sum(savings_nano), sum(savings_femto_rest), sum(input),
        sum(cache_read), sum(cache_write), sum(output),
        sum(min(max(end_ns - start_ns, 0) / 1000, 1000000000000))
    FROM calls WHERE start_ns / 900000000000 IN (SELECT quarter FROM wrong_quarters)
    GROUP BY of_quarter, provider, model, operation, tier, source, stage, team, feature, service, currency, status,
        with_error;
DROP TABLE wrong_quarters;
DROP TABLE rollups;
ALTER TABLE checked_rollups RENAME TO rollups
"""


def _script(statements: str) -> Migration:
    def migrate(database: sqlite3.Connection) -> None:
        for statement in statements.split(
            ";"
        ):  # `executescript` would commit the transaction around the step
            if statement.strip():
                database.execute(statement)

    return migrate


MIGRATIONS: tuple[Migration, ...] = (_script(_FIRST), _script(_CHECKED_ROLLUPS))
_OLDEST_READABLE = 1
"""Since this version every table and column that is read is there."""


def migrate(database: sqlite3.Connection, steps: Sequence[Migration] = MIGRATIONS) -> None:
    """Takes the missing steps, all or none. Raises `LedgerError` for a database of a newer release."""
    if _version(database) == len(steps):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        reached = _version(database)  # another process may have been faster
        if reached > len(steps):
            raise LedgerError(
                f"the ledger has schema version {reached}, this release knows {len(steps)}; "
                "remedy: upgrade otel-llmcost, or set OTEL_LLMCOST_LEDGER to another directory"
            )
        for step in steps[reached:]:
            step(database)
        database.execute(f"PRAGMA user_version = {len(steps)}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk has rolled it back already
            database.execute("ROLLBACK")
        raise


def is_readable(database: sqlite3.Connection, steps: Sequence[Migration] = MIGRATIONS) -> bool:
    """Whether a database that cannot be written may be read without the steps that it lacks."""
    return _OLDEST_READABLE <= _version(database) <= len(steps)


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])

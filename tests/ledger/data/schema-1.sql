-- A ledger as schema version 1 made it. Never regenerate: it stands for files that users have.
BEGIN TRANSACTION;
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
INSERT INTO "calls" VALUES(1,'otel:1:2',1795000000000000001,1795000001250000002,'openai','chat','gpt-5.4-mini-2026-03-17','gpt-5.4-mini','gpt-5.4-mini-2026-03-17','flex','','','','api.openai.com',443,'exact',2425200000,1,'USD',NULL,NULL,540000000,0,'','2026-11-20+3f9a1c2b',1200,0,0,350,'{"input":1200,"output":350}','{"input":"900000000000001","cache_read":"60000000000000","output":"1465200000000000"}','','','','','extraction','','','','','','','','','chatcmpl-1','["stop"]',NULL,1,'shop','',7);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
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
INSERT INTO "rollups" VALUES(1994444,'openai','gpt-5.4-mini-2026-03-17','chat','flex','extraction','','','','shop','USD','exact',0,1,2425200000,1,540000000,0,1200,0,0,350,1250000);
CREATE TABLE segments (
    name TEXT PRIMARY KEY,
    drained INTEGER NOT NULL,
    damaged INTEGER NOT NULL
);
CREATE INDEX calls_start ON calls (start_ns);
CREATE INDEX calls_run ON calls (run_id) WHERE run_id <> '';
CREATE INDEX calls_session ON calls (session) WHERE session <> '';
CREATE INDEX calls_conversation ON calls (conversation) WHERE conversation <> '';
CREATE INDEX repricings_call ON repricings (call_key, at_ns);
COMMIT;
PRAGMA user_version = 1;

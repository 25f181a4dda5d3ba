-- The ledger: what ran, what it read, what stands in the lake, what was delivered.
-- Times are UTC text of fixed width (2026-03-15T00:00:00.000000Z), so that they sort as text; ids are UUIDs as text; figures are
-- BIGINT; JSON is text. Nothing here is particular to one database.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    job TEXT NOT NULL,
    tick TEXT NOT NULL,
    interval_start TEXT NOT NULL,
    interval_end TEXT NOT NULL,
    known_at TEXT NOT NULL,
    attempt BIGINT NOT NULL CHECK (attempt > 0),
    state TEXT NOT NULL CHECK (state IN ('claimed', 'running', 'published', 'delivered', 'failed', 'nothing')),
    started_at TEXT NOT NULL,
    ended_at TEXT,
    host TEXT NOT NULL,
    program_version TEXT NOT NULL,
    error TEXT,
    UNIQUE (job, tick, attempt)
);
CREATE INDEX runs_by_start ON runs (started_at);
CREATE INDEX runs_by_state ON runs (state);

-- One row per lease name. It stays after the lease is given back, so that the token only ever rises.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    token BIGINT NOT NULL,
    holder TEXT,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    since TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

CREATE TABLE steps (
    run_id TEXT NOT NULL REFERENCES runs (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    row_count BIGINT NOT NULL DEFAULT 0,
    byte_count BIGINT NOT NULL DEFAULT 0,
    file_count BIGINT NOT NULL DEFAULT 0,
    detail TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, position)
);

-- The current version of every landed file.
CREATE TABLE landing_files (
    channel TEXT NOT NULL,
    instance TEXT NOT NULL,
    source_path TEXT NOT NULL,
    export TEXT NOT NULL,
    file_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    run_id TEXT REFERENCES runs (id),
    PRIMARY KEY (channel, instance, source_path)
);

-- What became of the records of each decoded unit: a file's version or a part of it.
CREATE TABLE units (
    table_name TEXT NOT NULL,
    unit TEXT NOT NULL,
    export TEXT NOT NULL,
    instance TEXT NOT NULL,
    file_id TEXT NOT NULL,
    source_path TEXT NOT NULL,
    version BIGINT NOT NULL,
    records BIGINT NOT NULL,
    published BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    excluded BIGINT NOT NULL,
    totals TEXT NOT NULL DEFAULT '{}',
    run_id TEXT REFERENCES runs (id),
    PRIMARY KEY (table_name, unit),
    CHECK (records = published + quarantined + duplicate + excluded)
);
CREATE INDEX units_by_file ON units (file_id);

CREATE TABLE snapshots (
    id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE,
    run_id TEXT REFERENCES runs (id),
    taken_at TEXT NOT NULL
);
CREATE INDEX snapshots_by_time ON snapshots (taken_at);

CREATE TABLE snapshot_tables (
    snapshot_id TEXT NOT NULL REFERENCES snapshots (id),
    table_name TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 0),
    PRIMARY KEY (snapshot_id, table_name)
);

-- Of what each mart was built last, so that an unchanged one is not built again.
CREATE TABLE models (
    table_name TEXT NOT NULL PRIMARY KEY,
    definition_hash TEXT NOT NULL,
    inputs TEXT NOT NULL,
    version BIGINT NOT NULL,
    run_id TEXT REFERENCES runs (id),
    built_at TEXT NOT NULL
);

-- What each run decided about each report.
CREATE TABLE deliveries (
    run_id TEXT NOT NULL REFERENCES runs (id),
    report TEXT NOT NULL,
    instance TEXT NOT NULL,
    tick TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('delivered', 'unchanged', 'not_made', 'skipped', 'conflict')),
    path TEXT,
    sha256 TEXT,
    byte_count BIGINT,
    run_key TEXT,
    known_at TEXT NOT NULL,
    revision BIGINT NOT NULL CHECK (revision > 0),
    delivered_at TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (run_id, report, instance)
);
CREATE INDEX deliveries_by_report ON deliveries (report, instance, tick);

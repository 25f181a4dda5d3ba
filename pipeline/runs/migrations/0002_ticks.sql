-- What each job owes: one row per tick that became due or was run. The row is the claim: of two schedulers one gets it.
CREATE TABLE ticks (
    job TEXT NOT NULL,
    tick TEXT NOT NULL,
    interval_start TEXT NOT NULL,
    interval_end TEXT NOT NULL,
    known_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'claimed', 'running', 'published', 'delivered', 'nothing', 'empty', 'failed', 'given_up', 'skipped')),
    failures BIGINT NOT NULL DEFAULT 0,
    run_id TEXT REFERENCES runs (id),
    note TEXT,
    late_since TEXT,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (job, tick)
);
CREATE INDEX ticks_by_state ON ticks (state);

-- Every move of a tick from state to state: when, where, by which version, under which run.
CREATE TABLE tick_moves (
    job TEXT NOT NULL,
    tick TEXT NOT NULL,
    position BIGINT NOT NULL,
    state TEXT NOT NULL,
    moved_at TEXT NOT NULL,
    host TEXT NOT NULL,
    program_version TEXT NOT NULL,
    run_id TEXT REFERENCES runs (id),
    note TEXT,
    PRIMARY KEY (job, tick, position),
    FOREIGN KEY (job, tick) REFERENCES ticks (job, tick)
);

-- From which tick on the scheduler answers for a job.
CREATE TABLE job_starts (
    job TEXT NOT NULL PRIMARY KEY,
    tick TEXT NOT NULL,
    recorded_at TEXT NOT NULL
);

-- Delivered reports that rows belong to which became known later.
CREATE TABLE stale_reports (
    job TEXT NOT NULL,
    report TEXT NOT NULL,
    instance TEXT NOT NULL,
    tick TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    known_until TEXT NOT NULL,
    found_at TEXT NOT NULL,
    PRIMARY KEY (report, instance, tick)
);

-- A retry is the same attempt of the same tick; a rerun, a restatement or a backfill is another attempt. `number` counts all runs of a tick.
ALTER TABLE runs RENAME COLUMN attempt TO number;
ALTER TABLE runs ADD COLUMN attempt BIGINT NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN retry BIGINT NOT NULL DEFAULT 0;
UPDATE runs SET attempt = number;

-- What ran before there were ticks. A run that has no end is found by whoever takes the lease next.
INSERT INTO ticks (job, tick, interval_start, interval_end, known_at, state, run_id, changed_at)
SELECT job, tick, interval_start, interval_end, known_at, state, id, COALESCE(ended_at, started_at) FROM runs
WHERE job NOT LIKE 'rebuild %' AND job <> 'vacuum'
  AND number = (SELECT MAX(number) FROM runs newest WHERE newest.job = runs.job AND newest.tick = runs.tick
                AND (newest.state IN ('delivered', 'nothing')
                     OR NOT EXISTS (SELECT 1 FROM runs done WHERE done.job = runs.job AND done.tick = runs.tick AND done.state IN ('delivered', 'nothing'))));

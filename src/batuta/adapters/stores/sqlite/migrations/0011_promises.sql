-- Soft deadlines: one row per occurrence of a task (or run) with an SLA, as long as the run is kept. `next_at` is
-- when there is something to tell of it; NULL: nothing any more.
CREATE TABLE promises (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    workflow TEXT NOT NULL,
    control TEXT NOT NULL,
    reference TEXT NOT NULL,
    name TEXT NOT NULL,
    participant TEXT,
    acts INTEGER NOT NULL,
    since INTEGER NOT NULL,
    warn_at INTEGER,
    due_at INTEGER NOT NULL,
    warned_at INTEGER,
    breached_at INTEGER,
    ended_at INTEGER,
    next_at INTEGER,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX promises_due ON promises (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX promises_open ON promises (due_at) WHERE ended_at IS NULL;
CREATE INDEX promises_by_time ON promises (since, workflow, reference, name, ended_at, warned_at, breached_at);

-- What people are told, once per channel.
CREATE TABLE alerts (
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    "group" TEXT NOT NULL,
    run TEXT NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    next_at INTEGER,
    attempts INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (id, channel)
) STRICT, WITHOUT ROWID;

CREATE INDEX alerts_due ON alerts (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX alerts_of_group ON alerts (channel, "group", outcome, ended_at);
CREATE INDEX alerts_by_age ON alerts (at);

-- When to see whether a choreographed run is stuck.
ALTER TABLE runs ADD COLUMN check_at INTEGER;
CREATE INDEX runs_to_check ON runs (check_at) WHERE check_at IS NOT NULL AND ended_at IS NULL;

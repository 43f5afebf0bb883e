-- The journal is append-only and in the order of commits: rows of many runs lie side by side, so that
-- one commit touches few pages, however many runs it moves. The index finds one run's rows, and is
-- the fence: a process that has lost a run cannot write the row that another has written.
CREATE TABLE workflows (
    identity TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    source BLOB NOT NULL,
    deployed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    workflow TEXT NOT NULL,
    control TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    wake_at INTEGER,
    owner TEXT,
    parent TEXT,
    parent_key TEXT,
    origin TEXT,
    first_event INTEGER NOT NULL,
    output BLOB,
    fault BLOB,
    problem TEXT,
    setup TEXT
) STRICT;

CREATE INDEX runs_under_way ON runs (owner, status) WHERE ended_at IS NULL;
CREATE INDEX runs_due ON runs (owner, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_of_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE journal (
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    answers BLOB
) STRICT;

CREATE UNIQUE INDEX journal_of_run ON journal (run, seq);

CREATE TABLE snapshots (
    run TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;

CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    identity TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE INDEX events_of_type ON events (type, number);
-- CloudEvents: source and id together identify an event; a second publication is the same event.
CREATE UNIQUE INDEX events_identity ON events (identity);

CREATE TABLE subscriptions (
    run TEXT NOT NULL,
    token TEXT NOT NULL,
    key TEXT NOT NULL,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE INDEX subscriptions_by_event ON subscriptions (type, source, value);
CREATE INDEX subscriptions_of_run ON subscriptions (run);

CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE cursors (
    owner TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;

-- What is done to many runs at once: which, and how far it has come, so that it goes on after a restart.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    view BLOB NOT NULL,
    runs BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_under_way ON jobs (id) WHERE state = 'running';

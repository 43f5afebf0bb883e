-- How far the schedules of deployed workflows have come. Written in the transaction that starts the
-- run which it tells of, so that a fire is neither lost nor repeated.
CREATE TABLE schedules (
    identity TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    run TEXT NOT NULL,
    first_event INTEGER NOT NULL,
    heard TEXT NOT NULL,
    PRIMARY KEY (identity, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_of_workflow_under_way ON runs (workflow) WHERE ended_at IS NULL;

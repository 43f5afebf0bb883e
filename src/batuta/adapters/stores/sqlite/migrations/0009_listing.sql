-- What lists are asked for. Each index begins with what has to be equal and ends with the order of
-- lists, so that a page is a few places in it, however many runs there are. Hidden runs are in none.
ALTER TABLE runs ADD COLUMN keys BLOB;
ALTER TABLE runs ADD COLUMN stuck INTEGER;

CREATE INDEX runs_by_time ON runs (started_at, id) WHERE instr(workflow, '#') = 0;
CREATE INDEX runs_listed ON runs (workflow, control, status, started_at, id) WHERE instr(workflow, '#') = 0;
CREATE INDEX runs_stuck ON runs (workflow, control, status, started_at, id)
WHERE ended_at IS NULL AND (stuck IS NOT NULL OR problem IS NOT NULL) AND instr(workflow, '#') = 0;
CREATE INDEX runs_failed ON runs (
    iif(json_valid(CAST(fault AS TEXT)), json_extract(CAST(fault AS TEXT), '$.type'), ''),
    workflow, control, status, started_at, id
) WHERE fault IS NOT NULL AND instr(workflow, '#') = 0;

DROP INDEX runs_of_parent;
CREATE INDEX runs_of_parent ON runs (parent, started_at, id) WHERE parent IS NOT NULL;

-- Business keys, in the texts by which runs are found. Runs without keys have no rows here.
CREATE TABLE keys (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (name, value, started_at, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_of_run ON keys (run, name, value);

-- Events that wait for the rest of their group, so that one run starts for all of it. `value` is what
-- that run will be given of the event.
CREATE TABLE gathered (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    "group" INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (scope, key, "group", slot)
) STRICT, WITHOUT ROWID;

CREATE INDEX gathered_by_age ON gathered (at);

-- What a viewer has heard of choreographed runs, in rows beside those of orchestrated ones. A report
-- that is told again changes nothing.
CREATE TABLE reports (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    what TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    place INTEGER NOT NULL,
    position INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (run, key, what, attempt)
) STRICT, WITHOUT ROWID;

-- How far a viewer has read which bus.
CREATE TABLE viewed (
    bus TEXT NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

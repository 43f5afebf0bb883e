-- What a participant takes from the bus and gives to it, in the transaction of what it leads to.
CREATE TABLE inbox (
    run TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    run TEXT NOT NULL
) STRICT;

CREATE TABLE parked (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    why TEXT NOT NULL,
    reason TEXT NOT NULL,
    run TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    place INTEGER NOT NULL
) STRICT;

CREATE INDEX parked_by_why ON parked (why, number);

-- Choreographed runs that were forgotten: a message of one that comes months later is still known.
CREATE TABLE past (
    run TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

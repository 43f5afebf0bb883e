-- Tasks that were asked for over the bus: what is to be performed, then what was answered, so that a
-- request that comes twice gets the same answer and has its effect once.
CREATE TABLE served (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    request BLOB,
    answer BLOB,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX served_unanswered ON served (at) WHERE request IS NOT NULL;
CREATE INDEX served_answered ON served (at) WHERE answer IS NOT NULL;

-- What this store is called where several meet, as on a bus: not its path, which two machines share.
CREATE TABLE store (
    name TEXT NOT NULL
) STRICT;

INSERT INTO store VALUES (lower(hex(randomblob(16))));

-- Which messages of a bus concern which run, by their numbers there; where `task` is told, that listen heard it.
CREATE TABLE exchanged (
    run TEXT NOT NULL,
    at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    task TEXT NOT NULL,
    participant TEXT,
    PRIMARY KEY (run, at, number, task)
) STRICT, WITHOUT ROWID;

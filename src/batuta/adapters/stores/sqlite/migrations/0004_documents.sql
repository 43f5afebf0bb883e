-- Documents by their content: a version may get another text while nothing uses it, and the runs
-- that ended before keep the one they ran.
CREATE TABLE documents (
    digest TEXT NOT NULL PRIMARY KEY,
    source BLOB NOT NULL
) STRICT;

INSERT OR IGNORE INTO documents (digest, source) SELECT digest, source FROM workflows;
ALTER TABLE workflows DROP COLUMN source;

ALTER TABLE runs ADD COLUMN digest TEXT;
UPDATE runs SET digest = (
    SELECT digest FROM workflows WHERE identity = substr(workflow, 1, instr(workflow || '#', '#') - 1)
);

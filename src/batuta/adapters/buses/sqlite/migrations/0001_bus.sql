-- Types by small numbers, so that the index of messages by type is small too.
CREATE TABLE kinds (
  kind INTEGER PRIMARY KEY,
  type TEXT NOT NULL UNIQUE
);

-- The bus's order. A number is given once: see `file.py`. The body comes last, so that looking at
-- the columns before it never reads the pages that a large one lies on.
CREATE TABLE messages (
  number INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  body BLOB NOT NULL
);

-- With the row's number, as every index has it: the messages of a type in the bus's order.
CREATE INDEX messages_by_kind ON messages (kind);

-- A durable consumer; `types` is a JSON array, or NULL for all; `given` and `kept` are a place
-- (`place.py`). `revision` changes with every change of the row, and is not that of another row that
-- once had the name.
CREATE TABLE consumers (
  name TEXT PRIMARY KEY,
  types TEXT,
  given INTEGER NOT NULL,
  kept BLOB NOT NULL,
  revision INTEGER NOT NULL
) WITHOUT ROWID;

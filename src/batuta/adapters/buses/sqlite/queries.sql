-- The statements of the bus, by name.

-- name: newest
SELECT max(number) FROM messages;

-- name: kind
SELECT kind FROM kinds WHERE type = ?1;

-- name: add_kind
INSERT INTO kinds (type) VALUES (?1) RETURNING kind;

-- name: kept_between
SELECT number FROM messages WHERE number BETWEEN ?1 AND ?2;

-- name: after
SELECT m.number, m.id, k.type, m.body FROM messages m JOIN kinds k USING (kind)
WHERE m.number > ?1 ORDER BY m.number LIMIT ?2;

-- name: numbers_of_kind
SELECT number FROM messages WHERE kind = ?1 AND number > ?2 ORDER BY number LIMIT ?3;

-- name: message
SELECT m.number, m.id, k.type, m.body FROM messages m JOIN kinds k USING (kind)
WHERE m.number = ?1;

-- name: count_after
SELECT count(*) FROM messages WHERE number > ?1;

-- name: count_of_kind
SELECT count(*) FROM messages WHERE kind = ?1 AND number > ?2;

-- name: first_of_kind
SELECT min(number) FROM messages WHERE kind = ?1 AND number > ?2;

-- name: consumer
SELECT types, given, kept, revision FROM consumers WHERE name = ?1;

-- name: revision
SELECT revision FROM consumers WHERE name = ?1;

-- name: consumers
SELECT types, given, kept, revision FROM consumers;

-- name: put_consumer
INSERT INTO consumers VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name) DO UPDATE SET types = ?2, given = ?3, kept = ?4, revision = ?5;

-- name: forget
DELETE FROM consumers WHERE name = ?1;

-- name: holder
SELECT holder FROM claims WHERE name = ?1;

-- name: claim
INSERT OR REPLACE INTO claims VALUES (?1, ?2);

-- name: unclaim
DELETE FROM claims WHERE name = ?1;

-- name: purge
DELETE FROM messages WHERE number IN (
  SELECT number FROM messages WHERE number < ?1 ORDER BY number LIMIT ?2
);

-- name: insert_events
-- Publishing the same event again changes nothing, and uses up no number.
INSERT INTO events (at, type, identity, body) SELECT ?1, ?2, ?3, ?4
WHERE NOT EXISTS (SELECT 1 FROM events WHERE identity = ?3) RETURNING number;

-- name: event_number
SELECT number FROM events WHERE identity = ?;

-- name: change_runs
-- The places of the values come in where (?1) stands. A terminal state is written once.
UPDATE runs SET status = c.column2, wake_at = c.column3, ended_at = coalesce(c.column4, ended_at),
    output = coalesce(c.column5, output), fault = coalesce(c.column6, fault),
    problem = nullif(coalesce(c.column7, problem), '')
FROM (VALUES (?1)) AS c
WHERE runs.id = c.column1 AND runs.ended_at IS NULL;

-- name: subscribe
INSERT INTO subscriptions (run, token, key, type, source, value) VALUES (?, ?, ?, ?, ?, ?);

-- name: unsubscribe
DELETE FROM subscriptions WHERE run = ? AND key = ?;

-- name: unsubscribe_run
DELETE FROM subscriptions WHERE run = ?;

-- name: put_snapshot
INSERT INTO snapshots (run, seq, state) VALUES (?, ?, ?)
ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, state = excluded.state WHERE excluded.seq > seq;

-- name: done_request
DELETE FROM requests WHERE id = ?;

-- name: put_cursor
INSERT INTO cursors (owner, number) VALUES (?, ?)
ON CONFLICT (owner) DO UPDATE SET number = max(number, excluded.number);

-- name: deploy
INSERT INTO workflows (identity, digest, deployed_at) VALUES (?, ?, ?) ON CONFLICT (identity) DO NOTHING;

-- name: redeploy
UPDATE workflows SET digest = ?2, deployed_at = ?3 WHERE identity = ?1;

-- name: keep_document
INSERT INTO documents (digest, source) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING;

-- name: users
-- Hidden runs too.
SELECT id FROM runs
WHERE ended_at IS NULL AND (workflow = ?1 OR substr(workflow, 1, length(?1) + 1) = ?1 || '#') ORDER BY id;

-- name: digest
SELECT digest FROM workflows WHERE identity = ?;

-- name: workflow
SELECT source FROM workflows JOIN documents USING (digest) WHERE identity = ?;

-- name: document
SELECT source FROM documents WHERE digest = ?;

-- name: workflows
SELECT identity FROM workflows WHERE substr(identity, 1, length(?1)) = ?1 ORDER BY deployed_at, identity;

-- name: run
SELECT * FROM runs WHERE id = ?;

-- name: runs
SELECT * FROM runs
WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR workflow = ?2 OR substr(workflow, 1, length(?2) + 1) = ?2 || ':')
    AND (?3 IS NULL OR parent = ?3) AND (?4 IS NULL OR id < ?4) AND instr(workflow, '#') = 0
ORDER BY id DESC LIMIT ?5;

-- name: journal
SELECT run, seq, at, body, answers FROM journal WHERE run = ? AND seq > ? ORDER BY seq;

-- name: snapshot
SELECT seq, state FROM snapshots WHERE run = ?;

-- name: live
SELECT * FROM runs WHERE owner = ? AND status = 'running' AND ended_at IS NULL ORDER BY id;

-- name: owners
SELECT DISTINCT owner FROM runs
WHERE ended_at IS NULL AND owner IS NOT NULL AND (? OR instr(workflow, '#') = 0);

-- name: adopt
UPDATE runs SET owner = ?1 WHERE owner = ?2 AND ended_at IS NULL AND (?3 OR instr(workflow, '#') = 0)
RETURNING *;

-- name: adopt_cursor
-- Whoever never had a place had dealt with what was there when its first run began (the last value).
INSERT INTO cursors (owner, number) VALUES (?1, coalesce((SELECT number FROM cursors WHERE owner = ?2), ?3))
ON CONFLICT (owner) DO UPDATE SET number = min(number, excluded.number);

-- name: drop_cursor
DELETE FROM cursors WHERE owner = ?1
    AND NOT EXISTS (SELECT 1 FROM runs WHERE owner = ?1 AND ended_at IS NULL);

-- name: cursor
SELECT number FROM cursors WHERE owner = ?;

-- name: due
SELECT * FROM runs WHERE owner = ? AND wake_at <= ? ORDER BY wake_at LIMIT ?;

-- name: next_wake
SELECT min(wake_at) FROM runs WHERE owner = ? AND wake_at IS NOT NULL;

-- name: last_event
SELECT max(number) FROM events;

-- name: events
SELECT number, at, body FROM events WHERE number > ? ORDER BY number LIMIT ?;

-- name: events_of_types
SELECT number, at, body FROM events
WHERE number > ? AND type IN (SELECT value FROM json_each(?)) ORDER BY number LIMIT ?;

-- name: sources
-- A skip scan: one look into the index per distinct source, however many subscriptions there are.
WITH RECURSIVE
    types (type) AS (VALUES (?1), ('')),
    found (type, source) AS (
        SELECT type, (SELECT min(source) FROM subscriptions WHERE subscriptions.type = types.type) FROM types
        UNION ALL
        SELECT type, (
            SELECT min(source) FROM subscriptions WHERE subscriptions.type = found.type AND source > found.source
        ) FROM found WHERE source IS NOT NULL
    )
SELECT DISTINCT source FROM found WHERE source IS NOT NULL;

-- name: subscribers
SELECT DISTINCT run FROM subscriptions WHERE type IN (?, '') AND source = ? AND value = ?;

-- name: subscriptions
SELECT run, token, key, type, source, value FROM subscriptions WHERE run = ?;

-- name: ask
INSERT INTO requests (run, body) VALUES (?, ?);

-- name: requests
SELECT requests.id, requests.run, requests.body FROM requests JOIN runs ON runs.id = requests.run
WHERE runs.owner = ? ORDER BY requests.id;

-- name: put_schedule
INSERT INTO schedules (identity, kind, number, at, run, first_event, heard) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (identity, kind) DO UPDATE SET number = excluded.number, at = excluded.at, run = excluded.run,
    first_event = excluded.first_event, heard = excluded.heard
WHERE excluded.number > number;

-- name: schedules
SELECT identity, kind, number, at, run, first_event, heard FROM schedules WHERE identity = ?;

-- name: put_gathered
INSERT INTO gathered (scope, key, "group", slot, at, value) VALUES (?, ?, ?, ?, ?, ?);

-- name: release_gathered
DELETE FROM gathered WHERE scope = ? AND key = ? AND "group" = ?;

-- name: gathered
SELECT scope, key, "group", slot, at, value FROM gathered WHERE scope = ? AND key = ? ORDER BY "group", slot;

-- name: purge_gathered
DELETE FROM gathered WHERE at < ?;

-- name: under_way
SELECT * FROM runs WHERE workflow = ? AND ended_at IS NULL ORDER BY id;

-- name: purgeable
SELECT id FROM runs WHERE ended_at < ? AND id NOT IN (SELECT run FROM schedules) ORDER BY ended_at LIMIT ?;

-- name: purge_journal
DELETE FROM journal WHERE run = ?;

-- name: purge_snapshot
DELETE FROM snapshots WHERE run = ?;

-- name: purge_requests
DELETE FROM requests WHERE run = ?;

-- name: purge_run
DELETE FROM runs WHERE id = ?;

-- name: purge_documents
-- Few documents are superseded, so that the runs are rarely looked through.
DELETE FROM documents WHERE digest NOT IN (SELECT digest FROM workflows)
    AND digest NOT IN (SELECT digest FROM runs WHERE digest IS NOT NULL);

-- name: purge_cursors
-- Whoever has no runs has nothing to hear; its place is written again with its next run.
DELETE FROM cursors WHERE owner NOT IN (SELECT owner FROM runs WHERE ended_at IS NULL AND owner IS NOT NULL);

-- name: purge_events
-- An event stays while a conductor has not dealt with it, and while a run lives that may listen to it.
DELETE FROM events WHERE at < ? AND number <= (SELECT coalesce(min(number), 9e18) FROM cursors)
    AND number <= (SELECT coalesce(min(first_event), 9e18) FROM runs WHERE ended_at IS NULL);

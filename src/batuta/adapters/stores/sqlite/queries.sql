-- name: insert_events
-- Publishing the same event again changes nothing, and uses up no number. The places of the values
-- come in where (?1) stands: place, at, type, identity, body; no identity comes twice.
INSERT INTO events (at, type, identity, body)
SELECT n.column2, n.column3, n.column4, n.column5 FROM (VALUES (?1)) AS n
WHERE NOT EXISTS (SELECT 1 FROM events WHERE identity = n.column4)
ORDER BY n.column1 RETURNING identity, number;

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

-- name: deployed_at
SELECT deployed_at FROM workflows WHERE identity = ?;

-- name: workflow
SELECT source FROM workflows JOIN documents USING (digest) WHERE identity = ?;

-- name: document
SELECT source FROM documents WHERE digest = ?;

-- name: workflows
SELECT identity FROM workflows WHERE substr(identity, 1, length(?1)) = ?1 ORDER BY deployed_at, identity;

-- name: run
SELECT * FROM runs WHERE id = ?;

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

-- name: purge_keys
DELETE FROM keys WHERE run = ?;

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
-- An event stays while a conductor has not dealt with it, and while a run lives that may listen to it (one that
-- is only looked at here listens elsewhere).
DELETE FROM events WHERE at < ? AND number <= (SELECT coalesce(min(number), 9e18) FROM cursors)
    AND number <= (SELECT coalesce(min(first_event), 9e18) FROM runs WHERE ended_at IS NULL AND owner IS NOT NULL);

-- name: forget_sent
DELETE FROM outbox WHERE number BETWEEN ? AND ?;

-- name: hear
INSERT OR IGNORE INTO events (number, at, type, identity, body) VALUES (?, ?, ?, ?, ?);

-- name: park
INSERT INTO parked (at, why, reason, run, id, type, body, attempts, place)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
WHERE ?9 = 0 OR NOT EXISTS (SELECT 1 FROM parked WHERE place = ?9);

-- name: redrive
UPDATE parked SET why = 'again' WHERE number = ?;

-- name: unpark
DELETE FROM parked WHERE number = ?;

-- name: has_taken
SELECT 1 FROM inbox WHERE run = ? AND id = ?;

-- name: last_taken
SELECT max(id) FROM inbox WHERE run = ?1 AND id >= ?2 AND substr(id, 1, length(?2)) = ?2;

-- name: known
SELECT asked.value FROM json_each(?) AS asked
WHERE EXISTS (SELECT 1 FROM runs WHERE id = asked.value)
    OR EXISTS (SELECT 1 FROM past WHERE run = asked.value);

-- name: outbox
SELECT number, id, type, body, run FROM outbox WHERE number > ? ORDER BY number LIMIT ?;

-- name: parked
SELECT * FROM parked WHERE why = ? AND number > ? ORDER BY number LIMIT ?;

-- name: parked_one
SELECT * FROM parked WHERE number = ?;

-- name: purge_inbox
DELETE FROM inbox WHERE run = ?;

-- name: note_past
INSERT OR IGNORE INTO past SELECT id FROM runs WHERE id = ? AND control = 'choreographed';

-- name: purge_late
DELETE FROM parked WHERE why = 'late' AND at < ?;

-- name: serve
INSERT OR REPLACE INTO served (run, key, at, request, answer) VALUES (?, ?, ?, ?, ?);

-- name: unserve
DELETE FROM served WHERE run = ? AND key = ?;

-- name: served
SELECT run, key, at, request, answer FROM served WHERE run = ? AND key = ?;

-- name: unanswered
SELECT run, key, at, request, answer FROM served WHERE request IS NOT NULL ORDER BY at, run, key;

-- name: purge_served
-- That it was asked for is known for ever; what the answer was is not.
UPDATE served SET answer = NULL WHERE answer IS NOT NULL AND at < ?;

-- name: store_name
SELECT name FROM store;

-- name: see_run
-- What is known stays; what was not known before is filled in, also of a run that has ended meanwhile.
-- A status that is not told is kept.
INSERT INTO runs (id, workflow, control, status, started_at, parent, first_event, setup, digest, keys, origin)
SELECT ?1, ?2, 'choreographed', 'running', ?4, ?5, 0, ?6, ?3, ?7, ?8
WHERE NOT EXISTS (SELECT 1 FROM past WHERE run = ?1)
ON CONFLICT (id) DO UPDATE SET workflow = iif(digest IS NULL, excluded.workflow, workflow),
    digest = coalesce(digest, excluded.digest), parent = coalesce(parent, excluded.parent),
    setup = coalesce(setup, excluded.setup), keys = coalesce(keys, excluded.keys),
    origin = coalesce(origin, excluded.origin)
WHERE control = 'choreographed';

-- name: see_key
-- Of the keys that were told first.
INSERT OR IGNORE INTO keys (name, value, started_at, run)
SELECT ?2, ?3, started_at, id FROM runs WHERE id = ?1 AND control = 'choreographed' AND keys = ?4;

-- name: see_status
UPDATE runs SET status = ?2, ended_at = ?3, output = ?4, fault = ?5
WHERE id = ?1 AND control = 'choreographed' AND ended_at IS NULL;

-- name: report
-- Only of runs that are known as choreographed: who tells of another is not believed.
INSERT OR IGNORE INTO reports SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?1 AND control = 'choreographed');

-- name: reports
SELECT body FROM reports WHERE run = ? ORDER BY at, place, position;

-- name: put_viewed
INSERT INTO viewed (bus, place) VALUES (?, ?) ON CONFLICT (bus) DO UPDATE SET place = max(place, excluded.place);

-- name: viewed
SELECT place FROM viewed WHERE bus = ?;

-- name: note_exchanged
INSERT OR IGNORE INTO exchanged SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?1);

-- name: exchanged
SELECT run, at, number, task, participant FROM exchanged
WHERE run = ?1 AND (at, number, task) > (?2, ?3, ?4) ORDER BY at, number, task LIMIT ?5;

-- name: purge_exchanged
DELETE FROM exchanged WHERE run = ?;

-- name: purge_reports
DELETE FROM reports WHERE run = ?;

-- name: run_status
SELECT status FROM runs WHERE id = ?;

-- name: put_keys
-- The places of the values come in where (?1) stands.
UPDATE runs SET keys = c.column2 FROM (VALUES (?1)) AS c WHERE runs.id = c.column1;

-- name: put_key_texts
-- As above. A key is told once of a run.
INSERT OR IGNORE INTO keys (name, value, started_at, run)
SELECT c.column2, c.column3, runs.started_at, runs.id FROM (VALUES (?1)) AS c JOIN runs ON runs.id = c.column1;

-- name: mark_stuck
UPDATE runs SET stuck = ?2 WHERE id = ?1 AND ended_at IS NULL AND stuck IS NOT ?2;

-- name: place_of_run
SELECT started_at FROM runs WHERE id = ?;

-- name: listed_by_time
SELECT started_at, id FROM runs INDEXED BY runs_by_time
WHERE instr(workflow, '#') = 0 AND started_at >= :since AND (started_at, id) < (:at, :id)
ORDER BY started_at DESC, id DESC LIMIT :limit;

-- name: listed_of_parent
SELECT started_at, id FROM runs INDEXED BY runs_of_parent
WHERE parent = :parent AND started_at >= :since AND (started_at, id) < (:at, :id)
ORDER BY started_at DESC, id DESC LIMIT :limit;

-- name: listed_by_key
SELECT started_at, run FROM keys
WHERE name = :name AND value = :value AND started_at >= :since AND (started_at, run) < (:at, :id)
ORDER BY started_at DESC, run DESC LIMIT :limit;

-- name: listed_workflows
-- A skip scan: one look into the index per workflow, however many runs there are.
WITH RECURSIVE found (workflow) AS (
    SELECT min(workflow) FROM runs INDEXED BY runs_listed
    WHERE instr(workflow, '#') = 0 AND workflow >= :low AND workflow < :high
    UNION ALL
    SELECT (
        SELECT min(runs.workflow) FROM runs INDEXED BY runs_listed
        WHERE instr(runs.workflow, '#') = 0 AND runs.workflow > found.workflow AND runs.workflow < :high
    ) FROM found WHERE found.workflow IS NOT NULL
)
SELECT workflow FROM found WHERE workflow IS NOT NULL;

-- name: listed
-- One range of an index per workflow, control model and status that may be meant. The newest runs of all ranges
-- are in those whose newest runs are the newest, so only these are read. Another index of the same order may stand
-- for `runs_listed`, with what it demands for `/* narrower */`.
WITH
    heads AS (
        SELECT w.value AS workflow, c.value AS control, s.value AS status, (
            SELECT r.rowid FROM runs AS r INDEXED BY runs_listed
            WHERE instr(r.workflow, '#') = 0 /* narrower */
                AND r.workflow = w.value AND r.control = c.value AND r.status = s.value
                AND r.started_at >= :since AND (r.started_at, r.id) < (:at, :id)
            ORDER BY r.started_at DESC, r.id DESC LIMIT 1
        ) AS head
        FROM json_each(:workflows) AS w, json_each(:controls) AS c, json_each(:statuses) AS s
    ),
    best AS (
        SELECT heads.workflow, heads.control, heads.status FROM heads JOIN runs ON runs.rowid = heads.head
        ORDER BY runs.started_at DESC, runs.id DESC LIMIT :limit
    )
SELECT runs.started_at, runs.id FROM best CROSS JOIN runs ON runs.rowid IN (
    SELECT r.rowid FROM runs AS r INDEXED BY runs_listed
    WHERE instr(r.workflow, '#') = 0 /* narrower */
        AND r.workflow = best.workflow AND r.control = best.control AND r.status = best.status
        AND r.started_at >= :since AND (r.started_at, r.id) < (:at, :id)
    ORDER BY r.started_at DESC, r.id DESC LIMIT :limit
)
ORDER BY runs.started_at DESC, runs.id DESC LIMIT :limit;

-- name: count_listed
-- How many there are in all ranges, up to a limit; the rest is as above.
SELECT count(*) FROM (
    SELECT 1 FROM json_each(:workflows) AS w, json_each(:controls) AS c, json_each(:statuses) AS s
    CROSS JOIN runs AS r INDEXED BY runs_listed
    WHERE instr(r.workflow, '#') = 0 /* narrower */
        AND r.workflow = w.value AND r.control = c.value AND r.status = s.value
        AND r.started_at >= :since AND (r.started_at, r.id) < (:at, :id)
    LIMIT :limit
);

-- name: count_by_key
SELECT count(*) FROM (
    SELECT 1 FROM keys
    WHERE name = :name AND value = :value AND started_at >= :since AND (started_at, run) < (:at, :id)
    LIMIT :limit
);

-- name: listed_by_text
-- Runs whose id begins with a text, and those that have a key whose value does: of each value the newest.
WITH RECURSIVE
    names (name) AS (
        SELECT min(name) FROM keys
        UNION ALL
        SELECT (SELECT min(keys.name) FROM keys WHERE keys.name > names.name) FROM names WHERE name IS NOT NULL
    ),
    "values" (name, value) AS (
        SELECT name, (SELECT min(value) FROM keys WHERE keys.name = names.name AND value >= :low AND value < :high)
        FROM names WHERE name IS NOT NULL
        UNION ALL
        SELECT name, (
            SELECT min(value) FROM keys
            WHERE keys.name = "values".name AND keys.value > "values".value AND keys.value < :high
        ) FROM "values" WHERE value IS NOT NULL LIMIT :most
    )
SELECT DISTINCT started_at, id FROM (
    SELECT started_at, id FROM (
        SELECT started_at, id FROM runs WHERE id >= :low AND id < :high ORDER BY id DESC LIMIT :most
    ) WHERE started_at >= :since AND (started_at, id) < (:at, :id)
    UNION ALL
    SELECT keys.started_at, keys.run FROM "values" CROSS JOIN keys ON (keys.name, keys.value) = ("values".name, "values".value)
    WHERE "values".value IS NOT NULL AND keys.run IN (
        SELECT k.run FROM keys AS k
        WHERE k.name = "values".name AND k.value = "values".value AND k.started_at >= :since
            AND (k.started_at, k.run) < (:at, :id)
        ORDER BY k.started_at DESC, k.run DESC LIMIT :limit
    )
) ORDER BY started_at DESC, id DESC LIMIT :limit;

-- name: listed_rows
-- Of these runs, in their order, those for which all holds that is asked for.
SELECT runs.* FROM json_each(:ids) AS candidate JOIN runs ON runs.id = candidate.value
WHERE instr(runs.workflow, '#') = 0
    AND (:workflow IS NULL OR runs.workflow = :workflow
        OR substr(runs.workflow, 1, length(:workflow) + 1) = :workflow || ':')
    AND (:version IS NULL OR substr(runs.workflow, -length(:version) - 1) = ':' || :version)
    AND (:identities IS NULL OR runs.workflow IN (SELECT value FROM json_each(:identities)))
    AND (:control IS NULL OR runs.control = :control)
    AND (:statuses IS NULL OR runs.status IN (SELECT value FROM json_each(:statuses)))
    AND (:stuck IS NULL OR :stuck = (
        runs.ended_at IS NULL AND (runs.stuck IS NOT NULL OR runs.problem IS NOT NULL)
    ))
    AND (:error IS NULL OR :error = iif(
        json_valid(CAST(runs.fault AS TEXT)), json_extract(CAST(runs.fault AS TEXT), '$.type'), ''
    ))
    AND (:parent IS NULL OR runs.parent = :parent)
    AND (:text IS NULL OR substr(runs.id, 1, length(:text)) = :text OR EXISTS (
        SELECT 1 FROM keys WHERE keys.run = runs.id AND substr(keys.value, 1, length(:text)) = :text
    ))
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:keys) AS k WHERE NOT EXISTS (
            SELECT 1 FROM keys WHERE keys.run = runs.id AND keys.name = k.key AND keys.value = k.value
        )
    )
ORDER BY candidate.key LIMIT :limit;

-- name: audits
-- One index each for who and what, and the numbers otherwise.
SELECT number, at, who, by, action, target, detail FROM audits
WHERE number < ?1 AND (?2 IS NULL OR who = ?2) AND (?3 IS NULL OR target = ?3) ORDER BY number DESC LIMIT ?4;

-- name: remembered
SELECT scope, key, digest, run, at FROM remembered WHERE scope = ? AND key = ?;

-- name: purge_audits
DELETE FROM audits WHERE number IN (SELECT number FROM audits WHERE at < ? ORDER BY at LIMIT ?);

-- name: purge_remembered
DELETE FROM remembered WHERE at < ?;

-- name: keep_job
INSERT INTO jobs (id, owner, state, at, view, runs) VALUES (?, ?, ?, ?, ?, ?);

-- name: note_job
UPDATE jobs SET owner = ?3, state = ?4, view = ?5 WHERE id = ?1 AND owner = ?2 AND state = 'running';

-- name: job
SELECT * FROM jobs WHERE id = ?;

-- name: open_jobs
SELECT * FROM jobs WHERE state = 'running' ORDER BY id;

-- name: purge_jobs
DELETE FROM jobs WHERE at < ? AND state <> 'running';

-- name: keep_key
INSERT INTO api_keys (id, name, role, namespaces, digest, created_at, expires_at, revoked_at, grants)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: revoke_key
UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1;

-- name: api_key
SELECT * FROM api_keys WHERE id = ?;

-- name: api_keys
SELECT * FROM api_keys ORDER BY created_at, id;

-- name: tally
SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM parked WHERE why = 'dead'),
    (SELECT count(*) FROM parked WHERE why = 'late'), (SELECT count(*) FROM parked WHERE why = 'again');

-- name: reasons
SELECT reason, count(*), max(at), max(number) FROM parked WHERE why = ? GROUP BY reason ORDER BY count(*) DESC, reason;

-- name: make_promises
-- The places of the values come in where (?1) stands.
INSERT OR IGNORE INTO promises (
    run, key, workflow, control, reference, name, participant, acts, since, warn_at, due_at, next_at
) VALUES (?1);

-- name: see_promise
-- Of choreographed runs that are known and have not ended; of the others nobody is believed.
INSERT OR IGNORE INTO promises (
    run, key, workflow, control, reference, name, participant, acts, since, warn_at, due_at, next_at
)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?1 AND control = 'choreographed' AND ended_at IS NULL);

-- name: end_promise
-- One that ended too late is still to be told of.
UPDATE promises SET ended_at = ?3, next_at = iif(breached_at IS NULL AND ?3 > due_at, due_at, NULL)
WHERE run = ?1 AND (key = ?2 OR ?2 = '') AND ended_at IS NULL;

-- name: tell_warned
UPDATE promises SET warned_at = ?3, next_at = iif(ended_at IS NULL, due_at, next_at)
WHERE run = ?1 AND key = ?2 AND warned_at IS NULL AND breached_at IS NULL AND ended_at IS NULL;

-- name: tell_breached
UPDATE promises SET breached_at = ?3, next_at = NULL WHERE run = ?1 AND key = ?2 AND breached_at IS NULL;

-- name: put_alert
INSERT OR IGNORE INTO alerts (id, channel, "group", run, at, body, next_at, attempts, outcome, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: mark_checked
UPDATE runs SET check_at = ?2 WHERE id = ?1 AND ended_at IS NULL;

-- name: see_moved
-- Something more is seen of a run: it is not stuck, until it is looked at again.
UPDATE runs SET check_at = ?2, stuck = NULL WHERE id = ?1 AND control = 'choreographed' AND ended_at IS NULL;

-- name: promises_due
-- Of a run that another conductor drives, that one tells.
SELECT promises.* FROM promises WHERE next_at <= ?2 AND NOT EXISTS (
    SELECT 1 FROM runs WHERE runs.id = promises.run AND runs.ended_at IS NULL AND runs.owner <> ?1
) ORDER BY next_at LIMIT ?3;

-- name: next_promise
SELECT next_at FROM promises WHERE next_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM runs WHERE runs.id = promises.run AND runs.ended_at IS NULL AND runs.owner <> ?1
) ORDER BY next_at LIMIT 1;

-- name: promises_of
SELECT * FROM promises WHERE run = ? ORDER BY since, key;

-- name: promises_open
SELECT * FROM promises WHERE ended_at IS NULL ORDER BY due_at LIMIT ?;

-- name: tallies
SELECT workflow, reference, min(name) AS name,
    sum(ended_at IS NULL AND breached_at IS NULL) AS "open",
    sum(ended_at IS NOT NULL AND breached_at IS NULL) AS met,
    sum(warned_at IS NOT NULL) AS warned,
    sum(breached_at IS NOT NULL) AS breached
FROM promises WHERE since >= ? GROUP BY workflow, reference ORDER BY workflow, reference;

-- name: promise_states
-- 3 breached, 2 warned, 1 open, 0 met.
SELECT run, max(CASE WHEN breached_at IS NOT NULL THEN 3 WHEN ended_at IS NOT NULL THEN 0
    WHEN warned_at IS NOT NULL THEN 2 ELSE 1 END)
FROM promises WHERE run IN (SELECT value FROM json_each(?)) GROUP BY run;

-- name: to_check
SELECT id FROM runs WHERE check_at <= ? AND ended_at IS NULL ORDER BY check_at LIMIT ?;

-- name: next_check
SELECT min(check_at) FROM runs WHERE check_at IS NOT NULL AND ended_at IS NULL;

-- name: alerts_due
SELECT * FROM alerts WHERE next_at <= ? ORDER BY next_at, id LIMIT ?;

-- name: next_alert
SELECT min(next_at) FROM alerts WHERE next_at IS NOT NULL;

-- name: claim_alert
UPDATE alerts SET next_at = ?4, attempts = attempts + 1 WHERE id = ?1 AND channel = ?2 AND next_at = ?3;

-- name: put_off_alert
UPDATE alerts SET next_at = ?3 WHERE id = ?1 AND channel = ?2 AND next_at IS NOT NULL;

-- name: end_alert
UPDATE alerts SET next_at = NULL, outcome = ?3, ended_at = ?4 WHERE id = ?1 AND channel = ?2 AND next_at IS NOT NULL;

-- name: last_sent
SELECT max(ended_at) FROM alerts WHERE channel = ? AND "group" = ? AND outcome = 'sent';

-- name: cooled_since
SELECT count(*) FROM alerts WHERE channel = ? AND "group" = ? AND outcome = 'cooled' AND ended_at >= ?;

-- name: purge_promises
DELETE FROM promises WHERE run = ?;

-- name: purge_alerts
DELETE FROM alerts WHERE at < ? AND next_at IS NULL;

-- name: tally_runs
-- Of those that have not ended all are counted.
SELECT workflow, control, status, count FROM (
    SELECT w.value AS workflow, c.value AS control, s.value AS status, (
        SELECT count(*) FROM runs AS r INDEXED BY runs_listed
        WHERE instr(r.workflow, '#') = 0 AND r.workflow = w.value AND r.control = c.value AND r.status = s.value
            AND r.started_at >= iif(s.value IN ('running', 'waiting', 'suspended'), -1, :since)
    ) AS count
    FROM json_each(:workflows) AS w, json_each(:controls) AS c, json_each(:statuses) AS s
) WHERE count > 0;

-- name: tally_stuck
SELECT workflow, control, 'stuck', count(*) FROM runs INDEXED BY runs_stuck
WHERE ended_at IS NULL AND (stuck IS NOT NULL OR problem IS NOT NULL) AND instr(workflow, '#') = 0
GROUP BY workflow, control;

-- What a key may do besides its role; the audit by age, which is forgotten after a while.
ALTER TABLE api_keys ADD COLUMN grants TEXT NOT NULL DEFAULT '[]';

CREATE INDEX audits_by_age ON audits (at);

-- The rules by which a record is read belong to its topic, not to a process: else ingest, a retry and a replay could
-- judge one record in three ways (ADR 26).
CREATE TABLE topic_rules (
  topic text PRIMARY KEY,
  value_format text NOT NULL DEFAULT 'plain' CHECK (value_format IN ('plain', 'auto')),
  amounts_as_strings boolean NOT NULL DEFAULT false,
  -- How far past the broker's append time an id may lie.
  future_tolerance_seconds int NOT NULL DEFAULT 86400 CHECK (future_tolerance_seconds BETWEEN 0 AND 315360000),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What was counted until now was read by these.
INSERT INTO topic_rules (topic) SELECT DISTINCT topic FROM sources WHERE kind = 'events';

-- Letters that this job opens are stored also where their ids lie in the future.
ALTER TABLE redrive_jobs ADD COLUMN accept_future boolean NOT NULL DEFAULT false;

-- Who sends records under another key or to another partition: a help for people, not part of any account.
CREATE TABLE misrouted_sources (
  topic text NOT NULL,
  source text NOT NULL,
  cause text NOT NULL CHECK (cause IN ('key', 'partition')),
  records bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The latest example.
  partition int NOT NULL,
  source_offset bigint NOT NULL,
  detail text NOT NULL,
  PRIMARY KEY (topic, source, cause)
);

INSERT INTO schema_versions VALUES (20, 8);

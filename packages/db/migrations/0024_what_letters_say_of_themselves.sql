-- What people group failed records by, read from a record when its letter is written: once its bytes have expired nobody
-- could tell any more. Null = written by an older build, empty = the record does not say. Bounded by who writes it
-- (packages/event-schema/src/source-name.ts).
ALTER TABLE dead_letters
  ADD COLUMN claimed_source text,
  ADD COLUMN claimed_campaign text,
  ADD COLUMN claimed_version text;

-- A cause is told in words: the fingerprint stands beside them, for commands.
ALTER TABLE dead_letter_arrivals
  ADD COLUMN fingerprint text NOT NULL DEFAULT '',
  ADD COLUMN claimed_source text NOT NULL DEFAULT '';

UPDATE dead_letter_arrivals a SET
  fingerprint = a.cause,
  cause = coalesce(
    (SELECT rtrim(l.last_code || ' ' || l.last_field) FROM dead_letters l WHERE l.fingerprint = a.cause LIMIT 1),
    'unknown')
WHERE a.cause ~ '^[0-9a-f]{16}$';

-- By what the dlq-reprocessor of a topic judges its records beside the topic's rules, as the one that lives last told:
-- so that a dry run judges as it would.
CREATE TABLE reading_limits (
  topic text PRIMARY KEY,
  record_max_bytes int NOT NULL,
  json_max_depth int NOT NULL,
  read_as_newest int[] NOT NULL,
  app_version text NOT NULL,
  told_by text NOT NULL,
  told_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO schema_versions VALUES (24, 8);

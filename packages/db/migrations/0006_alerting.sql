-- The dead-queue-alerter's state. One instance is active: the one whose session holds advisory lock
-- (4701, 5). Everything below is written through that very session, so ending it fences its owner.

-- One row: who is active and when it last said so, by this server's clock.
CREATE TABLE alerter_lease (
  only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- Raised by every take-over; rows of the outbox name the epoch that claimed them.
  epoch         bigint NOT NULL DEFAULT 0,
  owner         text,
  -- The dead topic it watches: one a database.
  topic         text,
  backend_pid   int,
  backend_start timestamptz,
  renewed_at    timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO alerter_lease DEFAULT VALUES;

-- Makes the calling session the active one, or returns nothing. Lock and lease change in one call: a
-- client frozen between the two would hold a lock that no lease speaks of. A holder that has not renewed
-- for p_stale_after is ended, frozen or not; the next call then finds the lock free.
CREATE FUNCTION take_alerter_lease(p_owner text, p_topic text, p_stale_after interval) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  lease alerter_lease%ROWTYPE;
  new_epoch bigint;
BEGIN
  IF pg_try_advisory_lock(4701, 5) THEN
    UPDATE alerter_lease l SET
      epoch = l.epoch + 1,
      owner = p_owner,
      topic = p_topic,
      backend_pid = pg_backend_pid(),
      backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()),
      renewed_at = clock_timestamp()
    RETURNING l.epoch INTO new_epoch;
    RETURN new_epoch;
  END IF;
  SELECT * INTO lease FROM alerter_lease;
  IF lease.renewed_at < clock_timestamp() - p_stale_after THEN
    PERFORM end_backend(lease.backend_pid, lease.backend_start);
  END IF;
  RETURN NULL;
END $$;

-- How far each partition of the dead topic has been read. Kafka's committed offsets take no part.
CREATE TABLE dead_topic_positions (
  topic          text NOT NULL,
  -- Kafka's own identity of the topic: one made again under its name is another one.
  topic_id       text NOT NULL,
  partition      int NOT NULL CHECK (partition >= 0),
  next_offset    bigint NOT NULL CHECK (next_offset >= 0),
  -- Append time of the last record read; null before the first.
  last_append_at timestamptz,
  PRIMARY KEY (topic_id, partition)
);

-- One row a letter that reached the dead topic: its first copy there. Kept for as long as a second copy
-- may come, which is far longer than the window needs it.
CREATE TABLE dead_letter_arrivals (
  topic       text NOT NULL,
  -- Hash of the letter's identity: original coordinate and series (apps/dead-queue-alerter/src/letters.ts).
  letter      uuid NOT NULL,
  -- The broker's append time: the only time the rule goes by.
  appended_at timestamptz NOT NULL,
  partition   int NOT NULL,
  dead_offset bigint NOT NULL,
  cause       text NOT NULL,
  -- The original coordinate, for people.
  origin      text NOT NULL,
  evaluated   boolean NOT NULL DEFAULT false,
  PRIMARY KEY (topic, letter)
);

CREATE INDEX dead_letter_arrivals_in_order
  ON dead_letter_arrivals (topic, appended_at, partition, dead_offset);
CREATE INDEX dead_letter_arrivals_waiting
  ON dead_letter_arrivals (topic, appended_at) WHERE NOT evaluated;

CREATE TABLE incidents (
  incident_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- What pagers merge by: unique also among installations.
  incident_uid    uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  alert           text NOT NULL,
  alert_key       text NOT NULL,
  status          text NOT NULL CHECK (status IN ('firing', 'resolved')),
  opened_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When it began and ended in the world: append times for the dead rate, request times for the others.
  starts_at       timestamptz NOT NULL,
  ends_at         timestamptz,
  -- Dead rate only: the first breach, and until when the last window exceeded the threshold.
  breached_at     timestamptz,
  breached_until  timestamptz,
  letters         bigint NOT NULL DEFAULT 0,
  summary         text NOT NULL,
  detail          jsonb NOT NULL DEFAULT '{}',
  detected_late   boolean NOT NULL DEFAULT false,
  -- The last change that was told, when, and whether there is news since.
  revision        int NOT NULL DEFAULT 0,
  told_at         timestamptz,
  has_news        boolean NOT NULL DEFAULT false,
  acknowledged_at timestamptz,
  acknowledged_by text,
  CONSTRAINT incident_end_is_dated CHECK ((status = 'resolved') = (ends_at IS NOT NULL)),
  CONSTRAINT incident_breach_is_whole CHECK ((breached_at IS NULL) = (breached_until IS NULL))
);

-- An alert's key has one open incident at a time.
CREATE UNIQUE INDEX incidents_one_open ON incidents (alert, alert_key) WHERE status = 'firing';
CREATE INDEX incidents_breaches ON incidents (alert, alert_key, breached_until);

-- The outbox: one row an incident's change and sink, written with the change, sent afterwards.
CREATE TABLE notifications (
  notification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  incident_id     bigint NOT NULL REFERENCES incidents,
  revision        int NOT NULL,
  sink            text NOT NULL,
  kind            text NOT NULL CHECK (kind IN ('firing', 'update', 'repeat', 'resolved')),
  -- What is said, without any sink's own shape; a retry says the same.
  message         jsonb NOT NULL,
  state           text NOT NULL DEFAULT 'waiting'
                  CHECK (state IN ('waiting', 'sent', 'failed', 'superseded')),
  attempts        int NOT NULL DEFAULT 0,
  -- Attempts that the sink answered with a refusal for good.
  refusals        int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  claimed_epoch   bigint,
  claimed_at      timestamptz,
  settled_at      timestamptz,
  last_error      text,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (incident_id, revision, sink),
  CONSTRAINT notification_end_is_dated CHECK ((state = 'waiting') = (settled_at IS NULL))
);

CREATE INDEX notifications_waiting ON notifications (sink, notification_id) WHERE state = 'waiting';
CREATE INDEX notifications_settled ON notifications (settled_at) WHERE state <> 'waiting';

-- What was asked for last about an alert.
CREATE INDEX notification_requests_by_key ON notification_requests (alert, alert_key, request_id);

INSERT INTO schema_versions VALUES (6, 5);

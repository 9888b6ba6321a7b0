CREATE TYPE event_type AS ENUM ('impression', 'click', 'conversion');

-- Partitioned by day on impression_id: a UUIDv7 begins with its time, so partitions are days, inserts
-- stay at the right edge of the index, and uniqueness is global because the partition is a function of
-- identity. Wide columns first: 10 bytes of WAL less a row.
CREATE TABLE events (
  occurred_at   timestamptz NOT NULL,
  amount_micros bigint NOT NULL,
  source_offset bigint NOT NULL,
  source_id     int NOT NULL,
  event_type    event_type NOT NULL,
  impression_id uuid NOT NULL,
  event_key     uuid NOT NULL,
  click_id      uuid,
  currency      text NOT NULL,
  campaign_id   text NOT NULL,
  creative_id   text NOT NULL,
  placement_id  text NOT NULL,
  conversion_id text,
  PRIMARY KEY (impression_id, event_key)
) PARTITION BY RANGE (impression_id);

-- Ids outside the made days (and ids that are not UUIDv7) live here.
CREATE TABLE events_default PARTITION OF events DEFAULT;

-- Same key, other payload: the first stays in events, the others are kept here with their bytes.
CREATE TABLE conflicts (
  source_id      int NOT NULL REFERENCES sources,
  source_offset  bigint NOT NULL,
  impression_id  uuid NOT NULL,
  event_key      uuid NOT NULL,
  record_key     bytea,
  record_value   bytea NOT NULL,
  -- JSON list of [name, base64 value]
  record_headers bytea NOT NULL,
  recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (source_id, source_offset)
);

CREATE INDEX conflicts_by_key ON conflicts (impression_id, event_key);

-- One row a dead-lettered record, written in the transaction that passes it. A record on the DLQ topic
-- counts as a letter only where coordinate and hash match one of these.
CREATE TABLE dead_letter_refs (
  source_id     int NOT NULL REFERENCES sources,
  source_offset bigint NOT NULL,
  code          text NOT NULL,
  -- SHA-256 over the record's key, value and headers (packages/db/src/record-hash.ts)
  record_sha256 bytea NOT NULL CHECK (length(record_sha256) = 32),
  recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (source_id, source_offset)
);

-- Letters that could not travel through the DLQ topic because the broker refuses their size.
CREATE TABLE dead_letters (
  source_id      int NOT NULL,
  source_offset  bigint NOT NULL,
  state          text NOT NULL DEFAULT 'pending'
                 CHECK (state IN ('unconfirmed', 'pending', 'resolved', 'dead', 'discarded', 'orphan')),
  code           text NOT NULL,
  message        text NOT NULL,
  record_key     bytea,
  record_value   bytea,
  record_headers bytea NOT NULL,
  append_time    timestamptz,
  recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (source_id, source_offset)
);

-- The one row that every commit checks under the shared guard lock.
CREATE TABLE write_guards (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- Impressions born before it are expired: their uniqueness can no longer be known.
  horizon_ms bigint NOT NULL DEFAULT 0
);
INSERT INTO write_guards DEFAULT VALUES;

INSERT INTO schema_versions VALUES (2, 2);

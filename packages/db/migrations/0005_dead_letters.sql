-- Dead letters after they were written: taken from the DLQ topic once, retried in a bounded number of
-- tries, given up to the dead topic, or ended by a person (docs/architecture.md, "Dead letters").

-- When the broker took the record: a retry judges `future` by the same clock.
ALTER TABLE dead_letter_refs ADD COLUMN append_ms bigint;

ALTER TABLE dead_letters RENAME TO kept_letters;
ALTER INDEX dead_letters_pkey RENAME TO kept_letters_pkey;

-- One row a letter. Its bytes are in dead_letter_records: they expire, what became of it stays.
CREATE TABLE dead_letters (
  letter_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The original coordinate; a copy that names none we know has no source.
  source_id       int REFERENCES sources,
  source_offset   bigint NOT NULL,
  record_sha256   bytea NOT NULL CHECK (length(record_sha256) = 32),
  state           text NOT NULL CONSTRAINT dead_letters_state_check
                  CHECK (state IN ('unconfirmed', 'pending', 'resolved', 'dead', 'discarded', 'orphan')),
  -- As the record was rejected first; last_* as its last try failed.
  code            text NOT NULL,
  last_code       text NOT NULL,
  last_field      text NOT NULL DEFAULT '',
  last_message    text NOT NULL DEFAULT '',
  fingerprint     text NOT NULL,
  app             text NOT NULL DEFAULT '',
  app_version     text NOT NULL DEFAULT '',
  append_ms       bigint,
  -- Where the copy lies; null for records too large for the DLQ topic. Its partition is the letter's lane:
  -- who owns that partition retries the letter.
  dlq_source_id   int REFERENCES sources,
  dlq_offset      bigint,
  dlq_append_ms   bigint,
  lane            int NOT NULL CHECK (lane >= 0),
  recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- A person's redrive opens a new series; tries count inside one.
  series          int NOT NULL DEFAULT 1 CHECK (series >= 1),
  attempts        int NOT NULL DEFAULT 0,
  -- By the policy of whoever leased it last.
  attempts_max    int NOT NULL DEFAULT 5 CHECK (attempts_max >= 1),
  -- When it may be tried next; null = not by itself.
  next_attempt_at timestamptz,
  -- The epoch of the lane under which a try is under way: a later claim of the lane ends it.
  lease_epoch     bigint,
  -- A try of it did not come back: it is tried alone from then on.
  is_suspect      boolean NOT NULL DEFAULT false,
  -- No more tries: it waits for the dead topic's ack.
  is_exhausted    boolean NOT NULL DEFAULT false,
  outcome         text CHECK (outcome IN ('stored', 'duplicate', 'conflict')),
  -- Of a resolved letter: the row of events that holds its key.
  impression_id   uuid,
  event_key       uuid,
  settled_at      timestamptz,
  job_id          bigint,
  UNIQUE (source_id, source_offset, record_sha256),
  CONSTRAINT letter_attempts_bounded CHECK (attempts BETWEEN 0 AND attempts_max),
  CONSTRAINT letter_resolved_by_outcome CHECK ((state = 'resolved') = (outcome IS NOT NULL)),
  CONSTRAINT letter_resolved_has_key CHECK ((state = 'resolved') = (event_key IS NOT NULL)),
  CONSTRAINT letter_waits_only_pending CHECK
    (state = 'pending' OR (next_attempt_at IS NULL AND lease_epoch IS NULL AND NOT is_exhausted))
);

CREATE INDEX dead_letters_due ON dead_letters (lane, next_attempt_at)
  WHERE state = 'pending' AND next_attempt_at IS NOT NULL;
CREATE INDEX dead_letters_leased ON dead_letters (lane) WHERE lease_epoch IS NOT NULL;
CREATE INDEX dead_letters_exhausted ON dead_letters (lane) WHERE is_exhausted;
CREATE INDEX dead_letters_unconfirmed ON dead_letters (source_id, source_offset) WHERE state = 'unconfirmed';
CREATE INDEX dead_letters_of_jobs ON dead_letters (lane)
  WHERE job_id IS NOT NULL AND state = 'pending' AND next_attempt_at IS NOT NULL;
CREATE INDEX dead_letters_by_cause ON dead_letters (fingerprint, state, letter_id);
CREATE INDEX dead_letters_by_arrival ON dead_letters (dlq_append_ms);
CREATE INDEX dead_letters_by_copy ON dead_letters (dlq_source_id, dlq_offset);

CREATE TABLE dead_letter_records (
  letter_id      bigint PRIMARY KEY REFERENCES dead_letters,
  record_key     bytea,
  record_value   bytea,
  -- JSON list of [name, base64 value]
  record_headers bytea NOT NULL,
  recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX dead_letter_records_by_age ON dead_letter_records (recorded_at);

-- Every try, begun before it is made: one that kills the process is counted too.
CREATE TABLE dead_letter_attempts (
  letter_id     bigint NOT NULL REFERENCES dead_letters,
  series        int NOT NULL,
  attempt       int NOT NULL,
  started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at   timestamptz,
  -- lapsed: whoever tried did not come back
  outcome       text CHECK (outcome IN ('stored', 'duplicate', 'conflict', 'failed', 'lapsed')),
  code          text,
  message       text,
  app_version   text NOT NULL,
  -- The commit that ended it: a position of the lane's redrive source.
  source_id     int REFERENCES sources,
  source_offset bigint,
  PRIMARY KEY (letter_id, series, attempt),
  CONSTRAINT attempt_ends_once CHECK ((finished_at IS NULL) = (outcome IS NULL))
);

CREATE INDEX dead_letter_attempts_by_commit ON dead_letter_attempts (source_id, source_offset)
  WHERE source_id IS NOT NULL;

-- A person's order to try letters again: which ones is frozen when it is given.
CREATE TABLE redrive_jobs (
  job_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  actor       text NOT NULL CHECK (length(btrim(actor)) > 0),
  reason      text NOT NULL CHECK (length(btrim(reason)) > 0),
  filter      jsonb NOT NULL,
  -- Letters a second, over all processes.
  rate        int NOT NULL CHECK (rate >= 1),
  state       text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'cancelled', 'done')),
  total       int NOT NULL CHECK (total >= 0),
  admitted    int NOT NULL DEFAULT 0 CHECK (admitted BETWEEN 0 AND total),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- From when, and from how many admitted then, the rate is reckoned; moves when a job is resumed.
  paced_from  timestamptz NOT NULL DEFAULT clock_timestamp(),
  paced_base  int NOT NULL DEFAULT 0,
  finished_at timestamptz
);

CREATE INDEX redrive_jobs_running ON redrive_jobs (job_id) WHERE state = 'running';

-- What became of each letter of a job.
CREATE TABLE redrive_receipts (
  job_id     bigint NOT NULL REFERENCES redrive_jobs,
  letter_id  bigint NOT NULL REFERENCES dead_letters,
  place      int NOT NULL,
  -- The series the job opened; null while it waits for its turn.
  series     int,
  -- failed: tried and due again. skipped: no longer dead, pending or discarded when its turn came.
  outcome    text CHECK (outcome IN ('stored', 'duplicate', 'conflict', 'failed', 'dead', 'skipped')),
  changed_at timestamptz,
  PRIMARY KEY (job_id, letter_id),
  UNIQUE (job_id, place)
);

CREATE INDEX redrive_receipts_by_letter ON redrive_receipts (letter_id);

-- Letters that were kept before this schema.
INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, last_message,
                          fingerprint, append_ms, lane, recorded_at, next_attempt_at)
SELECT k.source_id, k.source_offset, r.record_sha256, 'pending', k.code, k.code, k.message,
       k.code, (extract(epoch FROM k.append_time) * 1000)::bigint, 0, k.recorded_at, clock_timestamp()
FROM kept_letters k JOIN dead_letter_refs r USING (source_id, source_offset);

INSERT INTO dead_letter_records (letter_id, record_key, record_value, record_headers, recorded_at)
SELECT l.letter_id, k.record_key, k.record_value, k.record_headers, k.recorded_at
FROM kept_letters k JOIN dead_letters l USING (source_id, source_offset);

DROP TABLE kept_letters;

INSERT INTO schema_versions VALUES (5, 5);

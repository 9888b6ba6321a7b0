-- What is known of each partition beside its cursor: of the members that read it, and of the log. Both tables are
-- worth nothing after a crash, so neither is logged; both are written anew within seconds.

-- What each living member says of each partition its group grants it; a row not renewed for 20 s says nothing.
CREATE UNLOGGED TABLE partition_reports (
  topic          text NOT NULL,
  partition      int NOT NULL CHECK (partition >= 0),
  consumer_group text NOT NULL,
  owner          text NOT NULL,
  state          text NOT NULL CHECK (state IN ('waiting', 'owned', 'halted')),
  -- Why it waits, stands still or does not get on; null where nothing is amiss, as far as the member knows.
  reason_code    text,
  reason_detail  text,
  -- Since when it is in this state.
  since          timestamptz NOT NULL,
  reported_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic, partition, consumer_group, owner)
);

-- What the leader (packages/system-metrics) last found of every partition of every counted topic. It writes the whole
-- anew every few seconds; rows older than 20 s are of a leader that is gone or of a partition that is.
CREATE UNLOGGED TABLE partition_lag (
  kind         text NOT NULL CHECK (kind IN ('events', 'dlq')),
  topic        text NOT NULL,
  partition    int NOT NULL CHECK (partition >= 0),
  -- Null for a partition of the topic that nobody has claimed yet: all of its records wait.
  source_id    int,
  next_offset  bigint,
  -- The end of the log as last read; null where it never was.
  end_offset   bigint,
  lag_records  bigint CHECK (lag_records >= 0),
  lag_seconds  double precision CHECK (lag_seconds >= 0),
  -- What lag_seconds is: since the first record not committed was appended, or, where that cannot be read or is not
  -- plausible, since the cursor last moved; null where no record waits.
  age_from     text CHECK (age_from IN ('append_time', 'cursor_moved')),
  -- not_granted: no living member reports it.
  state        text NOT NULL CHECK (state IN ('owned', 'waiting', 'halted', 'not_granted')),
  owner        text,
  -- Not null while the partition is stuck: its cursor has not moved for 10 s although records wait, or nobody can tell.
  -- The codes stand in docs/operations.md ("A partition that stands still"); `halted` for every halt.
  stuck_code   text,
  stuck_detail text,
  stuck_since  timestamptz,
  observed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (kind, topic, partition),
  CONSTRAINT partition_lag_stuck_is_said CHECK (num_nulls(stuck_code, stuck_detail, stuck_since) IN (0, 3))
);

INSERT INTO schema_versions VALUES (12, 8);

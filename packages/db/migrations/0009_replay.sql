-- Replays: a range of the events topic read again through the write path (docs/architecture.md, "Replay").
-- Each partition of a run is a source of kind `replay` that numbers its own writes from 0.
--
-- SQLSTATE ADT05  another process works on this replay

CREATE TABLE replay_runs (
  run_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic      text NOT NULL,
  topic_id   text NOT NULL,
  -- Records a second; null = as fast as it goes.
  rate       int CHECK (rate > 0),
  actor      text NOT NULL CHECK (length(btrim(actor)) > 0),
  reason     text NOT NULL CHECK (length(btrim(reason)) > 0),
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When the last record of the range was passed. Whether it was is told by replay_progress alone.
  ended_at   timestamptz
);

-- How far a run has come in each partition, moved in the transaction that writes what it passes.
CREATE TABLE replay_progress (
  run_id           bigint NOT NULL REFERENCES replay_runs,
  partition        int NOT NULL CHECK (partition >= 0),
  -- Of kind `replay`: what the run writes.
  source_id        int NOT NULL UNIQUE REFERENCES sources,
  -- Of kind `events`: whose offsets the range is made of.
  events_source_id int NOT NULL REFERENCES sources,
  -- The range, and the next offset to read, as offsets of the topic.
  first_offset     bigint NOT NULL CHECK (first_offset >= 0),
  end_offset       bigint NOT NULL,
  next_offset      bigint NOT NULL,
  -- Offsets passed, by what became of them; what was written is told apart by the ledger of source_id.
  written          bigint NOT NULL DEFAULT 0,
  rejected         bigint NOT NULL DEFAULT 0,
  refused          bigint NOT NULL DEFAULT 0,
  discarded        bigint NOT NULL DEFAULT 0,
  known_conflicts  bigint NOT NULL DEFAULT 0,
  missing          bigint NOT NULL DEFAULT 0,
  -- Of rejected and refused, by error code.
  codes            jsonb NOT NULL DEFAULT '{}',
  -- Offsets that were asked for and left to the consumer, when the run was made.
  beyond_cursor    bigint NOT NULL DEFAULT 0 CHECK (beyond_cursor >= 0),
  PRIMARY KEY (run_id, partition),
  CONSTRAINT replay_moves_in_range CHECK (next_offset BETWEEN first_offset AND end_offset),
  CONSTRAINT replay_counts CHECK (least(written, rejected, refused, discarded, known_conflicts, missing) >= 0),
  CONSTRAINT replay_balances CHECK
    (next_offset - first_offset = written + rejected + refused + discarded + known_conflicts + missing),
  -- Deferred: the ledger row is the last thing a batch writes.
  CONSTRAINT replay_written_in_ledger FOREIGN KEY (source_id, written)
    REFERENCES ledger (source_id, end_offset) DEFERRABLE INITIALLY DEFERRED
);

CREATE FUNCTION refuse_replay_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'replay % of partition % would go back: % -> %',
    OLD.run_id, OLD.partition, OLD.next_offset, NEW.next_offset;
END $$;

CREATE TRIGGER replay_never_goes_back
  BEFORE UPDATE ON replay_progress FOR EACH ROW
  WHEN (NEW.next_offset < OLD.next_offset)
  EXECUTE FUNCTION refuse_replay_going_back();

-- The server processes that write for a run's sources now.
CREATE FUNCTION replay_backends(p_run_id bigint) RETURNS SETOF int
LANGUAGE sql VOLATILE AS $$
  SELECT a.pid
  FROM replay_progress p JOIN cursors c USING (source_id)
  JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
  WHERE p.run_id = p_run_id
$$;

-- Makes the calling session the owner of all sources of a run. Unlike a partition of the consumer, a run is
-- never taken from a process that is alive: its operator would not know.
CREATE FUNCTION claim_replay(p_run_id bigint, p_owner text)
RETURNS TABLE (claimed_source_id int, next_position bigint, claimed_epoch bigint)
LANGUAGE plpgsql AS $$
BEGIN
  -- One claimer at a time; the next one sees what this one has claimed.
  PERFORM 1 FROM replay_runs r WHERE r.run_id = p_run_id FOR UPDATE;
  PERFORM pg_stat_clear_snapshot();
  PERFORM 1 FROM replay_backends(p_run_id) b WHERE b <> pg_backend_pid();
  IF FOUND THEN
    RAISE EXCEPTION 'another process works on replay %', p_run_id USING ERRCODE = 'ADT05';
  END IF;
  RETURN QUERY
    SELECT p.source_id, k.next_offset, k.epoch
    FROM replay_progress p CROSS JOIN LATERAL claim_source(p.source_id, p_owner) AS k
    WHERE p.run_id = p_run_id;
END $$;

INSERT INTO schema_versions VALUES (9, 8);

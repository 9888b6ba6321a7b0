-- Replays that an operator pauses, resumes and cancels, and that several sessions of several processes work on at once:
-- each claims one partition of the run at a time (docs/adr/0040). claim_replay (0009) stays for builds that take all.

ALTER TABLE replay_runs
  -- What was ordered. Whether the range is passed is told by replay_progress, whether anybody is at it by its sessions.
  ADD COLUMN state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'cancelled'));

ALTER TABLE replay_progress
  -- Offsets that hold a record for nobody: markers and aborted records of transactions, what compaction took.
  ADD COLUMN gap bigint NOT NULL DEFAULT 0,
  DROP CONSTRAINT replay_counts,
  ADD CONSTRAINT replay_counts CHECK (least(written, rejected, refused, discarded, known_conflicts, gap, missing) >= 0),
  DROP CONSTRAINT replay_balances,
  ADD CONSTRAINT replay_balances CHECK
    (next_offset - first_offset = written + rejected + refused + discarded + known_conflicts + gap + missing);

-- The sources of a run that a living server process writes for, and which one.
CREATE FUNCTION replay_holders(p_run_id bigint) RETURNS TABLE (held_source_id int, backend_pid int)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.source_id, a.pid
  FROM public.replay_progress p JOIN public.cursors c USING (source_id)
  JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
  WHERE p.run_id = p_run_id AND (c.session_mark IS NULL OR public.holds_mark(c.backend_pid, c.session_mark))
$$;
REVOKE ALL ON FUNCTION replay_holders(bigint) FROM PUBLIC;

-- Makes the calling session the owner of one partition of a run: the one with most left to read of those that nobody
-- alive holds. No row where there is none, or the run is not to be worked on.
CREATE FUNCTION claim_replay_partition(p_run_id bigint, p_owner text)
RETURNS TABLE (claimed_source_id int, next_position bigint, claimed_epoch bigint)
LANGUAGE plpgsql AS $$
DECLARE
  free int;
BEGIN
  -- One claimer at a time; the next one sees what this one has claimed.
  PERFORM 1 FROM replay_runs r WHERE r.run_id = p_run_id AND r.state = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM pg_stat_clear_snapshot();
  SELECT p.source_id INTO free
  FROM replay_progress p
  LEFT JOIN replay_holders(p_run_id) h ON h.held_source_id = p.source_id AND h.backend_pid <> pg_backend_pid()
  WHERE p.run_id = p_run_id AND p.next_offset < p.end_offset AND h.held_source_id IS NULL
  ORDER BY p.end_offset - p.next_offset DESC, p.partition
  LIMIT 1;
  IF FOUND THEN
    RETURN QUERY SELECT free, k.next_offset, k.epoch FROM claim_source(free, p_owner) AS k;
  END IF;
END $$;

INSERT INTO schema_versions VALUES (29, 8);

-- The server's half of the commit protocol (docs/architecture.md). Each function is one call in one
-- message: no client round trip ever happens while these row locks are held.
--
-- SQLSTATE ADT01  the batch is stale: a cursor or epoch is not what the writer assumed (fenced)
-- SQLSTATE ADT02  the retention horizon moved since the batch was classified

-- Ends a former owner's backend and waits until it is gone, with every lock it held: no time-out frees a
-- client frozen inside COPY. A pid is reused, a pid with its start is not.
CREATE FUNCTION end_backend(p_pid int, p_start timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_pid IS NULL OR p_pid = pg_backend_pid() THEN
    RETURN;
  END IF;
  PERFORM pg_stat_clear_snapshot();
  PERFORM pg_terminate_backend(a.pid, 10000) FROM pg_stat_activity a
  WHERE a.pid = p_pid AND a.backend_start = p_start;
  PERFORM pg_stat_clear_snapshot();
  PERFORM 1 FROM pg_stat_activity a WHERE a.pid = p_pid AND a.backend_start = p_start;
  IF FOUND THEN
    RAISE EXCEPTION 'backend % of the former owner does not end', p_pid USING ERRCODE = '55P03';
  END IF;
END $$;

-- Makes the calling session the owner of a source: raises its epoch, ends the former owner's backend.
-- All in one transaction: a claimer that dies before the eviction leaves the row as it was, so that the
-- next one still knows whom to evict. A halted source is not claimed: it only says why it stands.
CREATE FUNCTION claim_source(p_source_id int, p_owner text)
RETURNS TABLE (next_offset bigint, epoch bigint, halted_code text, halted_detail text)
LANGUAGE plpgsql AS $$
DECLARE former cursors%ROWTYPE;
BEGIN
  SELECT * INTO STRICT former FROM cursors c WHERE c.source_id = p_source_id FOR UPDATE;
  IF former.halted_code IS NOT NULL THEN
    RETURN QUERY SELECT former.next_offset, former.epoch, former.halted_code, former.halted_detail;
    RETURN;
  END IF;
  PERFORM end_backend(former.backend_pid, former.backend_start);
  UPDATE cursors c SET
    epoch = former.epoch + 1,
    owner = p_owner,
    backend_pid = pg_backend_pid(),
    backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()),
    claimed_at = clock_timestamp()
  WHERE c.source_id = p_source_id;
  RETURN QUERY SELECT former.next_offset, former.epoch + 1, NULL::text, NULL::text;
END $$;

-- After a reconnect: ends the lost session's backend, names the new one in the rows that are still ours,
-- and says where all of them stand. What it says is final, since nobody can commit for us any more.
CREATE FUNCTION adopt_sources(p_source_ids int[], p_epochs bigint[])
RETURNS TABLE (source_id int, next_offset bigint, epoch bigint)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM cursors c WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id FOR UPDATE;
  PERFORM end_backend(former.backend_pid, former.backend_start)
  FROM (SELECT DISTINCT c.backend_pid, c.backend_start
        FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
        JOIN cursors c ON c.source_id = m.source_id AND c.epoch = m.epoch) AS former;
  UPDATE cursors c SET
    backend_pid = pg_backend_pid(),
    backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid())
  FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
  WHERE c.source_id = m.source_id AND c.epoch = m.epoch;
  RETURN QUERY SELECT c.source_id, c.next_offset, c.epoch FROM cursors c
               WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id;
END $$;

-- An orderly goodbye: the next claim has nobody to evict.
CREATE FUNCTION release_sources(p_source_ids int[], p_epochs bigint[]) RETURNS void
LANGUAGE sql AS $$
  UPDATE cursors c SET owner = NULL, backend_pid = NULL, backend_start = NULL
  FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
  WHERE c.source_id = m.source_id AND c.epoch = m.epoch
$$;

-- The last statement of every batch, sent in one message with COMMIT. Arrays run in parallel, one
-- entry a source, in ascending source_id. Raises ADT01 or ADT02 when anything is stale.
CREATE FUNCTION commit_batch(
  p_source_ids int[], p_first bigint[], p_end bigint[], p_epoch bigint[],
  p_stored bigint[], p_duplicate bigint[], p_conflict bigint[], p_dead_lettered bigint[],
  p_gap bigint[], p_fingerprint bigint[], p_horizon_ms bigint
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE stale int[];
BEGIN
  -- Shared among writers; whoever moves the horizon takes it exclusively.
  PERFORM pg_advisory_xact_lock_shared(4701, 1);
  PERFORM 1 FROM write_guards g WHERE g.horizon_ms = p_horizon_ms;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the retention horizon moved' USING ERRCODE = 'ADT02';
  END IF;

  PERFORM 1 FROM cursors c WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id FOR UPDATE;
  SELECT array_agg(b.source_id) INTO stale
  FROM unnest(p_source_ids, p_first, p_epoch) AS b (source_id, first_offset, epoch)
  LEFT JOIN cursors c USING (source_id)
  WHERE c.next_offset IS DISTINCT FROM b.first_offset
     OR c.epoch IS DISTINCT FROM b.epoch
     OR c.halted_code IS NOT NULL;
  IF stale IS NOT NULL THEN
    RAISE EXCEPTION 'fenced' USING ERRCODE = 'ADT01', DETAIL = array_to_string(stale, ',');
  END IF;

  INSERT INTO ledger (source_id, first_offset, end_offset, epoch, consumed,
                      stored, duplicate, conflict, dead_lettered, gap, stored_fingerprint)
  SELECT b.source_id, b.first_offset, b.end_offset, b.epoch,
         b.stored + b.duplicate + b.conflict + b.dead_lettered,
         b.stored, b.duplicate, b.conflict, b.dead_lettered, b.gap, b.fingerprint
  FROM unnest(p_source_ids, p_first, p_end, p_epoch, p_stored, p_duplicate, p_conflict,
              p_dead_lettered, p_gap, p_fingerprint)
    AS b (source_id, first_offset, end_offset, epoch, stored, duplicate, conflict, dead_lettered, gap, fingerprint);

  UPDATE cursors c SET next_offset = b.end_offset
  FROM unnest(p_source_ids, p_end) AS b (source_id, end_offset)
  WHERE c.source_id = b.source_id;
END $$;

-- Stops a source until an operator decides. Only its owner (that epoch) may, so that a zombie cannot.
CREATE FUNCTION halt_source(p_source_id int, p_epoch bigint, p_code text, p_detail text, p_resume_at bigint)
RETURNS boolean
LANGUAGE sql AS $$
  UPDATE cursors SET halted_code = p_code, halted_detail = p_detail, halted_resume_at = p_resume_at,
                     halted_at = clock_timestamp()
  WHERE source_id = p_source_id AND epoch = p_epoch AND halted_code IS NULL
  RETURNING true
$$;

-- Ends a halt: the loss is written into the ledger, with who accepted it and why.
-- A topic that was recreated closes its source; the new topic becomes a new source at the next claim.
CREATE FUNCTION accept_loss(p_source_id int, p_actor text, p_reason text)
RETURNS TABLE (lost bigint, next_offset bigint, closed boolean)
LANGUAGE plpgsql AS $$
DECLARE
  halted cursors%ROWTYPE;
  resume_at bigint;
  closing boolean;
BEGIN
  SELECT * INTO STRICT halted FROM cursors c WHERE c.source_id = p_source_id FOR UPDATE;
  IF halted.halted_code IS NULL THEN
    RAISE EXCEPTION 'source % is not halted', p_source_id USING ERRCODE = 'ADT03';
  END IF;
  closing := halted.halted_code = 'topic_recreated';
  resume_at := greatest(halted.next_offset, coalesce(halted.halted_resume_at,
                        CASE WHEN closing THEN halted.known_end_offset END, halted.next_offset));
  IF resume_at > halted.next_offset THEN
    INSERT INTO ledger (source_id, first_offset, end_offset, epoch, lost)
    VALUES (p_source_id, halted.next_offset, resume_at, halted.epoch + 1, resume_at - halted.next_offset);
  END IF;
  UPDATE cursors c SET next_offset = resume_at, epoch = halted.epoch + 1, halted_code = NULL,
                       halted_detail = NULL, halted_resume_at = NULL, halted_at = NULL
  WHERE c.source_id = p_source_id;
  IF closing THEN
    UPDATE sources s SET closed_at = now() WHERE s.source_id = p_source_id;
  END IF;
  INSERT INTO operator_actions (actor, action, source_id, reason, detail)
  VALUES (p_actor, 'accept-loss', p_source_id, p_reason,
          jsonb_build_object('code', halted.halted_code, 'lost', resume_at - halted.next_offset,
                             'first_offset', halted.next_offset, 'end_offset', resume_at));
  RETURN QUERY SELECT resume_at - halted.next_offset, resume_at, closing;
END $$;

INSERT INTO schema_versions VALUES (3, 3);

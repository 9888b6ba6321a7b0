-- An operator may name where to go on behind what cannot be read; a source that is closed is claimed by nobody.

-- As in 0016, and: `p_resume_at` is the operator's word for the offset to go on at, between the cursor (nothing is
-- lost: the place is read again) and the log's end as last seen. Refused without it where the halt knows none, for what
-- cannot be read would be met again at once, or one that no record can have (a batch that says it begins past the end of
-- its log); and with it where the source is closed.
DROP FUNCTION accept_loss(int, text, text);
CREATE FUNCTION accept_loss(p_source_id int, p_actor text, p_reason text, p_resume_at bigint DEFAULT NULL)
RETURNS TABLE (lost bigint, next_offset bigint, closed boolean)
LANGUAGE plpgsql AS $$
DECLARE
  halted cursors%ROWTYPE;
  seen_end bigint;
  log_end bigint;
  resume_at bigint;
  successor int;
  successor_at bigint;
  diverged boolean;
  closing boolean;
BEGIN
  SELECT * INTO STRICT halted FROM cursors c WHERE c.source_id = p_source_id FOR UPDATE;
  IF halted.halted_code IS NULL THEN
    RAISE EXCEPTION 'source % is not halted', p_source_id USING ERRCODE = 'ADT03';
  END IF;
  diverged := halted.halted_code = 'log_diverged';
  closing := diverged OR halted.halted_code = 'topic_recreated';
  SELECT max(l.end_offset) INTO seen_end FROM partition_lag l
  WHERE l.source_id = p_source_id AND l.observed_at > clock_timestamp() - interval '20 seconds';
  log_end := greatest(halted.known_end_offset, seen_end);
  IF p_resume_at IS NOT NULL THEN
    IF closing THEN
      RAISE EXCEPTION 'source % is closed by accepting its halt (%): no offset can be named', p_source_id,
        halted.halted_code USING ERRCODE = 'ADT06';
    ELSIF log_end IS NULL THEN
      RAISE EXCEPTION 'the end of the log of source % is not known yet', p_source_id USING ERRCODE = 'ADT06';
    ELSIF p_resume_at NOT BETWEEN halted.next_offset AND log_end THEN
      RAISE EXCEPTION 'offset % is none of % to %: the cursor of source %, and the end of its log', p_resume_at,
        halted.next_offset, log_end, p_source_id USING ERRCODE = 'ADT06';
    END IF;
  ELSIF halted.halted_code = 'unreadable' AND halted.halted_resume_at IS NULL THEN
    RAISE EXCEPTION 'source % cannot be read at %, and where it can be read again is not known: name the offset',
      p_source_id, halted.next_offset USING ERRCODE = 'ADT06';
  ELSIF NOT closing AND halted.halted_resume_at > seen_end THEN
    RAISE EXCEPTION 'source % would go on at %, past the end of its log (%): name the offset', p_source_id,
      halted.halted_resume_at, seen_end USING ERRCODE = 'ADT06';
  END IF;
  resume_at := greatest(halted.next_offset, coalesce(p_resume_at, halted.halted_resume_at,
                        CASE WHEN closing THEN halted.known_end_offset END, halted.next_offset));
  IF diverged THEN
    resume_at := halted.next_offset;
    -- Departed behind the cursor, it has what was not counted yet in between.
    successor_at := least(halted.next_offset, halted.halted_resume_at);
    INSERT INTO sources (kind, topic, topic_id, partition, run)
    SELECT s.kind, s.topic, s.topic_id, s.partition, 'after source ' || s.source_id
    FROM sources s WHERE s.source_id = p_source_id
    RETURNING source_id INTO successor;
    INSERT INTO ledger (source_id, first_offset, end_offset, epoch)
    VALUES (successor, NULL, successor_at, 0);
    INSERT INTO cursors (source_id, next_offset) VALUES (successor, successor_at);
  END IF;
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
                             'first_offset', halted.next_offset, 'end_offset', resume_at)
          || CASE WHEN diverged THEN jsonb_build_object('successor', successor,
                                                        'diverged_at', halted.halted_resume_at)
                  WHEN p_resume_at IS NOT NULL THEN jsonb_build_object('resume_at', p_resume_at)
             ELSE '{}' END);
  RETURN QUERY SELECT resume_at - halted.next_offset, resume_at, closing;
END $$;

-- As in 0015, but for a source that was closed while its claim was prepared: no row, for there is nothing to claim. Its
-- halt ended with it, so that its cursor row alone looks as good as any.
CREATE OR REPLACE FUNCTION claim_source(p_source_id int, p_owner text, p_wait_ms int DEFAULT NULL)
RETURNS TABLE (next_offset bigint, epoch bigint, halted_code text, halted_detail text)
LANGUAGE plpgsql AS $$
DECLARE
  former cursors%ROWTYPE;
  claimed bigint;
  session_timeout text := current_setting('lock_timeout');
BEGIN
  IF p_wait_ms IS NOT NULL THEN
    PERFORM set_config('lock_timeout', p_wait_ms::text, true);
  END IF;
  SELECT * INTO STRICT former FROM cursors c WHERE c.source_id = p_source_id FOR UPDATE;
  PERFORM set_config('lock_timeout', session_timeout, true);
  -- Closed under the lock of the cursor row (accept_loss), so that what is seen from here on lasts.
  PERFORM 1 FROM sources s WHERE s.source_id = p_source_id AND s.closed_at IS NOT NULL;
  IF FOUND THEN
    RETURN;
  END IF;
  IF former.halted_code IS NOT NULL THEN
    RETURN QUERY SELECT former.next_offset, former.epoch, former.halted_code, former.halted_detail;
    RETURN;
  END IF;
  PERFORM end_backend(former.backend_pid, former.backend_start, coalesce(p_wait_ms, 10000));
  claimed := next_epoch(former.epoch);
  UPDATE cursors c SET
    epoch = claimed,
    owner = p_owner,
    backend_pid = pg_backend_pid(),
    backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()),
    claimed_at = clock_timestamp()
  WHERE c.source_id = p_source_id;
  RETURN QUERY SELECT former.next_offset, claimed, NULL::text, NULL::text;
END $$;

INSERT INTO schema_versions VALUES (17, 8);

-- A log that ends before its cursor is counted again from where it ended, as one that departed from what was counted:
-- what is written there from now on are other records, which stood below the cursor and were never counted. Reading
-- some again is safe, since a key has one row.

-- As in 0017, and tells of the source that follows: where it begins, and where the former log was last known to end.
DROP FUNCTION accept_loss(int, text, text, bigint);
CREATE FUNCTION accept_loss(p_source_id int, p_actor text, p_reason text, p_resume_at bigint DEFAULT NULL)
RETURNS TABLE (lost bigint, next_offset bigint, closed boolean, successor int, successor_at bigint, former_end bigint)
LANGUAGE plpgsql AS $$
DECLARE
  halted cursors%ROWTYPE;
  seen_end bigint;
  log_end bigint;
  resume_at bigint;
  departed boolean;
  closing boolean;
BEGIN
  SELECT * INTO STRICT halted FROM cursors c WHERE c.source_id = p_source_id FOR UPDATE;
  IF halted.halted_code IS NULL THEN
    RAISE EXCEPTION 'source % is not halted', p_source_id USING ERRCODE = 'ADT03';
  END IF;
  -- A halt of an earlier build names no end of a log that was cut short.
  departed := halted.halted_code IN ('log_diverged', 'log_shrunk') AND halted.halted_resume_at IS NOT NULL;
  closing := departed OR halted.halted_code = 'topic_recreated';
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
  IF departed THEN
    resume_at := halted.next_offset;
    -- Departed behind the cursor, it has what was not counted yet in between.
    successor_at := least(halted.next_offset, halted.halted_resume_at);
    INSERT INTO sources (kind, topic, topic_id, partition, run)
    SELECT s.kind, s.topic, s.topic_id, s.partition, 'after source ' || s.source_id
    FROM sources s WHERE s.source_id = p_source_id
    RETURNING source_id INTO successor;
    former_end := greatest(halted.next_offset, halted.known_end_offset);
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
          || CASE WHEN departed THEN jsonb_build_object('successor', successor,
                                                        'diverged_at', successor_at, 'former_end', former_end)
                  WHEN p_resume_at IS NOT NULL THEN jsonb_build_object('resume_at', p_resume_at)
             ELSE '{}' END);
  RETURN QUERY SELECT resume_at - halted.next_offset, resume_at, closing, successor, successor_at, former_end;
END $$;

INSERT INTO schema_versions VALUES (19, 8);

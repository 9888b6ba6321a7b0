-- A log that was cut below what had been counted of it, and written on with other records: an unclean leader election.

-- The last record counted, as last noted: it ended at read_up_to, and the leader that had appended it was of this
-- epoch. A log in which that epoch ends before read_up_to has other records than were counted.
ALTER TABLE cursors
  ADD COLUMN read_up_to bigint,
  ADD COLUMN read_leader_epoch int,
  ADD CONSTRAINT cursor_knows_what_it_read CHECK ((read_up_to IS NULL) = (read_leader_epoch IS NULL));

-- As before, and: of a diverged log nothing is lost to counting, for what was counted stays counted. Its source is
-- closed, and another one of the same partition begins where the log departs: offsets stand for other records from
-- there on, and an offset of a source is accounted for once.
CREATE OR REPLACE FUNCTION accept_loss(p_source_id int, p_actor text, p_reason text)
RETURNS TABLE (lost bigint, next_offset bigint, closed boolean)
LANGUAGE plpgsql AS $$
DECLARE
  halted cursors%ROWTYPE;
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
  resume_at := greatest(halted.next_offset, coalesce(halted.halted_resume_at,
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
             ELSE '{}' END);
  RETURN QUERY SELECT resume_at - halted.next_offset, resume_at, closing;
END $$;

INSERT INTO schema_versions VALUES (16, 8);

-- Whoever asks bounds how long a claim may wait: beside the loop that writes it may be long, within it not.

DROP FUNCTION end_backend(int, timestamptz);
CREATE FUNCTION end_backend(p_pid int, p_start timestamptz, p_wait_ms int DEFAULT 10000) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_pid IS NULL OR p_pid = pg_backend_pid() THEN
    RETURN;
  END IF;
  PERFORM pg_stat_clear_snapshot();
  PERFORM pg_terminate_backend(a.pid, p_wait_ms) FROM pg_stat_activity a
  WHERE a.pid = p_pid AND a.backend_start = p_start;
  PERFORM pg_stat_clear_snapshot();
  PERFORM 1 FROM pg_stat_activity a WHERE a.pid = p_pid AND a.backend_start = p_start;
  IF FOUND THEN
    RAISE EXCEPTION 'backend % of the former owner does not end', p_pid USING ERRCODE = '55P03';
  END IF;
END $$;

-- As before (0003), but for the wait: for the cursor row's lock, and for the former owner's backend to end, it
-- is `p_wait_ms` each; without it the session's lock_timeout and 10 s.
DROP FUNCTION claim_source(int, text);
CREATE FUNCTION claim_source(p_source_id int, p_owner text, p_wait_ms int DEFAULT NULL)
RETURNS TABLE (next_offset bigint, epoch bigint, halted_code text, halted_detail text)
LANGUAGE plpgsql AS $$
DECLARE
  former cursors%ROWTYPE;
  session_timeout text := current_setting('lock_timeout');
BEGIN
  IF p_wait_ms IS NOT NULL THEN
    PERFORM set_config('lock_timeout', p_wait_ms::text, true);
  END IF;
  SELECT * INTO STRICT former FROM cursors c WHERE c.source_id = p_source_id FOR UPDATE;
  PERFORM set_config('lock_timeout', session_timeout, true);
  IF former.halted_code IS NOT NULL THEN
    RETURN QUERY SELECT former.next_offset, former.epoch, former.halted_code, former.halted_detail;
    RETURN;
  END IF;
  PERFORM end_backend(former.backend_pid, former.backend_start, coalesce(p_wait_ms, 10000));
  UPDATE cursors c SET
    epoch = former.epoch + 1,
    owner = p_owner,
    backend_pid = pg_backend_pid(),
    backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()),
    claimed_at = clock_timestamp()
  WHERE c.source_id = p_source_id;
  RETURN QUERY SELECT former.next_offset, former.epoch + 1, NULL::text, NULL::text;
END $$;

INSERT INTO schema_versions VALUES (14, 8);

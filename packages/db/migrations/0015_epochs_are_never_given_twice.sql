-- An epoch is the moment of its claim in microseconds since 1970, so that it is never given twice: not even by
-- a database that went back (a restored backup, an asynchronous failover) and counts its claims anew. Else a
-- writer of the time that is gone could carry the very epoch and offset of a claim made since, and pass; even
-- one of another topic, since source ids are given again as well (ADR 19).
CREATE FUNCTION next_epoch(p_former bigint) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
  SELECT greatest(p_former + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
$$;

-- As in 0014, but for the epoch.
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

INSERT INTO schema_versions VALUES (15, 8);

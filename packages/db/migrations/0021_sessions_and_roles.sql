-- A session is told from a later one of the same server process, and what needs the owner goes through its functions,
-- so that each service may have a role of its own (ADR 28).

-- Behind a pooler a server process outlives its session: given back, it serves somebody else next, under the pid and the
-- start that the cursor row names. So a session that claims holds an advisory lock of its own number for as long as it
-- lives; PgBouncer's DISCARD ALL frees it before the process is handed on.
CREATE SEQUENCE session_marks AS int CYCLE;
ALTER TABLE cursors ADD COLUMN session_mark int;

CREATE FUNCTION holds_mark(p_pid int, p_mark int) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
  SELECT EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.pid = p_pid AND l.classid = 4702 AND l.objid = p_mark::oid
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
$$;

-- The mark of the session that asks; made at its first claim. A number that somebody still holds (they begin anew after
-- a restore) is passed over.
CREATE FUNCTION own_session_mark() RETURNS int
LANGUAGE plpgsql AS $$
DECLARE mark int;
BEGIN
  SELECT l.objid::bigint INTO mark FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.granted AND l.pid = pg_backend_pid() AND l.classid = 4702
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  LIMIT 1;
  WHILE mark IS NULL LOOP
    mark := nextval('session_marks');
    IF NOT pg_try_advisory_lock(4702, mark) THEN
      mark := NULL;
    END IF;
  END LOOP;
  RETURN mark;
END $$;

-- As in 0014, but for the mark: a process that does not hold it serves another session by now, which is left alone.
-- Without a mark (a row that an older build wrote) pid and start decide as before.
DROP FUNCTION end_backend(int, timestamptz, int);
CREATE FUNCTION end_backend(p_pid int, p_start timestamptz, p_wait_ms int DEFAULT 10000, p_mark int DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_pid IS NULL OR p_pid = pg_backend_pid() OR (p_mark IS NOT NULL AND NOT holds_mark(p_pid, p_mark)) THEN
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

-- When the server process of this session began. Another role's is shown to whoever is a member of that role, and only
-- such a one may end it: without it a later claim could not.
CREATE FUNCTION own_backend_start() RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
  SELECT a.backend_start INTO started FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
  IF started IS NULL THEN
    RAISE EXCEPTION 'the owner % cannot end sessions of %: grant it that role', current_user, session_user
      USING ERRCODE = '42501';
  END IF;
  RETURN started;
END $$;

-- Ends the backend that a cursor row names, if it still names that one. So a role that may call it may end no other.
CREATE FUNCTION end_former_owner(p_source_id int, p_pid int, p_start timestamptz, p_wait_ms int) RETURNS void
LANGUAGE sql AS $$
  SELECT end_backend(c.backend_pid, c.backend_start, p_wait_ms, c.session_mark) FROM cursors c
  WHERE c.source_id = p_source_id AND c.backend_pid = p_pid AND c.backend_start = p_start
$$;

-- As in 0017, but for the mark.
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
  PERFORM end_backend(former.backend_pid, former.backend_start, coalesce(p_wait_ms, 10000), former.session_mark);
  claimed := next_epoch(former.epoch);
  UPDATE cursors c SET
    epoch = claimed,
    owner = p_owner,
    backend_pid = pg_backend_pid(),
    backend_start = own_backend_start(),
    session_mark = own_session_mark(),
    claimed_at = clock_timestamp()
  WHERE c.source_id = p_source_id;
  RETURN QUERY SELECT former.next_offset, claimed, NULL::text, NULL::text;
END $$;

-- As in 0003, but for the mark.
CREATE OR REPLACE FUNCTION adopt_sources(p_source_ids int[], p_epochs bigint[])
RETURNS TABLE (source_id int, next_offset bigint, epoch bigint)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM cursors c WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id FOR UPDATE;
  PERFORM end_backend(former.backend_pid, former.backend_start, 10000, former.session_mark)
  FROM (SELECT DISTINCT c.backend_pid, c.backend_start, c.session_mark
        FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
        JOIN cursors c ON c.source_id = m.source_id AND c.epoch = m.epoch) AS former;
  UPDATE cursors c SET
    backend_pid = pg_backend_pid(),
    backend_start = own_backend_start(),
    session_mark = own_session_mark()
  FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
  WHERE c.source_id = m.source_id AND c.epoch = m.epoch;
  RETURN QUERY SELECT c.source_id, c.next_offset, c.epoch FROM cursors c
               WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id;
END $$;

-- As in 0003, but for the mark.
CREATE OR REPLACE FUNCTION release_sources(p_source_ids int[], p_epochs bigint[]) RETURNS void
LANGUAGE sql AS $$
  UPDATE cursors c SET owner = NULL, backend_pid = NULL, backend_start = NULL, session_mark = NULL
  FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
  WHERE c.source_id = m.source_id AND c.epoch = m.epoch
$$;

-- As in 0009, but for the mark: else a run whose process died behind a pooler would look worked on for as long as the
-- pooler keeps the server process.
CREATE OR REPLACE FUNCTION replay_backends(p_run_id bigint) RETURNS SETOF int
LANGUAGE sql VOLATILE AS $$
  SELECT a.pid
  FROM replay_progress p JOIN cursors c USING (source_id)
  JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
  WHERE p.run_id = p_run_id AND (c.session_mark IS NULL OR holds_mark(c.backend_pid, c.session_mark))
$$;

-- As in 0006, but a process is ended only if it is the one that holds the lock: the lease may name a session that is
-- over, whose process serves somebody else behind a pooler, while a new holder has not committed its name yet.
CREATE OR REPLACE FUNCTION take_alerter_lease(p_owner text, p_topic text, p_stale_after interval) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  lease alerter_lease%ROWTYPE;
  new_epoch bigint;
BEGIN
  IF pg_try_advisory_lock(4701, 5) THEN
    UPDATE alerter_lease l SET
      epoch = l.epoch + 1,
      owner = p_owner,
      topic = p_topic,
      backend_pid = pg_backend_pid(),
      backend_start = own_backend_start(),
      renewed_at = clock_timestamp()
    RETURNING l.epoch INTO new_epoch;
    RETURN new_epoch;
  END IF;
  SELECT * INTO lease FROM alerter_lease;
  IF lease.renewed_at < clock_timestamp() - p_stale_after THEN
    PERFORM end_backend(lease.backend_pid, lease.backend_start) FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.pid = lease.backend_pid AND l.classid = 4701 AND l.objid = 5
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
  END IF;
  RETURN NULL;
END $$;

-- The steps of making a day's partition (packages/db/src/partitions.ts), each for a transaction of its own. The bounds
-- are made here, so that who may call them attaches nothing else.
CREATE FUNCTION first_id_of(p_day date) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM p_day) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION build_event_day(p_day date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', 'events_' || to_char(p_day, 'YYYYMMDD'));
END $$;

CREATE FUNCTION exclude_event_day(p_day date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'ALTER TABLE events_default ADD CONSTRAINT %I CHECK (impression_id < %L OR impression_id >= %L) NOT VALID',
    'events_default_excludes_' || to_char(p_day, 'YYYYMMDD'), first_id_of(p_day), first_id_of(p_day + 1));
END $$;

CREATE FUNCTION validate_event_day(p_day date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE events_default VALIDATE CONSTRAINT %I',
                 'events_default_excludes_' || to_char(p_day, 'YYYYMMDD'));
END $$;

-- The valid check spares the scan of the default partition under its exclusive lock.
CREATE FUNCTION attach_event_day(p_day date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                 'events_' || to_char(p_day, 'YYYYMMDD'), first_id_of(p_day), first_id_of(p_day + 1));
  EXECUTE format('ALTER TABLE events_default DROP CONSTRAINT IF EXISTS %I',
                 'events_default_excludes_' || to_char(p_day, 'YYYYMMDD'));
END $$;

-- Clears what a killed run left: checks on the default partition, and tables never attached. It never drops rows: a
-- day's table that was detached with rows in it is somebody's to look at.
CREATE FUNCTION drop_event_day_leftovers() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  leftover name;
  has_rows boolean;
BEGIN
  FOR leftover IN
    SELECT c.conname FROM pg_constraint c
    WHERE c.conrelid = 'events_default'::regclass AND starts_with(c.conname, 'events_default_excludes_')
  LOOP
    EXECUTE format('ALTER TABLE events_default DROP CONSTRAINT IF EXISTS %I', leftover);
  END LOOP;
  FOR leftover IN
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = (SELECT e.relnamespace FROM pg_class e WHERE e.oid = 'events'::regclass)
      AND c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '^events_[0-9]{8}$'
  LOOP
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', leftover);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', leftover) INTO has_rows;
    IF has_rows THEN
      RAISE EXCEPTION 'table % is not a partition of events and holds rows: attach or move it', leftover;
    END IF;
    EXECUTE format('DROP TABLE %I', leftover);
  END LOOP;
END $$;

-- As the owner, whoever calls; nobody else may call them but who is granted it (packages/db/src/roles).
DO $$
DECLARE f text;
BEGIN
  FOREACH f IN ARRAY ARRAY[
    'end_former_owner(int, int, timestamptz, int)', 'claim_source(int, text, int)', 'adopt_sources(int[], bigint[])',
    'release_sources(int[], bigint[])', 'replay_backends(bigint)', 'take_alerter_lease(text, text, interval)',
    'build_event_day(date)', 'exclude_event_day(date)', 'validate_event_day(date)', 'attach_event_day(date)',
    'drop_event_day_leftovers()'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', f);
    EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION end_backend(int, timestamptz, int, int), own_session_mark() FROM PUBLIC;

INSERT INTO schema_versions VALUES (21, 8);

-- What runs as the owner finds nothing that another role made (ADR 28). 0021 let these functions look into schema
-- public, where before PostgreSQL 15 every role may create: a function that fits an argument's type better than the one
-- of pg_catalog is preferred wherever it stands in the path, and ran as the owner. So they, and what they call, look into
-- pg_catalog alone and name everything of ours with its schema. What they call has no defaults and is given exactly its
-- types, since here, too, the better fit would be taken.

DROP FUNCTION end_backend(int, timestamptz, int, int);
CREATE FUNCTION end_backend(p_pid int, p_start timestamptz, p_wait_ms int, p_mark int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_pid IS NULL OR p_pid = pg_backend_pid() OR (p_mark IS NOT NULL AND NOT public.holds_mark(p_pid, p_mark)) THEN
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
REVOKE ALL ON FUNCTION end_backend(int, timestamptz, int, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION own_session_mark() RETURNS int
LANGUAGE plpgsql AS $$
DECLARE mark int;
BEGIN
  SELECT l.objid::bigint INTO mark FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.granted AND l.pid = pg_backend_pid() AND l.classid = 4702
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  LIMIT 1;
  WHILE mark IS NULL LOOP
    mark := nextval('public.session_marks');
    IF NOT pg_try_advisory_lock(4702, mark) THEN
      mark := NULL;
    END IF;
  END LOOP;
  RETURN mark;
END $$;

-- When the server process of this session began, if we may end it: pg_terminate_backend asks the same of us. To see a
-- start is not enough, which pg_monitor may of everybody.
CREATE OR REPLACE FUNCTION own_backend_start() RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
  SELECT a.backend_start INTO started
  FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
  WHERE a.pid = pg_backend_pid()
    AND (pg_has_role(current_user, r.oid, 'USAGE') OR pg_has_role(current_user, 'pg_signal_backend', 'USAGE'))
    AND (NOT r.rolsuper OR (SELECT o.rolsuper FROM pg_roles o WHERE o.rolname = current_user));
  IF started IS NULL THEN
    RAISE EXCEPTION 'the owner % cannot end sessions of %: grant it that role', current_user, session_user
      USING ERRCODE = '42501';
  END IF;
  RETURN started;
END $$;

CREATE OR REPLACE FUNCTION end_former_owner(p_source_id int, p_pid int, p_start timestamptz, p_wait_ms int) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT public.end_backend(c.backend_pid, c.backend_start, p_wait_ms, c.session_mark) FROM public.cursors c
  WHERE c.source_id = p_source_id AND c.backend_pid = p_pid AND c.backend_start = p_start
$$;

CREATE OR REPLACE FUNCTION claim_source(p_source_id int, p_owner text, p_wait_ms int DEFAULT NULL)
RETURNS TABLE (next_offset bigint, epoch bigint, halted_code text, halted_detail text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  former public.cursors%ROWTYPE;
  claimed bigint;
  session_timeout text := current_setting('lock_timeout');
BEGIN
  IF p_wait_ms IS NOT NULL THEN
    PERFORM set_config('lock_timeout', p_wait_ms::text, true);
  END IF;
  SELECT * INTO STRICT former FROM public.cursors c WHERE c.source_id = p_source_id FOR UPDATE;
  PERFORM set_config('lock_timeout', session_timeout, true);
  -- Closed under the lock of the cursor row (accept_loss), so that what is seen from here on lasts.
  PERFORM 1 FROM public.sources s WHERE s.source_id = p_source_id AND s.closed_at IS NOT NULL;
  IF FOUND THEN
    RETURN;
  END IF;
  IF former.halted_code IS NOT NULL THEN
    RETURN QUERY SELECT former.next_offset, former.epoch, former.halted_code, former.halted_detail;
    RETURN;
  END IF;
  PERFORM public.end_backend(
    former.backend_pid, former.backend_start, coalesce(p_wait_ms, 10000), former.session_mark);
  claimed := public.next_epoch(former.epoch);
  UPDATE public.cursors c SET
    epoch = claimed,
    owner = p_owner,
    backend_pid = pg_backend_pid(),
    backend_start = public.own_backend_start(),
    session_mark = public.own_session_mark(),
    claimed_at = clock_timestamp()
  WHERE c.source_id = p_source_id;
  RETURN QUERY SELECT former.next_offset, claimed, NULL::text, NULL::text;
END $$;

CREATE OR REPLACE FUNCTION adopt_sources(p_source_ids int[], p_epochs bigint[])
RETURNS TABLE (source_id int, next_offset bigint, epoch bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM 1 FROM public.cursors c WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id FOR UPDATE;
  PERFORM public.end_backend(former.backend_pid, former.backend_start, 10000, former.session_mark)
  FROM (SELECT DISTINCT c.backend_pid, c.backend_start, c.session_mark
        FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
        JOIN public.cursors c ON c.source_id = m.source_id AND c.epoch = m.epoch) AS former;
  UPDATE public.cursors c SET
    backend_pid = pg_backend_pid(),
    backend_start = public.own_backend_start(),
    session_mark = public.own_session_mark()
  FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
  WHERE c.source_id = m.source_id AND c.epoch = m.epoch;
  RETURN QUERY SELECT c.source_id, c.next_offset, c.epoch FROM public.cursors c
               WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id;
END $$;

CREATE OR REPLACE FUNCTION release_sources(p_source_ids int[], p_epochs bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE public.cursors c SET owner = NULL, backend_pid = NULL, backend_start = NULL, session_mark = NULL
  FROM unnest(p_source_ids, p_epochs) AS m (source_id, epoch)
  WHERE c.source_id = m.source_id AND c.epoch = m.epoch
$$;

CREATE OR REPLACE FUNCTION replay_backends(p_run_id bigint) RETURNS SETOF int
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.pid
  FROM public.replay_progress p JOIN public.cursors c USING (source_id)
  JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
  WHERE p.run_id = p_run_id AND (c.session_mark IS NULL OR public.holds_mark(c.backend_pid, c.session_mark))
$$;

CREATE OR REPLACE FUNCTION take_alerter_lease(p_owner text, p_topic text, p_stale_after interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lease public.alerter_lease%ROWTYPE;
  new_epoch bigint;
BEGIN
  IF pg_try_advisory_lock(4701, 5) THEN
    UPDATE public.alerter_lease l SET
      epoch = l.epoch + 1,
      owner = p_owner,
      topic = p_topic,
      backend_pid = pg_backend_pid(),
      backend_start = public.own_backend_start(),
      renewed_at = clock_timestamp()
    RETURNING l.epoch INTO new_epoch;
    RETURN new_epoch;
  END IF;
  SELECT * INTO lease FROM public.alerter_lease;
  IF lease.renewed_at < clock_timestamp() - p_stale_after THEN
    PERFORM public.end_backend(lease.backend_pid, lease.backend_start, 10000, NULL::int) FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.pid = lease.backend_pid AND l.classid = 4701 AND l.objid = 5
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION build_event_day(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TABLE public.%I (LIKE public.events INCLUDING ALL)', 'events_' || to_char(p_day, 'YYYYMMDD'));
END $$;

CREATE OR REPLACE FUNCTION exclude_event_day(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format(
    'ALTER TABLE public.events_default ADD CONSTRAINT %I CHECK (impression_id < %L OR impression_id >= %L) NOT VALID',
    'events_default_excludes_' || to_char(p_day, 'YYYYMMDD'),
    public.first_id_of(p_day), public.first_id_of(p_day + 1));
END $$;

CREATE OR REPLACE FUNCTION validate_event_day(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('ALTER TABLE public.events_default VALIDATE CONSTRAINT %I',
                 'events_default_excludes_' || to_char(p_day, 'YYYYMMDD'));
END $$;

CREATE OR REPLACE FUNCTION attach_event_day(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('ALTER TABLE public.events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                 'events_' || to_char(p_day, 'YYYYMMDD'), public.first_id_of(p_day), public.first_id_of(p_day + 1));
  EXECUTE format('ALTER TABLE public.events_default DROP CONSTRAINT IF EXISTS %I',
                 'events_default_excludes_' || to_char(p_day, 'YYYYMMDD'));
END $$;

CREATE OR REPLACE FUNCTION drop_event_day_leftovers() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  leftover name;
  has_rows boolean;
BEGIN
  FOR leftover IN
    SELECT c.conname FROM pg_constraint c
    WHERE c.conrelid = 'public.events_default'::regclass AND starts_with(c.conname, 'events_default_excludes_')
  LOOP
    EXECUTE format('ALTER TABLE public.events_default DROP CONSTRAINT IF EXISTS %I', leftover);
  END LOOP;
  FOR leftover IN
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace
      AND c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '^events_[0-9]{8}$'
  LOOP
    EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', leftover);
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', leftover) INTO has_rows;
    IF has_rows THEN
      RAISE EXCEPTION 'table % is not a partition of events and holds rows: attach or move it', leftover;
    END IF;
    EXECUTE format('DROP TABLE public.%I', leftover);
  END LOOP;
END $$;

INSERT INTO schema_versions VALUES (22, 8);

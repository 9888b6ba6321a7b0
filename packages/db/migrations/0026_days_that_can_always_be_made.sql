-- A day's partition can be made whatever lies in the default one: rows of that day are moved into it in the transaction
-- that attaches it (ADR 36). Functions of the owner, as those of 0022: they look into pg_catalog alone.

-- An id from 2100 on has no time and never has a day. Nearly all random ids are such: with a partition of their own the
-- default one stays small, and attaching a day, which scans it, stays short.
LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE;
LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE;
CREATE TABLE events_beyond (LIKE events INCLUDING ALL);
INSERT INTO events_beyond SELECT * FROM events_default WHERE impression_id >= first_id_of('2100-01-01');
DELETE FROM events_default WHERE impression_id >= first_id_of('2100-01-01');
ALTER TABLE events ATTACH PARTITION events_beyond
  FOR VALUES FROM ('03bb2cc3-d800-0000-0000-000000000000') TO (MAXVALUE);

-- Copies rows of a day that lie in the default partition into the day's table, which nobody reads yet; at most so many,
-- in the order of their keys. Returns how many. Rows of events never change, so a copy stays right.
CREATE FUNCTION copy_event_day(p_day date, p_limit int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  day_table text := 'events_' || to_char(p_day, 'YYYYMMDD');
  last_id uuid;
  last_key uuid;
  copied int;
BEGIN
  EXECUTE format('SELECT t.impression_id, t.event_key FROM public.%I t
                  ORDER BY t.impression_id DESC, t.event_key DESC LIMIT 1', day_table) INTO last_id, last_key;
  EXECUTE format('INSERT INTO public.%I SELECT d.* FROM public.events_default d
                  WHERE d.impression_id >= $1 AND d.impression_id < $2
                    AND ($3 IS NULL OR (d.impression_id, d.event_key) > ($3, $4))
                  ORDER BY d.impression_id, d.event_key LIMIT $5', day_table)
    USING coalesce(last_id, public.first_id_of(p_day)), public.first_id_of(p_day + 1), last_id, last_key, p_limit;
  GET DIAGNOSTICS copied = ROW_COUNT;
  RETURN copied;
END $$;

-- Attaches a day's table. Whoever reads or writes events waits before it looks which partitions there are: else a reader
-- would know the day for no partition yet and find its rows gone from the default one, and a writer put a row there that
-- is not to be there any more. Who has been at the events for longer (an audit, a report) is not waited for, since
-- all others would wait behind us; the next try may find it gone. Then what is of the day leaves the default partition: what
-- was copied, and what came since, copied now. Returns how many rows were moved.
CREATE FUNCTION move_event_day(p_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  day_table text := 'events_' || to_char(p_day, 'YYYYMMDD');
  from_id uuid := public.first_id_of(p_day);
  to_id uuid := public.first_id_of(p_day + 1);
  moved bigint;
  held bigint;
BEGIN
  PERFORM 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'relation' AND l.granted
    AND l.relation IN ('public.events'::regclass, 'public.events_default'::regclass)
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    AND a.pid <> pg_backend_pid()
    -- Null of those whom the owner may not look at, as a backup by another role: they may be long at it.
    AND coalesce(a.xact_start, '-infinity') < clock_timestamp() - interval '1 second';
  IF FOUND THEN
    RAISE EXCEPTION 'the events are in use by a long transaction' USING ERRCODE = '55P03';
  END IF;
  LOCK TABLE ONLY public.events IN ACCESS EXCLUSIVE MODE;
  LOCK TABLE public.events_default IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('INSERT INTO public.%1$I SELECT d.* FROM public.events_default d
                  WHERE d.impression_id >= $1 AND d.impression_id < $2 AND NOT EXISTS (
                    SELECT FROM public.%1$I t
                    WHERE t.impression_id = d.impression_id AND t.event_key = d.event_key)', day_table)
    USING from_id, to_id;
  DELETE FROM public.events_default d WHERE d.impression_id >= from_id AND d.impression_id < to_id;
  GET DIAGNOSTICS moved = ROW_COUNT;
  EXECUTE format('SELECT count(*) FROM public.%I', day_table) INTO held;
  IF held <> moved THEN
    RAISE EXCEPTION 'table % holds % rows, but % were to be moved into it', day_table, held, moved;
  END IF;
  EXECUTE format('ALTER TABLE public.events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                 day_table, from_id, to_id);
  RETURN moved;
END $$;

-- As in 0022, but for copies: a table never attached whose rows all lie in the default partition as well holds nothing
-- of its own. One that does is somebody's to look at: it stays, and its day cannot be made.
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
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I t WHERE NOT EXISTS (SELECT FROM public.events_default d
                      WHERE d.impression_id = t.impression_id AND d.event_key = t.event_key))', leftover) INTO has_rows;
    IF NOT has_rows THEN
      EXECUTE format('DROP TABLE public.%I', leftover);
    END IF;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION copy_event_day(date, int), move_event_day(date) FROM PUBLIC;

-- Replaced by move_event_day. A build that still asks for them leaves coming days to the next one.
DROP FUNCTION exclude_event_day(date);
DROP FUNCTION validate_event_day(date);
DROP FUNCTION attach_event_day(date);

INSERT INTO schema_versions VALUES (26, 8);

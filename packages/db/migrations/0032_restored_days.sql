-- Days that were dropped come back from their archive into a schema of their own, beside `events` and never into it
-- (ADR 38). Functions of the owner, as those of 0022: they look into pg_catalog alone.

DO $$
BEGIN
  IF NOT has_database_privilege(current_database(), 'CREATE') THEN
    RAISE EXCEPTION 'schema restored cannot be made: as the owner of the database run GRANT CREATE ON DATABASE % TO %',
      quote_ident(current_database()), quote_ident(current_user) USING ERRCODE = '42501';
  END IF;
END $$;

CREATE SCHEMA restored;

CREATE TABLE restored.events (
  LIKE public.events INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
  PRIMARY KEY (impression_id, event_key)
) PARTITION BY RANGE (impression_id);

-- Days that are there, whole.
CREATE TABLE restored.days (
  day         date PRIMARY KEY,
  events      bigint NOT NULL,
  -- Of the archive's manifest.
  digest      text NOT NULL,
  restored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Begins: makes the day's table, which nobody reads before it is attached, and lets the caller fill it.
CREATE FUNCTION build_restored_day(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  day_table text := 'events_' || to_char(p_day, 'YYYYMMDD');
BEGIN
  IF EXISTS (SELECT FROM restored.days d WHERE d.day = p_day) THEN
    RAISE EXCEPTION 'day % is restored already', p_day USING ERRCODE = 'ADT09';
  END IF;
  EXECUTE format('CREATE TABLE restored.%I (LIKE restored.events INCLUDING ALL)', day_table);
  EXECUTE format('GRANT SELECT, INSERT ON restored.%I TO %I', day_table, session_user);
END $$;

-- Ends: from now on the day is read. One that is still in `events`, in part or whole, would be counted twice there.
CREATE FUNCTION attach_restored_day(p_day date, p_events bigint, p_digest text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  day_table text := 'events_' || to_char(p_day, 'YYYYMMDD');
  from_id uuid := public.first_id_of(p_day);
  to_id uuid := public.first_id_of(p_day + 1);
BEGIN
  IF EXISTS (SELECT FROM public.events e
             WHERE e.impression_id >= from_id AND e.impression_id < to_id
               AND public.rollup_cohort(e.impression_id) >= 0) THEN
    RAISE EXCEPTION 'day % is still in events: there is nothing to restore', p_day USING ERRCODE = 'ADT09';
  END IF;
  INSERT INTO restored.days (day, events, digest) VALUES (p_day, p_events, p_digest);
  IF session_user <> current_user THEN
    EXECUTE format('REVOKE ALL ON restored.%I FROM %I', day_table, session_user);
  END IF;
  EXECUTE format('ALTER TABLE restored.events ATTACH PARTITION restored.%I FOR VALUES FROM (%L) TO (%L)',
                 day_table, from_id, to_id);
END $$;

-- Takes a restored day away again; false where it is not there. The archive keeps it.
CREATE FUNCTION drop_restored_day(p_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM restored.days d WHERE d.day = p_day;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE restored.%I', 'events_' || to_char(p_day, 'YYYYMMDD'));
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION build_restored_day(date), attach_restored_day(date, bigint, text), drop_restored_day(date)
  FROM PUBLIC;

INSERT INTO schema_versions VALUES (32, 8);

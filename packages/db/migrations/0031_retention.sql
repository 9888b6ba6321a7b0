-- Days leave `events` (docs/adr/0037). The horizon is raised first, so that no event of a day is stored any more; what
-- leaves is counted (0036), by source and ledger row; then the day is dropped and the ledger told, in one transaction. Functions
-- of the owner, as those of 0022 and 0026: they look into pg_catalog alone.
--
-- SQLSTATE ADT07  rows of the day came after it was counted: it must be counted again
-- SQLSTATE ADT08  the rollups still need events of the day

-- One row a day, from when it was found below the horizon on. What is set says how far it has come, in this order.
CREATE TABLE retired_days (
  day          date PRIMARY KEY,
  noticed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- What leaves was counted: by retired_day_counts.
  counted_at   timestamptz,
  -- An archive had all of it.
  archived_at  timestamptz,
  dropped_at   timestamptz,
  rows         bigint,
  -- Ids that are no UUIDv7, which have no day: they stay in events.
  kept_rows    bigint,
  -- Why it was not dropped when that was last tried; null where nothing stood in the way.
  waits_for    text,
  waits_detail text,
  CONSTRAINT retired_in_order CHECK (
    (archived_at IS NULL OR counted_at IS NOT NULL) AND (dropped_at IS NULL OR counted_at IS NOT NULL)
    AND (dropped_at IS NULL) = (rows IS NULL) AND (dropped_at IS NULL) = (kept_rows IS NULL))
);

-- What leaves, or left, with a day, by source: kept for good.
CREATE TABLE retired_day_counts (
  day          date NOT NULL REFERENCES retired_days,
  source_id    int NOT NULL REFERENCES sources,
  rows         bigint NOT NULL CHECK (rows > 0),
  -- XOR of the first 64 bits of their keys, as in the ledger.
  fingerprint  bigint NOT NULL,
  -- Their lowest offset, and the one after their highest.
  first_offset bigint NOT NULL,
  end_offset   bigint NOT NULL,
  PRIMARY KEY (day, source_id)
);

-- The same by ledger row, until the day is dropped.
CREATE TABLE retired_day_ranges (
  day         date NOT NULL,
  source_id   int NOT NULL,
  end_offset  bigint NOT NULL,
  rows        bigint NOT NULL,
  fingerprint bigint NOT NULL,
  PRIMARY KEY (day, source_id, end_offset)
);

-- Rows of a day's partition that are to stay in events, until the day is dropped.
CREATE TABLE retired_day_strays (
  day           date NOT NULL,
  impression_id uuid NOT NULL,
  event_key     uuid NOT NULL,
  PRIMARY KEY (day, impression_id, event_key)
);

-- Raises the horizon to the beginning of a day (milliseconds since 1970); never lowers it. Holding the guard that
-- commits take shared: once this has committed, no event below it is stored any more.
CREATE FUNCTION raise_horizon(p_to_ms bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE horizon bigint;
BEGIN
  IF p_to_ms % 86400000 <> 0 OR p_to_ms < 0 THEN
    RAISE EXCEPTION 'the horizon is the beginning of a day, not % ms', p_to_ms;
  END IF;
  PERFORM pg_advisory_xact_lock(4701, 1);
  UPDATE public.write_guards g SET horizon_ms = greatest(g.horizon_ms, p_to_ms) RETURNING g.horizon_ms INTO horizon;
  RETURN horizon;
END $$;

-- The first day that is not below the horizon.
CREATE FUNCTION horizon_day() RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (to_timestamp(g.horizon_ms / 1000.0) AT TIME ZONE 'UTC')::date FROM public.write_guards g
$$;

-- The partition of a day; null where it has none.
CREATE FUNCTION partition_of_day(p_day date) RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'public.events'::regclass AND c.relname = 'events_' || to_char(p_day, 'YYYYMMDD')
$$;

-- Notes every day below the horizon that has a partition, or rows in the default one. Waits for a maker of days that may
-- have read the horizon before it was raised: later ones make no day below it.
CREATE FUNCTION find_retired_days() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  horizon date;
  found int;
BEGIN
  PERFORM pg_advisory_xact_lock(4701, 3);
  horizon := public.horizon_day();
  INSERT INTO public.retired_days (day)
  SELECT below.day FROM (
    SELECT to_date(substr(c.relname, 8), 'YYYYMMDD') AS day
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.events'::regclass AND c.relname ~ '^events_[0-9]{8}$'
    UNION
    SELECT (to_timestamp(public.rollup_cohort(d.impression_id) * 30) AT TIME ZONE 'UTC')::date
    FROM public.events_default d
    WHERE d.impression_id < public.first_id_of(horizon) AND public.rollup_cohort(d.impression_id) >= 0
  ) below
  WHERE below.day < horizon
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS found = ROW_COUNT;
  RETURN found;
END $$;

CREATE FUNCTION note_stray() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO public.retired_day_strays VALUES (TG_ARGV[0]::date, NEW.impression_id, NEW.event_key)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

-- From now on rows that still come into a day's partition are noted: ids that are no UUIDv7 have no age and never expire.
-- Waits for writers that are at it, so that whatever came before is seen by whoever looks afterwards.
CREATE FUNCTION watch_retired_day(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home regclass := public.partition_of_day(p_day);
BEGIN
  PERFORM FROM public.retired_days r WHERE r.day = p_day AND p_day < public.horizon_day() FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'day % is not below the horizon', p_day;
  END IF;
  IF home IS NULL OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = home AND t.tgname = 'note_stray') THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TRIGGER note_stray AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.note_stray(%L)',
                 home, p_day);
END $$;

-- What the rollups still need of events born before a time, a row each; none where nobody keeps rollups.
CREATE FUNCTION rollups_need_before(p_ms bigint) RETURNS TABLE (need text, detail text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'frontier', format('the frontier of the rollups stands at %s', to_timestamp(g.frontier_ms / 1000) AT TIME ZONE 'UTC')
  FROM public.write_guards g WHERE g.frontier_ms > 0 AND g.frontier_ms < p_ms
  UNION ALL
  SELECT 'bases', format('version %s has claimed no bases after %s', v.version,
                         to_timestamp((v.claimed_through + 1) * 30) AT TIME ZONE 'UTC')
  FROM public.rollup_versions v, public.write_guards g
  WHERE g.frontier_ms > 0 AND v.claimed_through < p_ms / 30000 - 1
  UNION ALL
  SELECT 'bases', format('%s bases of version %s are not taken', count(*), b.version)
  FROM public.rollup_bases b, public.write_guards g
  WHERE g.frontier_ms > 0 AND b.taken_at IS NULL AND b.first_cohort >= 0 AND b.first_cohort < p_ms / 30000
  GROUP BY b.version
  UNION ALL
  SELECT 'late_notes', format('%s late notes are not applied', count(*))
  FROM public.late_notes n
  WHERE EXISTS (SELECT FROM unnest(n.impression_ids) AS id
                WHERE id < public.first_id_of((to_timestamp(p_ms / 1000) AT TIME ZONE 'UTC')::date)
                  AND public.rollup_cohort(id) >= 0)
  HAVING count(*) > 0
$$;

-- Refuses to wait for transactions older than a second that use these tables: all others would wait behind us (ADR 36). Null
-- of those whom the owner may not look at, as a backup by another role: they may be long at it.
CREATE FUNCTION refuse_long_use(VARIADIC p_tables regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'relation' AND l.granted AND l.relation = ANY (p_tables)
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    AND a.pid <> pg_backend_pid()
    AND coalesce(a.xact_start, '-infinity') < clock_timestamp() - interval '1 second';
  IF FOUND THEN
    RAISE EXCEPTION 'the events are in use by a long transaction' USING ERRCODE = '55P03';
  END IF;
END $$;

-- Drops a day that was counted and tells the ledger, in one transaction; what of its partition has no day moves into
-- events anew. Whoever reads or writes events waits, as when a day is made (0026). Returns how many rows left.
CREATE FUNCTION drop_retired_day(p_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  retired public.retired_days%ROWTYPE;
  home regclass := public.partition_of_day(p_day);
  from_id uuid := public.first_id_of(p_day);
  to_id uuid := public.first_id_of(p_day + 1);
  leaving bigint;
  told bigint;
  strays bigint := 0;
  kept bigint := 0;
  needed text;
BEGIN
  SELECT * INTO STRICT retired FROM public.retired_days r WHERE r.day = p_day FOR UPDATE;
  IF retired.dropped_at IS NOT NULL THEN
    RETURN retired.rows;
  END IF;
  IF p_day >= public.horizon_day() OR retired.counted_at IS NULL THEN
    RAISE EXCEPTION 'day % is not below the horizon, or not counted', p_day;
  END IF;
  SELECT n.detail INTO needed FROM public.rollups_need_before((extract(epoch FROM p_day + 1) * 1000)::bigint) n LIMIT 1;
  IF needed IS NOT NULL THEN
    RAISE EXCEPTION 'the rollups need day %: %', p_day, needed USING ERRCODE = 'ADT08';
  END IF;
  IF home IS NOT NULL THEN
    PERFORM public.refuse_long_use('public.events', 'public.events_default', home);
  END IF;
  SELECT coalesce(sum(r.rows), 0) INTO leaving FROM public.retired_day_ranges r WHERE r.day = p_day;
  -- Not while old rows are folded (0033): a fold that began before would write what it read, without what is told here.
  PERFORM pg_advisory_xact_lock(4701, 12);
  -- A ledger row that was folded since is part of the one that ends next.
  WITH told_rows AS (
    SELECT r.source_id, l.end_offset, sum(r.rows)::bigint AS rows, bit_xor(r.fingerprint) AS fingerprint
    FROM public.retired_day_ranges r CROSS JOIN LATERAL (
      SELECT e.end_offset FROM public.ledger e
      WHERE e.source_id = r.source_id AND e.end_offset >= r.end_offset ORDER BY e.end_offset LIMIT 1
    ) l
    WHERE r.day = p_day GROUP BY 1, 2
  ), updated AS (
    UPDATE public.ledger l SET purged = l.purged + t.rows, purged_fingerprint = l.purged_fingerprint # t.fingerprint
    FROM told_rows t WHERE l.source_id = t.source_id AND l.end_offset = t.end_offset
    RETURNING t.rows
  )
  SELECT coalesce(sum(u.rows), 0) INTO told FROM updated u;
  IF told <> leaving THEN
    RAISE EXCEPTION '% rows of day % were counted and the ledger was told of %', leaving, p_day, told;
  END IF;
  IF home IS NULL THEN
    DELETE FROM public.events_default d
    WHERE d.impression_id >= from_id AND d.impression_id < to_id AND public.rollup_cohort(d.impression_id) >= 0;
    GET DIAGNOSTICS told = ROW_COUNT;
    IF told <> leaving THEN
      RAISE EXCEPTION '% rows of day % were counted and % found', leaving, p_day, told;
    END IF;
  ELSE
    LOCK TABLE ONLY public.events IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE public.events_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', home);
    PERFORM 1 FROM public.retired_day_strays s WHERE s.day = p_day AND public.rollup_cohort(s.impression_id) >= 0;
    IF FOUND THEN
      RAISE EXCEPTION 'rows of day % came after it was counted', p_day USING ERRCODE = 'ADT07';
    END IF;
    SELECT count(*) INTO strays FROM public.retired_day_strays s WHERE s.day = p_day;
    EXECUTE format('ALTER TABLE public.events DETACH PARTITION %s', home);
    EXECUTE format('INSERT INTO public.events SELECT d.* FROM public.retired_day_strays s JOIN %s d USING (impression_id, event_key)
                    WHERE s.day = %L', home, p_day);
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept <> strays THEN
      RAISE EXCEPTION '% rows of day % were to be kept and % were found', strays, p_day, kept;
    END IF;
    EXECUTE format('DROP TABLE %s', home);
  END IF;
  DELETE FROM public.retired_day_ranges r WHERE r.day = p_day;
  DELETE FROM public.retired_day_strays s WHERE s.day = p_day;
  UPDATE public.retired_days r SET dropped_at = clock_timestamp(), rows = leaving, kept_rows = kept,
                                   waits_for = NULL, waits_detail = NULL
  WHERE r.day = p_day;
  RETURN leaving;
END $$;

REVOKE ALL ON FUNCTION raise_horizon(bigint), find_retired_days(), note_stray(), watch_retired_day(date),
  drop_retired_day(date), refuse_long_use(regclass[]) FROM PUBLIC;

INSERT INTO schema_versions VALUES (31, 8);

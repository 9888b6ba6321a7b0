-- What leaves with a day is told so that nothing is refused without cause, nor shown wrong, once it is gone (docs/adr/0044).
-- Functions of the owner, as in 0031.

-- When events of a dropped day happened that count for a campaign, its own or credited to it: moments that are a day apart at
-- most belong to one span, from the first to the last of them. So of a period of a day or longer events left exactly where a
-- span meets it, and one wrong clock is a span of its own.
CREATE TABLE retired_campaign_spans (
  campaign_id       text NOT NULL,
  day               date NOT NULL REFERENCES retired_days,
  first_occurred_at timestamptz NOT NULL,
  last_occurred_at  timestamptz NOT NULL,
  PRIMARY KEY (campaign_id, day, first_occurred_at)
);
CREATE INDEX retired_campaign_spans_by_day ON retired_campaign_spans (day);

-- A base that was not summed up from events, since these had left: its rows are those of another version, by that one's rules.
ALTER TABLE rollup_bases
  ADD COLUMN taken_over_from int REFERENCES rollup_versions,
  -- Rollups of its version that the other one did not keep: of them it has no rows.
  ADD COLUMN lacks_rollups text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT base_taken_over_is_taken CHECK (
    CASE WHEN taken_over_from IS NULL THEN lacks_rollups = '{}'
         ELSE taken_at IS NOT NULL AND taken_over_from <> version AND first_cohort >= 0 END);
CREATE INDEX rollup_bases_taken_over ON rollup_bases (version, taken_over_from, first_cohort) WHERE taken_over_from IS NOT NULL;

-- What of a backfill's range lies below was purged before it began: it is taken over where it is not there, and else stays.
ALTER TABLE backfill_runs ADD COLUMN purged_before_ms bigint NOT NULL DEFAULT 0;

-- Tells when events of a day happened, by campaign. An event may be credited to the campaign of another one of its impression:
-- of impressions of several campaigns each event counts for all of them.
CREATE FUNCTION note_campaign_spans(p_day date, p_leaving text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM public.retired_campaign_spans s WHERE s.day = p_day;
  EXECUTE format($query$
    WITH mixed AS MATERIALIZED (
      SELECT r.impression_id FROM %1$s GROUP BY 1
      HAVING min(r.campaign_id COLLATE "C") <> max(r.campaign_id COLLATE "C")
    ), dates AS (
      SELECT r.campaign_id, date_trunc('day', r.occurred_at, 'UTC') AS date, min(r.occurred_at) AS first, max(r.occurred_at) AS last
      FROM %1$s GROUP BY 1, 2
      UNION ALL
      SELECT c.campaign_id, date_trunc('day', r.occurred_at, 'UTC'), min(r.occurred_at), max(r.occurred_at)
      FROM %1$s JOIN mixed USING (impression_id)
      JOIN (SELECT DISTINCT r.impression_id, r.campaign_id FROM %1$s JOIN mixed USING (impression_id)) c USING (impression_id)
      GROUP BY 1, 2
    ), apart AS (
      SELECT d.*, d.first > max(d.last) OVER (PARTITION BY d.campaign_id ORDER BY d.first, d.last
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + interval '24 hours' AS begins
      FROM dates d
    ), numbered AS (
      SELECT a.*, count(*) FILTER (WHERE a.begins) OVER (PARTITION BY a.campaign_id ORDER BY a.first, a.last) AS span
      FROM apart a
    )
    INSERT INTO public.retired_campaign_spans
    SELECT n.campaign_id, %2$L, min(n.first), max(n.last) FROM numbered n GROUP BY n.campaign_id, n.span$query$,
    p_leaving, p_day);
END $$;

-- Counts what leaves with a day, by ledger row and by campaign, and notes what of its partition stays. Locks nobody: rows below the
-- horizon neither come nor go. Returns how many leave.
CREATE FUNCTION count_retired_day(p_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  home regclass := public.partition_of_day(p_day);
  day_rows text := format('%s r WHERE r.impression_id >= %L AND r.impression_id < %L', coalesce(home, 'public.events_default'),
                          public.first_id_of(p_day), public.first_id_of(p_day + 1));
  leaving_rows text := format('(SELECT * FROM %s AND public.rollup_cohort(r.impression_id) >= 0) r', day_rows);
  leaving bigint;
  placed bigint;
BEGIN
  PERFORM FROM public.retired_days r
  WHERE r.day = p_day AND r.dropped_at IS NULL AND p_day < public.horizon_day() FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'day % is not below the horizon, or is gone', p_day;
  END IF;
  DELETE FROM public.retired_day_ranges r WHERE r.day = p_day;
  DELETE FROM public.retired_day_counts r WHERE r.day = p_day;
  IF home IS NOT NULL THEN
    IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = home AND t.tgname = 'note_stray') THEN
      RAISE EXCEPTION 'day % is not watched', p_day;
    END IF;
    EXECUTE format('INSERT INTO public.retired_day_strays SELECT %L, r.impression_id, r.event_key
                    FROM %s AND public.rollup_cohort(r.impression_id) < 0 ON CONFLICT DO NOTHING', p_day, day_rows);
  END IF;
  EXECUTE format($query$
    WITH bounds AS MATERIALIZED (
      SELECT l.source_id, array_agg(l.end_offset ORDER BY l.end_offset) AS ends FROM public.ledger l GROUP BY l.source_id
    ), placed AS MATERIALIZED (
      SELECT r.source_id, width_bucket(r.source_offset, b.ends) AS part, count(*) AS rows,
             bit_xor(('x' || encode(substr(uuid_send(r.event_key), 1, 8), 'hex'))::bit(64)::bigint) AS fingerprint,
             min(r.source_offset) AS lowest, max(r.source_offset) AS highest
      FROM %s LEFT JOIN bounds b USING (source_id)
      GROUP BY 1, 2
    ), ranges AS (
      INSERT INTO public.retired_day_ranges
      SELECT %L, p.source_id, b.ends[p.part + 1], p.rows, p.fingerprint
      FROM placed p JOIN bounds b USING (source_id) WHERE b.ends[p.part + 1] IS NOT NULL
      RETURNING rows
    ), counts AS (
      INSERT INTO public.retired_day_counts
      SELECT %L, p.source_id, sum(p.rows), bit_xor(p.fingerprint), min(p.lowest), max(p.highest) + 1
      FROM placed p GROUP BY p.source_id
    )
    SELECT (SELECT coalesce(sum(rows), 0) FROM placed), (SELECT coalesce(sum(rows), 0) FROM ranges)$query$,
    leaving_rows, p_day, p_day) INTO leaving, placed;
  IF leaving <> placed THEN
    RAISE EXCEPTION '% rows of day % lie in no ledger range: see what the audit says', leaving - placed, p_day;
  END IF;
  PERFORM public.note_campaign_spans(p_day, leaving_rows);
  UPDATE public.retired_days r SET counted_at = clock_timestamp(), archived_at = NULL WHERE r.day = p_day;
  RETURN leaving;
END $$;

-- Rows came below the horizon that cannot: whoever wrote them did not go through commit_batch. They leave with the others.
CREATE FUNCTION recount_retired_day(p_day date) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM public.retired_day_strays s WHERE s.day = p_day AND public.rollup_cohort(s.impression_id) >= 0;
  UPDATE public.retired_days r SET counted_at = NULL, archived_at = NULL WHERE r.day = p_day AND r.dropped_at IS NULL;
$$;

REVOKE ALL ON FUNCTION note_campaign_spans(date, text), count_retired_day(date), recount_retired_day(date) FROM PUBLIC;

INSERT INTO schema_versions VALUES (36, 8);

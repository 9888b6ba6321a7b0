-- Aggregates as a function of the set of events (docs/architecture.md, "Aggregates"). A rollup is the
-- sum over impressions of f(events of one impression); a cohort is the impressions born in 10 s.
--
-- SQLSTATE ADT04  the frontier passed impressions that the batch did not note

-- Impressions born before it are at or below the frontier: their cohorts may have been summed up, so
-- that a writer must note each of their events. 0 = nobody keeps rollups; then nothing is noted.
ALTER TABLE write_guards ADD COLUMN frontier_ms bigint NOT NULL DEFAULT 0;

CREATE FUNCTION refuse_frontier_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the frontier would go back: % -> %', OLD.frontier_ms, NEW.frontier_ms;
END $$;

CREATE TRIGGER frontier_never_goes_back
  BEFORE UPDATE ON write_guards FOR EACH ROW
  WHEN (NEW.frontier_ms < OLD.frontier_ms)
  EXECUTE FUNCTION refuse_frontier_going_back();

-- One row a batch that stored events at or below the frontier. The offsets say which batch it was: by
-- them the worker knows how far it has come in each source.
CREATE TABLE late_notes (
  note_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  noted_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  source_ids     int[] NOT NULL,
  first_offsets  bigint[] NOT NULL,
  end_offsets    bigint[] NOT NULL,
  -- Of impression_ids, so that the worker can choose how much to take without reading them.
  impressions    int NOT NULL,
  impression_ids uuid[] NOT NULL
);
-- Random ids do not compress; trying costs the hot path more than the write.
ALTER TABLE late_notes ALTER COLUMN impression_ids SET STORAGE EXTERNAL;

-- The cohort of an impression: its UUIDv7 time in slices of 10 s since 1970, or -1 (timeless) where the
-- id is of another version or born in 2100 or later. Never changes: rollup rows are keyed by it.
CREATE FUNCTION rollup_cohort(p_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN get_byte(uuid_send(p_id), 6) >> 4 = 7 AND get_byte(uuid_send(p_id), 8) >> 6 = 2
      AND p_id < '03bb2cc3-d800-0000-0000-000000000000'::uuid
    THEN ('x' || encode(substr(uuid_send(p_id), 1, 6), 'hex'))::bit(48)::bigint / 10000
    ELSE -1
  END
$$;

-- What a version of the rollups means. Rows of different versions live side by side.
CREATE TABLE rollup_versions (
  version      int PRIMARY KEY CHECK (version > 0),
  algorithm    text NOT NULL,
  -- A click earns a conversion at most so much later.
  window_ms    bigint NOT NULL CHECK (window_ms >= 0),
  -- How far an event may lie before its impression before it counts as an invalid order.
  tolerance_ms bigint NOT NULL CHECK (tolerance_ms >= 0),
  -- The worker has claimed all cohorts up to this one; those before its first are left to backfills.
  claimed_to   bigint NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A base sums up the cohorts [first_cohort, last_cohort] of a version; together they are recomputed.
-- It is claimed (a row without cursors) in a transaction of its own before it is taken, so that whoever
-- takes it and whoever applies late impressions to it always meet at this row's lock.
CREATE TABLE rollup_bases (
  version      int NOT NULL REFERENCES rollup_versions,
  first_cohort bigint NOT NULL CHECK (first_cohort >= -1),
  last_cohort  bigint NOT NULL,
  -- W: the cursors of the snapshot it was taken from; null = claimed, not taken. An absent source is 0.
  seen_sources int[],
  seen_offsets bigint[],
  events       bigint,
  taken_at     timestamptz,
  -- The backfill that took it last; null = the worker.
  run_id       bigint,
  PRIMARY KEY (version, first_cohort),
  CONSTRAINT base_range CHECK (first_cohort <= last_cohort AND (first_cohort >= 0) = (last_cohort >= 0)),
  CONSTRAINT base_taken CHECK ((seen_sources IS NULL) = (taken_at IS NULL)
    AND cardinality(seen_sources) IS NOT DISTINCT FROM cardinality(seen_offsets))
) WITH (fillfactor = 80);

CREATE INDEX rollup_bases_untaken ON rollup_bases (version, first_cohort) WHERE taken_at IS NULL;

-- V: how far late notes have been applied, by source.
CREATE TABLE rollup_progress (
  only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  applied_sources int[] NOT NULL DEFAULT '{}',
  applied_offsets bigint[] NOT NULL DEFAULT '{}'
);
INSERT INTO rollup_progress DEFAULT VALUES;

-- Sums of money are numeric: two valid events may already exceed 2^63. Always whole micros.
-- Which counts exist, and what each means: packages/analytics/src/measures.ts.
CREATE TABLE rollup_by_campaign (
  version                int NOT NULL,
  cohort                 bigint NOT NULL,
  hour                   timestamptz NOT NULL,
  campaign_id            text COLLATE "C" NOT NULL,
  currency               text COLLATE "C" NOT NULL,
  impressions            bigint NOT NULL,
  clicks                 bigint NOT NULL,
  click_conversions      bigint NOT NULL,
  view_conversions       bigint NOT NULL,
  unmatched_clicks       bigint NOT NULL,
  unmatched_conversions  bigint NOT NULL,
  early_clicks           bigint NOT NULL,
  early_conversions      bigint NOT NULL,
  spend_micros           numeric NOT NULL,
  click_value_micros     numeric NOT NULL,
  view_value_micros      numeric NOT NULL,
  unmatched_spend_micros numeric NOT NULL,
  unmatched_value_micros numeric NOT NULL,
  invalid_spend_micros   numeric NOT NULL,
  invalid_value_micros   numeric NOT NULL,
  PRIMARY KEY (version, cohort, hour, campaign_id, currency)
) WITH (fillfactor = 90);

CREATE TABLE rollup_by_creative (
  LIKE rollup_by_campaign,
  creative_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (version, cohort, hour, campaign_id, creative_id, currency)
) WITH (fillfactor = 90);

CREATE TABLE rollup_by_placement (
  LIKE rollup_by_campaign,
  placement_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (version, cohort, hour, campaign_id, placement_id, currency)
) WITH (fillfactor = 90);

-- The version that readers see, and the one before it, for a way back.
CREATE TABLE rollup_promotion (
  only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version          int NOT NULL REFERENCES rollup_versions,
  previous_version int REFERENCES rollup_versions,
  promoted_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What readers ask. Days are UTC. A rate whose denominator is 0 is null.
CREATE VIEW report_campaign_daily AS
SELECT (r.hour AT TIME ZONE 'UTC')::date AS day, r.campaign_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.click_conversions)::bigint AS click_conversions,
       sum(r.view_conversions)::bigint AS view_conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(r.unmatched_clicks)::bigint AS unmatched_clicks,
       sum(r.unmatched_conversions)::bigint AS unmatched_conversions,
       sum(r.unmatched_spend_micros) AS unmatched_spend_micros,
       sum(r.unmatched_value_micros) AS unmatched_value_micros,
       sum(r.early_clicks)::bigint AS early_clicks,
       sum(r.early_conversions)::bigint AS early_conversions,
       sum(r.invalid_spend_micros) AS invalid_spend_micros,
       sum(r.invalid_value_micros) AS invalid_value_micros,
       sum(r.clicks)::numeric / nullif(sum(r.impressions), 0) AS ctr,
       sum(r.click_conversions + r.view_conversions)::numeric / nullif(sum(r.clicks), 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM rollup_by_campaign r JOIN rollup_promotion p ON p.version = r.version
GROUP BY 1, 2, 3;

CREATE VIEW report_creative_daily AS
SELECT (r.hour AT TIME ZONE 'UTC')::date AS day, r.campaign_id, r.creative_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(r.clicks)::numeric / nullif(sum(r.impressions), 0) AS ctr,
       sum(r.click_conversions + r.view_conversions)::numeric / nullif(sum(r.clicks), 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM rollup_by_creative r JOIN rollup_promotion p ON p.version = r.version
GROUP BY 1, 2, 3, 4;

CREATE VIEW report_placement_daily AS
SELECT (r.hour AT TIME ZONE 'UTC')::date AS day, r.campaign_id, r.placement_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(r.clicks)::numeric / nullif(sum(r.impressions), 0) AS ctr,
       sum(r.click_conversions + r.view_conversions)::numeric / nullif(sum(r.clicks), 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM rollup_by_placement r JOIN rollup_promotion p ON p.version = r.version
GROUP BY 1, 2, 3, 4;

-- One row a backfill. What it has done is told by the bases that name it: nothing here can disagree.
CREATE TABLE backfill_runs (
  run_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version       int NOT NULL REFERENCES rollup_versions,
  first_cohort  bigint NOT NULL,
  last_cohort   bigint NOT NULL,
  state         text NOT NULL DEFAULT 'running'
                CHECK (state IN ('running', 'paused', 'cancelled', 'done', 'failed')),
  -- Rows a second over all workers; null = as fast as it goes.
  rate          int CHECK (rate > 0),
  actor         text NOT NULL,
  started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Of the process that works on it: what is still and not paused was killed.
  seen_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at      timestamptz,
  CONSTRAINT backfill_end_is_dated CHECK ((state IN ('done', 'cancelled', 'failed')) = (ended_at IS NOT NULL))
);

CREATE INDEX rollup_bases_by_run ON rollup_bases (run_id) WHERE run_id IS NOT NULL;

-- As in 0003, with one argument more: the writer noted every event of impressions born before
-- p_noted_below_ms. Returns the frontier, so that the writer's next batch knows it.
DROP FUNCTION commit_batch(int[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[],
                           bigint[], bigint[], bigint);
CREATE FUNCTION commit_batch(
  p_source_ids int[], p_first bigint[], p_end bigint[], p_epoch bigint[],
  p_stored bigint[], p_duplicate bigint[], p_conflict bigint[], p_dead_lettered bigint[],
  p_gap bigint[], p_fingerprint bigint[], p_horizon_ms bigint, p_noted_below_ms bigint
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  stale int[];
  frontier bigint;
BEGIN
  -- Shared among writers; whoever moves the horizon or the frontier takes it exclusively.
  PERFORM pg_advisory_xact_lock_shared(4701, 1);
  SELECT g.frontier_ms INTO frontier FROM write_guards g WHERE g.horizon_ms = p_horizon_ms;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the retention horizon moved' USING ERRCODE = 'ADT02';
  END IF;
  IF frontier > p_noted_below_ms THEN
    RAISE EXCEPTION 'the frontier moved' USING ERRCODE = 'ADT04', DETAIL = frontier::text;
  END IF;

  PERFORM 1 FROM cursors c WHERE c.source_id = ANY (p_source_ids) ORDER BY c.source_id FOR UPDATE;
  SELECT array_agg(b.source_id) INTO stale
  FROM unnest(p_source_ids, p_first, p_epoch) AS b (source_id, first_offset, epoch)
  LEFT JOIN cursors c USING (source_id)
  WHERE c.next_offset IS DISTINCT FROM b.first_offset
     OR c.epoch IS DISTINCT FROM b.epoch
     OR c.halted_code IS NOT NULL;
  IF stale IS NOT NULL THEN
    RAISE EXCEPTION 'fenced' USING ERRCODE = 'ADT01', DETAIL = array_to_string(stale, ',');
  END IF;

  INSERT INTO ledger (source_id, first_offset, end_offset, epoch, consumed,
                      stored, duplicate, conflict, dead_lettered, gap, stored_fingerprint)
  SELECT b.source_id, b.first_offset, b.end_offset, b.epoch,
         b.stored + b.duplicate + b.conflict + b.dead_lettered,
         b.stored, b.duplicate, b.conflict, b.dead_lettered, b.gap, b.fingerprint
  FROM unnest(p_source_ids, p_first, p_end, p_epoch, p_stored, p_duplicate, p_conflict,
              p_dead_lettered, p_gap, p_fingerprint)
    AS b (source_id, first_offset, end_offset, epoch, stored, duplicate, conflict, dead_lettered, gap, fingerprint);

  UPDATE cursors c SET next_offset = b.end_offset
  FROM unnest(p_source_ids, p_end) AS b (source_id, end_offset)
  WHERE c.source_id = b.source_id;
  RETURN frontier;
END $$;

INSERT INTO schema_versions VALUES (8, 8);

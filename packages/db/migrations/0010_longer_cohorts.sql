-- A cohort is 30 s and no longer 10 s of UUIDv7 time: at full load that is less than half the rollup rows
-- (docs/adr/0010). What is summed up by the old cohorts is dropped; the worker sums it up anew.
CREATE OR REPLACE FUNCTION rollup_cohort(p_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN get_byte(uuid_send(p_id), 6) >> 4 = 7 AND get_byte(uuid_send(p_id), 8) >> 6 = 2
      AND p_id < '03bb2cc3-d800-0000-0000-000000000000'::uuid
    THEN ('x' || encode(substr(uuid_send(p_id), 1, 6), 'hex'))::bit(48)::bigint / 30000
    ELSE -1
  END
$$;

-- The new name stops a backfill-runner of before at its next claim: it would count by the old cohorts.
ALTER TABLE rollup_versions RENAME COLUMN claimed_to TO claimed_through;
UPDATE rollup_versions SET claimed_through = -1;

TRUNCATE rollup_by_campaign, rollup_by_creative, rollup_by_placement, rollup_bases;
INSERT INTO rollup_bases (version, first_cohort, last_cohort) SELECT version, -1, -1 FROM rollup_versions;

UPDATE backfill_runs SET state = 'cancelled', ended_at = clock_timestamp()
WHERE state IN ('running', 'paused');
UPDATE backfill_runs
SET first_cohort = CASE WHEN first_cohort < 0 THEN -1 ELSE first_cohort / 3 END, last_cohort = last_cohort / 3;

INSERT INTO schema_versions VALUES (10, 8);

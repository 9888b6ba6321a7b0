-- Ledger rows of long ago fold into one a source and hour (docs/adr/0037). Every constraint of the ledger holds at each
-- moment: rows go and the last of them begins where the first did in one statement. A function of the owner, as in 0031.

-- How far the folding of each source has come: the beginning of the row that is looked at next.
CREATE TABLE ledger_folds (
  source_id   int PRIMARY KEY REFERENCES sources,
  next_offset bigint NOT NULL
);

-- Folds rows of one source that were committed before the hour of a time, at most so many at once. A row keeps what sums
-- and XORs of its rows come to, the highest epoch and the latest commit. Rows with a loss stay as they were signed; the
-- newest row is never touched, since the cursor stands on it. Returns how many rows are gone; null where nothing is left.
CREATE FUNCTION fold_ledger(p_source_id int, p_before timestamptz, p_limit int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before_hour timestamptz := date_trunc('hour', p_before, 'UTC');
  from_offset bigint;
  newest bigint;
  looked_at int;
  last_first bigint;
  gone_rows int;
BEGIN
  -- One at a time, also where two processes believe to lead.
  IF NOT pg_try_advisory_xact_lock(4701, 12) THEN
    RETURN NULL;
  END IF;
  SELECT f.next_offset INTO from_offset FROM public.ledger_folds f WHERE f.source_id = p_source_id;
  SELECT c.next_offset INTO newest FROM public.cursors c WHERE c.source_id = p_source_id;
  WITH oldest AS MATERIALIZED (
    SELECT l.*, bool_and(l.committed_at < before_hour) OVER (ORDER BY l.end_offset) AS is_old
    FROM (SELECT * FROM public.ledger l
          WHERE l.source_id = p_source_id AND l.first_offset IS NOT NULL AND l.end_offset < newest
            AND l.end_offset > coalesce(from_offset, -1)
          ORDER BY l.end_offset LIMIT p_limit) l
  ), parts AS MATERIALIZED (
    SELECT o.*, count(*) FILTER (WHERE o.begins) OVER (ORDER BY o.end_offset) AS part
    FROM (SELECT a.*, a.lost > 0 OR lag(a.lost) OVER w > 0
                 OR date_trunc('hour', a.committed_at, 'UTC') IS DISTINCT FROM date_trunc('hour', lag(a.committed_at) OVER w, 'UTC')
                 AS begins
          FROM oldest a WHERE a.is_old WINDOW w AS (ORDER BY a.end_offset)) o
  ), folded AS MATERIALIZED (
    SELECT p.part, min(p.first_offset) AS first_offset, max(p.end_offset) AS end_offset, max(p.epoch) AS epoch,
           sum(p.consumed)::bigint AS consumed, sum(p.stored)::bigint AS stored, sum(p.duplicate)::bigint AS duplicate,
           sum(p.conflict)::bigint AS conflict, sum(p.dead_lettered)::bigint AS dead_lettered, sum(p.gap)::bigint AS gap,
           bit_xor(p.stored_fingerprint) AS stored_fingerprint, sum(p.purged)::bigint AS purged,
           bit_xor(p.purged_fingerprint) AS purged_fingerprint, max(p.committed_at) AS committed_at
    FROM parts p GROUP BY p.part HAVING count(*) > 1
  ), gone AS (
    DELETE FROM public.ledger l USING parts p, folded f
    WHERE l.source_id = p_source_id AND l.end_offset = p.end_offset AND p.part = f.part AND p.end_offset < f.end_offset
    RETURNING l.end_offset
  ), grown AS (
    UPDATE public.ledger l SET
      first_offset = f.first_offset, epoch = f.epoch, consumed = f.consumed, stored = f.stored, duplicate = f.duplicate,
      conflict = f.conflict, dead_lettered = f.dead_lettered, gap = f.gap, stored_fingerprint = f.stored_fingerprint,
      purged = f.purged, purged_fingerprint = f.purged_fingerprint, committed_at = f.committed_at
    FROM folded f
    -- The rows before it have to be gone first: what it becomes begins where one of them did.
    WHERE l.source_id = p_source_id AND l.end_offset = f.end_offset AND (SELECT count(*) FROM gone) > 0
    RETURNING l.end_offset
  )
  SELECT (SELECT count(*) FROM parts),
         (SELECT min(p.first_offset) FROM parts p WHERE p.part = (SELECT max(q.part) FROM parts q)),
         (SELECT count(*) FROM gone)
  INTO looked_at, last_first, gone_rows;
  IF looked_at < 2 THEN
    RETURN NULL;
  END IF;
  INSERT INTO public.ledger_folds VALUES (p_source_id, last_first)
  ON CONFLICT (source_id) DO UPDATE SET next_offset = excluded.next_offset;
  RETURN gone_rows;
END $$;

REVOKE ALL ON FUNCTION fold_ledger(int, timestamptz, int) FROM PUBLIC;

INSERT INTO schema_versions VALUES (33, 8);

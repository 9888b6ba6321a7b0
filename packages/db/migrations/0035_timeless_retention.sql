-- Events of ids that are no UUIDv7 have no day and would stay for ever: they leave by when they were committed
-- (docs/adr/0042), an impression with all its events at once, and the ledger is told in the transaction in which they go.
-- A function of the owner, as those of 0031: it looks into pg_catalog alone.
--
-- SQLSTATE ADT09  other rows would leave than those that were looked at

-- One row each time that all events are gone through. It says how far it came, so that whoever comes next goes on there.
CREATE TABLE timeless_passes (
  pass_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- What was committed before it may leave.
  committed_before  timestamptz NOT NULL,
  -- The same by source: rows at and beyond these offsets stay, whatever is committed meanwhile.
  source_ids        int[] NOT NULL,
  before_offsets    bigint[] NOT NULL,
  -- Impressions up to it were looked at.
  looked_at_through uuid,
  rows              bigint NOT NULL DEFAULT 0,
  started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_purged_at    timestamptz,
  ended_at          timestamptz,
  CONSTRAINT pass_sources CHECK (cardinality(source_ids) = cardinality(before_offsets))
);

CREATE UNIQUE INDEX timeless_passes_open ON timeless_passes ((true)) WHERE ended_at IS NULL;

-- What left, by source and UTC day of the events: kept for good. Figures of such a day can be read from events no more.
CREATE TABLE timeless_purged (
  source_id         int NOT NULL REFERENCES sources,
  occurred_on       date NOT NULL,
  rows              bigint NOT NULL CHECK (rows > 0),
  -- XOR of the first 64 bits of their keys, as in the ledger.
  fingerprint       bigint NOT NULL,
  -- Their lowest offset, and the one after their highest.
  first_offset      bigint NOT NULL,
  end_offset        bigint NOT NULL,
  first_occurred_at timestamptz NOT NULL,
  last_occurred_at  timestamptz NOT NULL,
  PRIMARY KEY (source_id, occurred_on)
);

-- Begins to go through all events: which offsets of each source were committed before a time. Where the clock was set back
-- once, less leaves, never more.
CREATE FUNCTION begin_timeless_pass(p_committed_before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE begun bigint;
BEGIN
  IF p_committed_before > clock_timestamp() THEN
    RAISE EXCEPTION 'nothing was committed before % yet', p_committed_before;
  END IF;
  INSERT INTO public.timeless_passes (committed_before, source_ids, before_offsets)
  SELECT p_committed_before, coalesce(array_agg(b.source_id), '{}'), coalesce(array_agg(b.before_offset), '{}')
  FROM (
    SELECT l.source_id,
           coalesce(min(l.first_offset) FILTER (WHERE l.committed_at >= p_committed_before), max(l.end_offset)) AS before_offset
    FROM public.ledger l JOIN public.sources s USING (source_id) WHERE s.kind <> 'dlq' GROUP BY 1
  ) b
  RETURNING pass_id INTO begun;
  RETURN begun;
END $$;

-- Deletes the events of impressions without a time that a pass may take, tells the ledger, and counts them by source and
-- day. The caller says how many there are: what it did for them (the rollups) it did for these. No lock on events: who
-- reads goes on, and a copy that is written meanwhile waits for this transaction and is stored, or saw the row before it
-- went and is a duplicate.
CREATE FUNCTION purge_timeless(p_pass_id bigint, p_impression_ids uuid[], p_rows bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  pass public.timeless_passes%ROWTYPE;
  leaving bigint;
  told bigint;
BEGIN
  SELECT * INTO STRICT pass FROM public.timeless_passes p WHERE p.pass_id = p_pass_id AND p.ended_at IS NULL FOR UPDATE;
  -- Not while a day is made: it has copies of rows of the default partition, taken ahead. Copies that a killed maker left
  -- go first: they would hold rows that are nowhere else, which nobody would clear away.
  IF NOT pg_try_advisory_xact_lock(4701, 3) THEN
    RAISE EXCEPTION 'days are made just now' USING ERRCODE = '55P03';
  END IF;
  PERFORM 1 FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace
    AND c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '^events_[0-9]{8}$';
  IF FOUND THEN
    PERFORM public.drop_event_day_leftovers();
  END IF;
  -- Nor while old rows of the ledger are folded: see drop_retired_day.
  PERFORM pg_advisory_xact_lock(4701, 12);
  WITH gone AS (
    DELETE FROM public.events e
    WHERE e.impression_id = ANY (p_impression_ids) AND public.rollup_cohort(e.impression_id) < 0
      AND e.source_offset < (pass.before_offsets)[array_position(pass.source_ids, e.source_id)]
    RETURNING e.source_id, e.source_offset, e.impression_id, e.event_key, e.occurred_at,
              ('x' || encode(substr(uuid_send(e.event_key), 1, 8), 'hex'))::bit(64)::bigint AS fingerprint
  ), placed AS (
    SELECT g.source_id, l.end_offset, count(*) AS rows, bit_xor(g.fingerprint) AS fingerprint
    FROM gone g CROSS JOIN LATERAL (
      SELECT e.first_offset, e.end_offset FROM public.ledger e
      WHERE e.source_id = g.source_id AND e.end_offset > g.source_offset ORDER BY e.end_offset LIMIT 1
    ) l
    WHERE l.first_offset <= g.source_offset
    GROUP BY 1, 2
  ), updated AS (
    UPDATE public.ledger l SET purged = l.purged + p.rows, purged_fingerprint = l.purged_fingerprint # p.fingerprint
    FROM placed p WHERE l.source_id = p.source_id AND l.end_offset = p.end_offset
    RETURNING p.rows
  ), counted AS (
    INSERT INTO public.timeless_purged AS t
    SELECT g.source_id, (g.occurred_at AT TIME ZONE 'UTC')::date, count(*), bit_xor(g.fingerprint),
           min(g.source_offset), max(g.source_offset) + 1, min(g.occurred_at), max(g.occurred_at)
    FROM gone g GROUP BY 1, 2
    ON CONFLICT (source_id, occurred_on) DO UPDATE SET
      rows = t.rows + excluded.rows, fingerprint = t.fingerprint # excluded.fingerprint,
      first_offset = least(t.first_offset, excluded.first_offset),
      end_offset = greatest(t.end_offset, excluded.end_offset),
      first_occurred_at = least(t.first_occurred_at, excluded.first_occurred_at),
      last_occurred_at = greatest(t.last_occurred_at, excluded.last_occurred_at)
  ), strays AS (
    -- A day that is counted would look for them in vain.
    DELETE FROM public.retired_day_strays s USING gone g
    WHERE s.impression_id = g.impression_id AND s.event_key = g.event_key
  )
  SELECT (SELECT count(*) FROM gone), (SELECT coalesce(sum(u.rows), 0) FROM updated u) INTO leaving, told;
  IF told <> leaving THEN
    RAISE EXCEPTION '% rows of ids without a time lie in no ledger range: see what the audit says', leaving - told;
  END IF;
  IF leaving <> p_rows THEN
    RAISE EXCEPTION '% rows of ids without a time were looked at and % would leave', p_rows, leaving USING ERRCODE = 'ADT09';
  END IF;
  UPDATE public.timeless_passes p SET rows = p.rows + leaving, last_purged_at = clock_timestamp() WHERE p.pass_id = p_pass_id;
  RETURN leaving;
END $$;

REVOKE ALL ON FUNCTION begin_timeless_pass(timestamptz), purge_timeless(bigint, uuid[], bigint) FROM PUBLIC;

INSERT INTO schema_versions VALUES (35, 8);

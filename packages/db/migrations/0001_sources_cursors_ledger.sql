-- A source is a numbered stream of writes with its own cursor and ledger (docs/guarantees.md, I1-I3).
-- What these tables promise is enforced here, by constraint, not only by the code that writes them.

-- Which builds a schema serves: those made for schema `oldest_build` or a newer one. A migration that
-- only adds (a nullable column, a table) names an older build and may run before that build is replaced.
CREATE TABLE schema_versions (
  version      int PRIMARY KEY,
  oldest_build int NOT NULL CHECK (oldest_build BETWEEN 1 AND version)
);
INSERT INTO schema_versions VALUES (1, 1);

CREATE TABLE sources (
  source_id  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       text NOT NULL CHECK (kind IN ('events', 'dlq', 'redrive', 'replay')),
  topic      text NOT NULL,
  -- Kafka's own identity of the topic: a topic deleted and created again under its name is another one.
  topic_id   text NOT NULL,
  partition  int NOT NULL CHECK (partition >= 0),
  run        text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Set when an operator accepted that this topic is gone.
  closed_at  timestamptz,
  UNIQUE (kind, topic_id, partition, run)
);

CREATE INDEX sources_by_topic ON sources (topic, partition);

-- Each row covers [first_offset, end_offset); the genesis row has no first_offset.
-- first_offset refers to the end of the row before, so rows can neither overlap, nor fork, nor leave a gap.
CREATE TABLE ledger (
  source_id          int NOT NULL REFERENCES sources,
  first_offset       bigint,
  end_offset         bigint NOT NULL CHECK (end_offset >= 0),
  epoch              bigint NOT NULL,
  consumed           bigint NOT NULL DEFAULT 0,
  stored             bigint NOT NULL DEFAULT 0,
  duplicate          bigint NOT NULL DEFAULT 0,
  conflict           bigint NOT NULL DEFAULT 0,
  dead_lettered      bigint NOT NULL DEFAULT 0,
  gap                bigint NOT NULL DEFAULT 0,
  lost               bigint NOT NULL DEFAULT 0,
  -- XOR of the first 64 bits of the keys stored: a set fingerprint that no order can change.
  stored_fingerprint bigint NOT NULL DEFAULT 0,
  -- What retention has dropped of the rows this range stored.
  purged             bigint NOT NULL DEFAULT 0,
  purged_fingerprint bigint NOT NULL DEFAULT 0,
  committed_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (source_id, end_offset),
  UNIQUE (source_id, first_offset),
  CONSTRAINT ledger_tiles FOREIGN KEY (source_id, first_offset) REFERENCES ledger (source_id, end_offset),
  CONSTRAINT ledger_moves_forward CHECK (first_offset < end_offset),
  CONSTRAINT ledger_balances CHECK (consumed = stored + duplicate + conflict + dead_lettered),
  CONSTRAINT ledger_spans CHECK (first_offset IS NULL OR end_offset - first_offset = consumed + gap + lost),
  CONSTRAINT ledger_genesis_is_empty CHECK (first_offset IS NOT NULL OR consumed + gap + lost = 0),
  CONSTRAINT ledger_counts CHECK (
    least(consumed, stored, duplicate, conflict, dead_lettered, gap, lost, purged) >= 0 AND purged <= stored
  )
);

CREATE UNIQUE INDEX ledger_one_genesis ON ledger (source_id) WHERE first_offset IS NULL;

CREATE TABLE cursors (
  source_id         int PRIMARY KEY REFERENCES sources,
  -- The truth of what has been counted; Kafka's committed offset is a hint for lag tools.
  next_offset       bigint NOT NULL,
  -- Raised by every claim: a writer that carries another epoch has been fenced.
  epoch             bigint NOT NULL DEFAULT 0,
  owner             text,
  -- Exactly which server process writes for the owner, so that the next claim can end exactly that one.
  backend_pid       int,
  backend_start     timestamptz,
  claimed_at        timestamptz,
  -- The topic's end as last seen: what is lost should the topic vanish.
  known_end_offset  bigint,
  halted_code       text,
  halted_detail     text,
  -- Where reading could go on once a loss is accepted; null where no offset can be named.
  halted_resume_at  bigint,
  halted_at         timestamptz,
  CONSTRAINT cursor_ends_ledger FOREIGN KEY (source_id, next_offset) REFERENCES ledger (source_id, end_offset),
  CONSTRAINT cursor_halt_is_dated CHECK ((halted_code IS NULL) = (halted_at IS NULL))
);

-- Who did what by hand, and why. Append-only.
CREATE TABLE operator_actions (
  action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  acted_at  timestamptz NOT NULL DEFAULT now(),
  actor     text NOT NULL,
  action    text NOT NULL,
  source_id int REFERENCES sources,
  reason    text NOT NULL CHECK (length(btrim(reason)) > 0),
  detail    jsonb NOT NULL DEFAULT '{}'
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

CREATE TRIGGER operator_actions_append_only
  BEFORE UPDATE OR DELETE ON operator_actions
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- I3: neither the position nor the epoch of a source ever goes back.
CREATE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'cursor of source % would go back: % -> %, epoch % -> %',
    OLD.source_id, OLD.next_offset, NEW.next_offset, OLD.epoch, NEW.epoch;
END $$;

CREATE TRIGGER cursor_never_goes_back
  BEFORE UPDATE ON cursors FOR EACH ROW
  WHEN (NEW.next_offset < OLD.next_offset OR NEW.epoch < OLD.epoch)
  EXECUTE FUNCTION refuse_going_back();

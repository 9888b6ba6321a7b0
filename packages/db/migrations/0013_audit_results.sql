-- What each check of the audit last said, so that its result outlives whoever asked for it: the leader tells it as
-- metrics, the dead-queue-alerter pages where one does not hold.
CREATE TABLE audit_results (
  -- full: every row, by ./dev audit or GET /audit. recent: the newest ledger rows, by the leader on its clock.
  scope      text NOT NULL CHECK (scope IN ('full', 'recent')),
  check_id   text NOT NULL,
  holds      boolean NOT NULL,
  -- The first offence in one sentence; null where it holds.
  offence    text,
  checked_by text NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (scope, check_id),
  CONSTRAINT audit_offence_is_said CHECK (holds = (offence IS NULL))
);

INSERT INTO schema_versions VALUES (13, 8);

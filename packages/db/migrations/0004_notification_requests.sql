-- How a service asks that people be told: the dead-queue-alerter alone sends. One row a change of an
-- alert's state; the alerter takes rows in order and marks them in the transaction that acts on them.
CREATE TABLE notification_requests (
  request_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- What kind of alert, e.g. DlqVolumeSpike: names its runbook.
  alert        text NOT NULL,
  -- Which one: requests of one alert and key belong to one incident, e.g. ad-events/3.
  alert_key    text NOT NULL,
  status       text NOT NULL CHECK (status IN ('firing', 'resolved')),
  -- One sentence for people. Never a payload value.
  summary      text NOT NULL,
  detail       jsonb NOT NULL DEFAULT '{}',
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  taken_at     timestamptz
);

CREATE INDEX notification_requests_waiting ON notification_requests (request_id) WHERE taken_at IS NULL;

INSERT INTO schema_versions VALUES (4, 1);

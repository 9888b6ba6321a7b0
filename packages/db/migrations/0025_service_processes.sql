-- Which processes of each service live, as each says of itself every few seconds for as long as its work goes on, and
-- when one was last at work: known also once all of them are dead (docs/adr/0030). Logged, unlike what 0012 made: after a
-- crash nobody who is dead could say it anew. Whoever writes it does not wait for the disk.
CREATE TABLE service_processes (
  service    text NOT NULL,
  process    text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Its loop turns. Not renewed for 20 s, it is dead, stuck or cut off.
  said_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When it last did its service's work, or waited for a server to do it; null for one that has only stood by.
  worked_at  timestamptz,
  -- It was drained, and said so.
  ended_at   timestamptz,
  PRIMARY KEY (service, process)
  -- A few rows, each written anew every few seconds.
) WITH (fillfactor = 50);

INSERT INTO schema_versions VALUES (25, 8);

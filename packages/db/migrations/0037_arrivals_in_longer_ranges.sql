-- Each range that begins is a request to autovacuum, whose queue holds 256 and is worked off once a minute; for each one more a
-- line is logged, with the statement: a flood of letters was one of lines.
DROP INDEX dead_letters_by_arrival;
CREATE INDEX dead_letters_by_arrival ON dead_letters USING brin (dlq_append_ms)
  WITH (pages_per_range = 256, autosummarize = on);

INSERT INTO schema_versions VALUES (37, 8);

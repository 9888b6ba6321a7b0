-- Letters are found by what is to be done with them, without reading those it is not to be done with, and no index
-- is kept that nothing reads: each of a letter's three versions (copied, leased, settled) has an entry in every one.

-- Suspects are leased apart from the others: looking for one of them read all that were due.
DROP INDEX dead_letters_due;
CREATE INDEX dead_letters_due ON dead_letters (lane, is_suspect, next_attempt_at)
  WHERE state = 'pending' AND next_attempt_at IS NOT NULL;

-- The oldest first, of each lane.
DROP INDEX dead_letters_exhausted;
CREATE INDEX dead_letters_exhausted ON dead_letters (lane, letter_id) WHERE is_exhausted;

-- Read only by the audit, which reads the whole tables.
DROP INDEX dead_letters_by_copy;
DROP INDEX dead_letter_attempts_by_commit;

-- Arrivals are looked at by the hour, and lie in the table as they came.
DROP INDEX dead_letters_by_arrival;
CREATE INDEX dead_letters_by_arrival ON dead_letters USING brin (dlq_append_ms)
  WITH (pages_per_range = 32, autosummarize = on);

-- Room for the end of each try beside its beginning: no index changes then.
ALTER TABLE dead_letter_attempts SET (fillfactor = 60);

INSERT INTO schema_versions VALUES (18, 8);

-- What operators do with dead letters: discards that can be undone, and redrives that never cross them.

-- What a restore needs: the state a discarded letter had, and which discard ended it.
ALTER TABLE dead_letters
  ADD COLUMN discarded_from text CHECK (discarded_from IN ('pending', 'dead')),
  ADD COLUMN discard_action bigint REFERENCES operator_actions;

UPDATE dead_letters SET discarded_from = 'dead' WHERE state = 'discarded';

ALTER TABLE dead_letters
  ADD CONSTRAINT letter_discard_can_be_undone CHECK
    ((state = 'discarded') = (discarded_from IS NOT NULL) AND (discarded_from IS NOT NULL OR discard_action IS NULL));

CREATE INDEX dead_letters_by_discard ON dead_letters (discard_action) WHERE discard_action IS NOT NULL;
-- What operators look at, newest first, among many that are resolved.
CREATE INDEX dead_letters_open ON dead_letters (letter_id) WHERE state IN ('pending', 'dead');

-- Whether a job has receipts left to settle is asked every second.
CREATE INDEX redrive_receipts_unsettled ON redrive_receipts (job_id) WHERE outcome IS NULL OR outcome = 'failed';

CREATE TRIGGER operator_actions_never_emptied
  BEFORE TRUNCATE ON operator_actions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Lets the next letters of the running jobs have their turn, as many as their rates allow; returns how
-- many became due. Any process may call it at any time. It makes way for an operator at work, so that the
-- two never wait for each other's rows; a discarded letter is left alone; a receipt that is settled stays
-- as it is; turns missed while nobody called are not caught up, since the rate protects what comes after
-- us; a suspect stays one.
CREATE FUNCTION admit_redrives() RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  max_missed_seconds CONSTANT int := 5;
  job redrive_jobs%ROWTYPE;
  quota int;
  admitted_now int := 0;
  opened int;
BEGIN
  IF NOT pg_try_advisory_xact_lock(4701, 6) THEN RETURN 0; END IF;
  FOR job IN SELECT * FROM redrive_jobs WHERE state = 'running' ORDER BY job_id FOR UPDATE SKIP LOCKED LOOP
    quota := least(
      job.total - job.admitted,
      floor(extract(epoch FROM clock_timestamp() - job.paced_from) * job.rate) + job.paced_base - job.admitted
    );
    IF quota > job.rate::bigint * max_missed_seconds THEN
      quota := job.rate * max_missed_seconds;
      UPDATE redrive_jobs SET paced_from = clock_timestamp(), paced_base = job.admitted + quota
      WHERE job_id = job.job_id;
    END IF;
    IF quota > 0 THEN
      -- All letters in order before any receipt: whoever holds a letter never waits for us to let go of its receipt.
      PERFORM FROM redrive_receipts r JOIN dead_letters l USING (letter_id)
      WHERE r.job_id = job.job_id AND r.place BETWEEN job.admitted + 1 AND job.admitted + quota
        AND l.state IN ('pending', 'dead') AND l.lease_epoch IS NULL
      ORDER BY l.letter_id FOR NO KEY UPDATE OF l;
      WITH turn AS (
        SELECT r.letter_id FROM redrive_receipts r
        WHERE r.job_id = job.job_id AND r.place BETWEEN job.admitted + 1 AND job.admitted + quota
          AND r.outcome IS NULL
      ), reopened AS (
        UPDATE dead_letters l SET
          state = 'pending', settled_at = NULL, job_id = job.job_id, series = l.series + 1,
          attempts = 0, next_attempt_at = clock_timestamp(), is_exhausted = false
        FROM turn
        WHERE l.letter_id = turn.letter_id AND l.state IN ('pending', 'dead') AND l.lease_epoch IS NULL
          AND EXISTS (SELECT FROM dead_letter_records d WHERE d.letter_id = l.letter_id)
        RETURNING l.letter_id, l.series
      ), noted AS (
        UPDATE redrive_receipts r SET
          series = reopened.series,
          outcome = CASE WHEN reopened.letter_id IS NULL THEN 'skipped' END,
          changed_at = clock_timestamp()
        FROM turn LEFT JOIN reopened USING (letter_id)
        WHERE r.job_id = job.job_id AND r.letter_id = turn.letter_id
      )
      SELECT count(*) INTO opened FROM reopened;
      UPDATE redrive_jobs SET admitted = job.admitted + quota WHERE job_id = job.job_id;
      job.admitted := job.admitted + quota;
      admitted_now := admitted_now + opened;
    END IF;
    IF job.admitted = job.total AND NOT EXISTS (
      SELECT FROM redrive_receipts r
      WHERE r.job_id = job.job_id AND (r.outcome IS NULL OR r.outcome = 'failed')
    ) THEN
      UPDATE redrive_jobs SET state = 'done', finished_at = clock_timestamp() WHERE job_id = job.job_id;
    END IF;
  END LOOP;
  RETURN admitted_now;
END $$;

INSERT INTO schema_versions VALUES (7, 5);

const CLAIM = `SELECT claim_source(1, 'me')`;
const NAME_A_BACKEND = `UPDATE cursors SET backend_pid = 1`;
/** What each role is refused, of what it might try. */
export const REFUSED: Readonly<Record<string, readonly string[]>> = {
  adtally_ingest: [
    NAME_A_BACKEND,
    'INSERT INTO cursors (source_id, next_offset, backend_pid) VALUES (9, 0, 1)',
    'UPDATE cursors SET epoch = 9',
    'UPDATE events SET amount_micros = 0',
    'DELETE FROM events',
    'TRUNCATE events',
    'UPDATE ledger SET stored = 0',
    'UPDATE write_guards SET horizon_ms = 1',
    'DELETE FROM dead_letter_records',
    'DROP TABLE events_default',
    'ALTER TABLE events ADD COLUMN x int',
    'CREATE TABLE x ()',
    'SELECT end_backend(1, now(), 0, 0)',
    'SELECT own_session_mark()',
    `SELECT take_alerter_lease('me', 'dead', '1s')`,
    "INSERT INTO operator_actions (actor, action, reason) VALUES ('me', 'x', 'y')",
    'DELETE FROM kysely_migration',
  ],
  adtally_reprocessor: [
    NAME_A_BACKEND,
    'DELETE FROM events',
    'DELETE FROM dead_letters',
    `SELECT build_event_day('2030-01-01')`,
    'INSERT INTO redrive_jobs DEFAULT VALUES',
    'UPDATE incidents SET revision = 0',
  ],
  adtally_alerter: [
    CLAIM,
    NAME_A_BACKEND,
    'INSERT INTO events DEFAULT VALUES',
    'UPDATE dead_letters SET attempts = 0',
    'UPDATE alerter_lease SET backend_pid = 1',
    `SELECT drop_event_day_leftovers()`,
    `SELECT drop_retired_day('2020-01-01')`,
    `SELECT purge_timeless(1, '{}', 0)`,
  ],
  adtally_backfill: [
    NAME_A_BACKEND,
    `SELECT build_restored_day('2030-01-01')`,
    'DELETE FROM events',
    'UPDATE write_guards SET horizon_ms = 1',
    `SELECT move_event_day('2030-01-01')`,
    'UPDATE retired_days SET dropped_at = now()',
    'DELETE FROM retired_day_counts',
    'UPDATE timeless_passes SET before_offsets = null',
    'DELETE FROM timeless_purged',
    'UPDATE dead_letters SET attempts = 0',
  ],
  adtally_ops: [
    'INSERT INTO restored.events DEFAULT VALUES',
    "INSERT INTO restored.days (day, events, digest) VALUES ('2023-11-15', 1, '')",
    CLAIM,
    NAME_A_BACKEND,
    'INSERT INTO events DEFAULT VALUES',
    'UPDATE operator_actions SET actor = null',
    'DELETE FROM dead_letter_records',
    'UPDATE ledger SET lost = 0',
    'UPDATE adjustments SET amount_micros = 0',
    'DELETE FROM adjustments',
  ],
  adtally_analyst: [
    'INSERT INTO adjustments DEFAULT VALUES',
    CLAIM,
    'SELECT record_value FROM dead_letter_records',
    'SELECT record_value FROM conflicts',
    'SELECT detail FROM operator_actions',
    'INSERT INTO events DEFAULT VALUES',
    'UPDATE rollup_promotion SET version = 1',
  ],
};

/** What an operator does to bring a day back, as one transaction. */
export const RESTORE_A_DAY = `
  SELECT build_restored_day('2023-11-14');
  INSERT INTO restored.events_20231114 (occurred_at, amount_micros, source_offset, source_id, event_type,
    impression_id, event_key, currency, campaign_id, creative_id, placement_id)
  SELECT now(), 1, 1, 1, 'impression', id::uuid, id::uuid, 'EUR', 'c', 'cr', 'p'
  FROM (VALUES ('018bcfe5-687b-7abc-8def-0123456789ab')) v (id);
  SELECT attach_restored_day('2023-11-14', 1, 'digest')`;

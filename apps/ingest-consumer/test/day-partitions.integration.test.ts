import { openDatabase } from '@adtally/db';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

/** The advisory lock of the one maker of day partitions (packages/db/src/advisory-locks.ts). */
const MAKER_LOCK = sql`4701, 3`;

test('I13: a check that a dead maker left on the default partition is cleared by a running consumer', async () => {
  const the = await stage();
  const maker = openDatabase(the.databaseUrl, { applicationName: 'maker', maxConnections: 1 });
  try {
    await sql`SELECT pg_advisory_lock(${MAKER_LOCK})`.execute(maker);
    await sql`ALTER TABLE events_default
      ADD CONSTRAINT events_default_excludes_20000101 CHECK (false) NOT VALID`.execute(maker);
    const truth = await the.simulate(2_000);
    const consumer = the.start();
    await consumer.logged('batch not taken yet, retrying');
    expect(await the.consumed()).toBe(0);
    await maker.destroy();
    await the.untilConsumed(truth.acked, consumer);
    await expectExact(the, truth);
    await consumer.untilMetric(
      'adtally_database_errors_total',
      (count) => count > 0,
      'class="transient"',
    );
  } finally {
    await maker.destroy().catch(() => undefined);
  }
});

test('rows that a day has in the default partition are moved by a running consumer, beside what it counts', async () => {
  const the = await stage();
  const truth = await the.simulate(2_000);
  const first = the.start();
  await the.untilConsumed(truth.acked, first);
  await first.stop();
  await sql`DO $$ DECLARE today text := 'events_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD'); BEGIN
    EXECUTE format('ALTER TABLE events DETACH PARTITION %I', today);
    EXECUTE format('INSERT INTO events_default SELECT * FROM %I', today);
    EXECUTE format('DROP TABLE %I', today);
  END $$`.execute(the.db);
  const more = await the.simulate(2_000);
  const consumer = the.start();
  const { movedRows } = await consumer.logged('day partitions made');
  expect(movedRows).toBeGreaterThan(0);
  await the.untilConsumed(truth.acked + more.acked, consumer);
  await consumer.untilMetric('adtally_event_days_blocked', 0);
});

test('a day that cannot be made is said with the reason, and counted', async () => {
  const the = await stage();
  const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  const table = sql.table(`events_${day}`);
  await sql`CREATE TABLE ${table} (LIKE events INCLUDING ALL)`.execute(the.db);
  await sql`INSERT INTO ${table} (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id,
      event_key, currency, campaign_id, creative_id, placement_id)
    VALUES (now(), 1, 1, 1, 'impression', gen_random_uuid(), gen_random_uuid(), 'EUR', 'c', 'cr', 'p')`.execute(
    the.db,
  );
  const consumer = the.start();
  const reason = `relation "events_${day}" already exists`;
  expect(await consumer.logged("a day's partition cannot be made")).toMatchObject({
    level: 'warn',
    day,
    reason,
  });
  await consumer.untilMetric('adtally_event_days_blocked', 1);
});

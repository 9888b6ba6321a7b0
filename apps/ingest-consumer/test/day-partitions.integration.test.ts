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

test('a day that cannot be made is said with the rows in the way, and counted', async () => {
  const the = await stage();
  const tomorrow = new Date(Date.now() + 86_400_000);
  const hex = tomorrow.getTime().toString(16).padStart(12, '0');
  const stray = `${hex.slice(0, 8)}-${hex.slice(8)}-4000-8000-000000000000`;
  await sql`INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id,
      event_key, currency, campaign_id, creative_id, placement_id)
    VALUES (now(), 1, 1, 1, 'impression', ${stray}, ${stray}, 'EUR', 'c', 'cr', 'p')`.execute(
    the.db,
  );
  const consumer = the.start();
  const day = tomorrow.toISOString().slice(0, 10).replaceAll('-', '');
  expect(
    await consumer.logged("a day's partition cannot be made: rows of it lie in the default one"),
  ).toMatchObject({ level: 'warn', day, rows: 1 });
  await consumer.untilMetric('adtally_event_days_blocked', 1);
});

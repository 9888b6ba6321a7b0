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

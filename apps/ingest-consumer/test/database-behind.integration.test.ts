import { migrate } from '@adtally/db';
import { hasPostgresServer, testPostgres, type TestPostgres } from '@adtally/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ConsumerProcess } from './support/consumer-process.ts';
import { stage, type Stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 2_000;

/** A world whose database can go back: on a server of its own. */
async function world(): Promise<{ the: Stage; server: TestPostgres }> {
  const server = await testPostgres();
  await migrate(server.url);
  const the = await stage({ databaseUrl: server.url });
  onTestFinished(() => server.close());
  return { the, server };
}

async function countedAgain(the: Stage, consumer: ConsumerProcess, total: number): Promise<void> {
  await consumer.until(`${total} counted again`, async () => (await the.consumed()) === total);
}

describe.runIf(hasPostgresServer())('a database that is behind what was acknowledged', () => {
  test.each([
    ['a backup is put back', 'backup'],
    ['an asynchronous replica is promoted', 'replica'],
  ] as const)('I8: %s under idle consumers: what it lost is counted again', async (_how, kind) => {
    const { the, server } = await world();
    const [first, second] = [the.start(), the.start()];
    const before = await the.simulate(EVENTS);
    await the.untilConsumed(before.acked, first);
    await Promise.all([first.owns(2), second.owns(2)]);
    const goBack = await server.keepCopy(kind);
    const after = await the.simulate(EVENTS);
    await the.untilConsumed(before.acked + after.acked, first);

    await goBack();
    expect(await the.consumed()).toBe(before.acked);
    // No record comes any more, and nobody restarts anything.
    await countedAgain(the, first, before.acked + after.acked);
    await expectExact(the, before, after);
    const told = [first, second].map((one) => one.logged('the database is behind: claimed again'));
    for (const entry of await Promise.all(told)) {
      expect(entry).toMatchObject({ level: 'error', reason: 'database_behind' });
    }
    await first.untilMetricWith([second], 'adtally_database_behind_offsets_total', after.acked);
    await first.untilMetricWith(
      [second],
      'adtally_claims_lost_total',
      4,
      'reason="database_behind"',
    );
  });

  test('I8: it goes back under load: batches in hand meet it, and every record counts once', async () => {
    const { the, server } = await world();
    const [first, second] = [the.start({ BATCH_MAX_EVENTS: '200' }), the.start()];
    const before = await the.simulate(EVENTS);
    await the.untilConsumed(before.acked, first);
    const goBack = await server.keepCopy('backup');
    const load = the.simulate(EVENTS * 3, { rate: 2_000 });
    await the.untilConsumed(before.acked + 1_000, first);
    await goBack();
    const during = await load;
    await countedAgain(the, first, before.acked + during.acked);
    await expectExact(the, before, during);
    for (const one of [first, second]) {
      await one.untilMetric('adtally_database_errors_total', 0, 'class="fatal"');
    }
  });

  test('I8: a copy from before the topic was known: its sources are made again and counted from the start', async () => {
    const { the, server } = await world();
    const goBack = await server.keepCopy('backup');
    const consumer = the.start();
    const truth = await the.simulate(EVENTS);
    await the.untilConsumed(truth.acked, consumer);
    await goBack();
    await countedAgain(the, consumer, truth.acked);
    await expectExact(the, truth);
    await consumer.untilMetric('adtally_claims_lost_total', 4, 'reason="source_missing"');
  });
});

import { migrate } from '@adtally/db';
import { hasPostgresServer, testPostgres } from '@adtally/testkit';
import { onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 2_000;

/** Two consumers that are given both servers of a primary and its streaming replica, in one address. */
async function world(replication: 'synchronous' | 'asynchronous') {
  const server = await testPostgres();
  await migrate(server.url);
  const replica = await server.replica(replication);
  const the = await stage({ databaseUrl: replica.url });
  onTestFinished(async () => {
    await replica.close();
    await server.close();
  });
  return { the, replica };
}

test.runIf(hasPostgresServer()).each(['synchronous', 'asynchronous'] as const)(
  'I8: a %s replica is promoted under load: consumers find it among the hosts, and every record counts once',
  async (replication) => {
    const { the, replica } = await world(replication);
    const [first, second] = [the.start({ BATCH_MAX_EVENTS: '200' }), the.start()];
    const before = await the.simulate(EVENTS);
    await the.untilConsumed(before.acked, first);
    await Promise.all([first.owns(2), second.owns(2)]);
    const load = the.simulate(EVENTS * 3, { rate: 2_000 });
    await the.untilConsumed(before.acked + 1_000, first);
    await replica.failOver();
    const during = await load;
    await first.until('all counted', async () => {
      return (await the.consumed()) === before.acked + during.acked;
    });
    await expectExact(the, before, during);
    await Promise.all([first.untilReady(), second.untilReady()]);
    for (const one of [first, second]) {
      await one.untilMetric('adtally_database_errors_total', 0, 'class="fatal"');
      // Of what was acknowledged nothing may be gone.
      if (replication === 'synchronous') {
        await one.untilMetric('adtally_database_behind_offsets_total', 0);
      }
    }
  },
);

import { answersCommit, sendsCommit } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 10_000;

test('I13: PostgreSQL gone for a while under load: alive, nothing dead-lettered for it, exact afterwards', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  const consumer = the.startSlow();
  await the.untilConsumed(1_000, consumer);
  the.proxy.refuse(true);
  the.proxy.cutAll();
  await consumer.until('several tries', () => {
    const tries = consumer.entries.filter(({ msg }) => msg === 'waiting for PostgreSQL');
    return tries.length >= 3;
  });
  const counted = await the.consumed();
  expect(counted).toBeLessThan(truth.acked);
  expect((await consumer.get('/livez')).status).toBe(200);
  the.proxy.refuse(false);

  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
  await consumer.untilMetric('adtally_database_errors_total', 0, 'class="fatal"');
  await consumer.owns(4);
});

test.each([
  ['before the server saw it', 'retried'],
  ['after the server did it', 'committed'],
])('I3: the connection lost at COMMIT, %s: the cursor decides (%s)', async (_when, resolution) => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  const consumer = the.startSlow();
  await the.untilConsumed(1_000, consumer);
  // Only the commit of a batch: other transactions of the process end too.
  const commitsBatch = (bytes: Buffer) =>
    sendsCommit(bytes) && bytes.toString('latin1').includes('commit_batch');
  if (resolution === 'retried') await the.proxy.cutBeforeForwarding(commitsBatch);
  else await the.proxy.cutBeforeAnswerTo(commitsBatch, answersCommit);
  await consumer.untilMetric(
    'adtally_ambiguous_commits_total',
    (commits) => commits > 0,
    `resolution="${resolution}"`,
  );
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
});

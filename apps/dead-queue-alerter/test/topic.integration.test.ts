import { deleteTopic, growTopic, testTopic, truncatePartition } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { PAGE, told } from './support/listener.ts';
import { stage, untilAccepted, type Stage } from './support/stage.ts';

const LOSS = ['DeadTopicDiscontinuity firing', 'DeadTopicDiscontinuity resolved'];

async function positions(the: Stage) {
  const { rows } = await sql<{ partition: number; next: number }>`
    SELECT partition, next_offset::int AS next FROM dead_topic_positions ORDER BY 1`.execute(
    the.db,
  );
  return rows;
}

test.concurrent('the first start reads from the log start, a restart from the database', async (context) => {
  const the = await stage(context);
  await the.die(5);
  const first = the.start();
  await the.untilEvaluated(5, first);
  await first.stop();
  await the.die(1);
  const second = the.start();
  await untilAccepted(the.webhook, 1);
  const started = await second.logged('reading the dead topic');
  expect(started).toMatchObject({ partition: 0, offset: 5 });
  expect(await positions(the)).toEqual([{ partition: 0, next: 6 }]);
});

test.concurrent('letters of several partitions count together; added partitions are read from their start', async (context) => {
  const the = await stage(context, { partitions: 2 });
  const alerter = await the.start().active();
  await the.die(2, { partition: 0 });
  await the.die(2, { partition: 1 });
  await the.untilEvaluated(4, alerter);
  await growTopic(the.topic, 3);
  await the.die(2, { partition: 2 });
  await untilAccepted(the.webhook, 1);
  await the.untilEvaluated(6, alerter);
  expect(told(the.webhook)).toEqual([PAGE]);
  expect(await the.incidents()).toMatchObject([
    { letters: 6n, detail: { offsets: { 0: [0, 1], 1: [0, 1], 2: [0, 1] } } },
  ]);
});

test.concurrent('a log truncated while nobody read is told of, and reading goes on behind the loss', async (context) => {
  const the = await stage(context);
  const first = the.start();
  await the.die(2);
  await the.untilEvaluated(2, first);
  await first.stop();
  await the.die(10);
  await truncatePartition(the.topic, 0, 9);
  const second = the.start();
  await the.untilEvaluated(5, second);
  await untilAccepted(the.webhook, 2);
  expect(told(the.webhook)).toEqual(LOSS);
  expect(await the.incidents()).toMatchObject([
    {
      key: `${the.topic}/0`,
      summary: `7 offsets of ${the.topic}/0 were deleted before they were read`,
      detail: { code: 'truncated', position: 2, log_start: 9 },
    },
  ]);
  // Once: a further restart has nothing to add.
  await second.stop();
  const third = the.start();
  await the.die(1);
  await the.untilEvaluated(6, third);
  expect((await the.incidents()).map(({ alert }) => alert)).toEqual([
    'DeadTopicDiscontinuity',
    'DeadEventRateHigh',
  ]);
});

test.concurrent.for(['under a running alerter', 'while nobody ran'])(
  'a topic deleted and made again %s is read from its start, and people are told',
  async (when, context) => {
    const the = await stage(context);
    const first = the.start();
    await the.die(3);
    await the.untilEvaluated(3, first);
    if (when === 'while nobody ran') await first.stop();
    await deleteTopic(the.topic);
    if (when === 'under a running alerter') {
      await first.untilNotReady('topic_missing');
      expect((await first.get('/livez')).status).toBe(200);
    }
    await testTopic({ name: the.topic, partitions: 1 });
    const second = when === 'while nobody ran' ? the.start() : first;
    await the.die(2);
    await the.untilEvaluated(5, second);
    await untilAccepted(the.webhook, 2);
    expect(told(the.webhook)).toEqual(LOSS);
    expect(await the.incidents()).toMatchObject([{ detail: { code: 'recreated' } }]);
    // What came to the old topic counts on: it did come within the minute.
    await the.die(1);
    await untilAccepted(the.webhook, 3);
    expect(told(the.webhook)).toEqual([...LOSS, PAGE]);
  },
);

test.concurrent('a topic made again between two looks is noticed by its first batch: none of it is passed over', async (context) => {
  const the = await stage(context, { env: { TOPIC_CHECK_MS: '60s' } });
  const alerter = the.start();
  await the.die(3);
  await the.untilEvaluated(3, alerter);
  // The client finds the new topic with records at the old offsets, and reads on there.
  alerter.signal('SIGSTOP');
  await deleteTopic(the.topic);
  await testTopic({ name: the.topic, partitions: 1 });
  await the.die(5);
  alerter.signal('SIGCONT');
  await the.untilEvaluated(8, alerter);
  await untilAccepted(the.webhook, 3);
  const losses = (await the.incidents()).filter(({ alert }) => alert === 'DeadTopicDiscontinuity');
  expect(losses).toMatchObject([{ detail: { code: 'recreated' } }]);
});

test.concurrent('without its topic an alerter waits, and reads it once it is there', async (context) => {
  const the = await stage(context);
  await deleteTopic(the.topic);
  const alerter = the.start();
  await alerter.untilNotReady('topic_missing');
  await testTopic({ name: the.topic, partitions: 1 });
  await alerter.untilReady();
  await the.die(6);
  await untilAccepted(the.webhook, 1);
  expect(told(the.webhook)).toEqual([PAGE]);
});

test.concurrent('records nobody should send harm nothing and tell nothing of their bytes', async (context) => {
  const the = await stage(context);
  const { produceRecords } = await import('@adtally/testkit');
  const { letterHeaders } = await import('./support/stage.ts');
  const alerter = the.start();
  const hostile = `<!channel> \u0000\u202e${'x'.repeat(50_000)}`;
  await produceRecords(the.topic, [
    { partition: 0, value: null, headers: letterHeaders({ offset: 1, fingerprint: hostile }) },
    { partition: 0, value: Buffer.from([0xff, 0x00]), headers: [{ '\u0000': Buffer.from([0]) }] },
    { partition: 0, value: Buffer.from('secret-payload'), key: Buffer.from('secret-key') },
    { partition: 0, value: Buffer.from('secret-payload'), headers: [{ a: 'secret-header' }] },
    { partition: 0, value: Buffer.alloc(0), headers: letterHeaders({ offset: 2, code: hostile }) },
    { partition: 0, value: Buffer.from('x'), headers: letterHeaders({ offset: 3, code: '' }) },
  ]);
  await untilAccepted(the.webhook, 1);
  await the.untilEvaluated(6, alerter);
  const body = JSON.stringify(the.webhook.accepted[0]?.body);
  expect(body).not.toMatch(/secret|\\u0000|\u202e/);
  expect(body.length).toBeLessThan(10_000);
  expect(body).toContain('unknown cause, 4 events');
});

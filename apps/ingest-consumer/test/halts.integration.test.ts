import { acceptLoss, listSources, type SourceStatus } from '@adtally/db';
import type { Truth } from '@adtally/event-simulator';
import { deleteTopic, produceTransaction, testTopic } from '@adtally/testkit';
import { expect, test } from 'vitest';
import type { ConsumerProcess } from './support/consumer-process.ts';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced, expectExact, found } from './support/truth.ts';

const EVENTS = 4_000;
const TORN = 1;

async function sourceOf(the: Stage, partition: number): Promise<SourceStatus> {
  const sources = (await listSources(the.db)).filter((source) => source.closedAt === null);
  const source = sources.find((candidate) => candidate.partition === partition);
  if (source === undefined) throw new Error(`no source of partition ${partition}`);
  return source;
}

async function accept(the: Stage, source: SourceStatus): Promise<number> {
  const decision = { sourceId: source.sourceId, actor: 'a test', reason: 'it is gone' };
  const result = await acceptLoss(the.db, decision);
  if (result.outcome !== 'accepted') throw new Error(result.outcome);
  return Number(result.lost);
}

/** The halt is to be seen everywhere an operator may look. */
async function expectHalted(
  the: Stage,
  consumer: ConsumerProcess,
  partition: number,
  code: string,
): Promise<void> {
  expect(await consumer.halted(partition)).toBe(code);
  const gauge = await consumer.metric(
    'adtally_partition_halted',
    `partition="${partition}"`,
    `reason="${code}"`,
  );
  expect(gauge).toBe(1);
  await consumer.logged(
    'partition halted: an operator must decide (sources, then sources accept-loss)',
    (entry) => entry['partition'] === partition && entry['code'] === code,
  );
  expect((await sourceOf(the, partition)).haltedCode).toBe(code);
}

/** A transaction's end in the middle of one partition: an offset without a record. */
async function tear(the: Stage): Promise<{ before: Truth; after: Truth }> {
  const before = await the.simulate(EVENTS);
  await produceTransaction(the.topic, TORN, [Buffer.from('not an event')]);
  const after = await the.simulate(EVENTS);
  return { before, after };
}

test('I9: a hole halts its partition alone, survives a restart, and ends only by an accepted loss', async () => {
  const the = await stage();
  const { before, after } = await tear(the);
  const { end } = await the.admin.watermarks(the.topic, TORN);
  const total = before.acked + after.acked + 1;

  const first = the.start();
  await expectHalted(the, first, TORN, 'hole');
  const { nextOffset } = await sourceOf(the, TORN);
  const unread = end - Number(nextOffset) - 1;
  expect(unread).toBeGreaterThan(0);
  await the.untilConsumed(total - unread, first);
  expect(await the.consumed()).toBe(total - unread);
  expect((await first.status()).owned.length).toBe(3);
  await first.stop();

  const second = the.start();
  await second.owns(3);
  await expectHalted(the, second, TORN, 'hole');
  expect(await the.consumed()).toBe(total - unread);

  expect(await accept(the, await sourceOf(the, TORN))).toBe(1);
  await the.untilConsumed(total, second);
  await second.owns(4);
  expect(await second.metric('adtally_partition_halted')).toBe(0);
  expect((await second.status()).halted).toEqual([]);
  const report = await expectBalanced(the);
  expect(report.totals).toMatchObject({ consumed: total, lost: 1, gap: 0 });
});

test('a hole counts as a gap where the topic may have them', async () => {
  const the = await stage();
  const { before, after } = await tear(the);
  const consumer = the.start({ EVENTS_TOPIC_MAY_HAVE_GAPS: 'true' });
  const total = before.acked + after.acked + 1;
  await the.untilConsumed(total, consumer);
  const report = await expectBalanced(the);
  expect(report.totals).toMatchObject({ consumed: total, lost: 0, gap: 1 });
  expect((await found(the)).unique).toBe(before.unique + after.unique);
});

test('I9: a log truncated past the cursor while nobody read halts, also after a restart; the loss is booked', async () => {
  const the = await stage();
  const before = await the.simulate(EVENTS);
  const first = the.start();
  await the.untilConsumed(before.acked, first);
  await first.stop();
  const cursor = Number((await sourceOf(the, TORN)).nextOffset);
  const after = await the.simulate(EVENTS);
  await the.admin.deleteRecordsBefore(the.topic, TORN, cursor + 7);

  for (let start = 0; start < 2; start += 1) {
    const halted = the.start();
    await halted.owns(3);
    await expectHalted(the, halted, TORN, 'truncated');
    await halted.stop();
  }
  const consumer = the.start();
  await expectHalted(the, consumer, TORN, 'truncated');
  expect(await accept(the, await sourceOf(the, TORN))).toBe(7);
  await the.untilConsumed(before.acked + after.acked - 7, consumer);
  const report = await expectBalanced(the);
  expect(report.totals).toMatchObject({ consumed: before.acked + after.acked - 7, lost: 7 });
});

test('I9: a log truncated past the cursor under a reading consumer halts that partition', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS * 2);
  const consumer = the.startSlow();
  await the.untilConsumed(600, consumer);
  // It reads on from what it has fetched; away from the database it cannot commit past the truncation.
  the.proxy.refuse(true);
  the.proxy.cutAll();
  const { end } = await the.admin.watermarks(the.topic, TORN);
  await the.admin.deleteRecordsBefore(the.topic, TORN, end);
  const late = await the.simulate(200);
  consumer.signal('SIGKILL');
  await consumer.ended;
  the.proxy.refuse(false);

  const next = the.startElsewhere();
  await expectHalted(the, next, TORN, 'truncated');
  const lost = await accept(the, await sourceOf(the, TORN));
  expect(lost).toBeGreaterThan(0);
  const total = truth.acked + late.acked - lost;
  await the.untilConsumed(total, next);
  expect((await expectBalanced(the)).totals).toMatchObject({ consumed: total, lost });
});

test('a truncation behind what is in flight is no loss: nothing halts', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  const consumer = the.start();
  await the.untilConsumed(truth.acked, consumer);
  for (const partition of [0, 1, 2, 3]) {
    const { end } = await the.admin.watermarks(the.topic, partition);
    await the.admin.deleteRecordsBefore(the.topic, partition, end);
  }
  const more = await the.simulate(EVENTS);
  await the.untilConsumed(truth.acked + more.acked, consumer);
  expect((await consumer.status()).halted).toEqual([]);
  await expectExact(the, truth, more);
});

test.each(['while nobody reads', 'under a reading consumer'])(
  'I9: a topic deleted and made again %s halts all its partitions; then the new topic counts from its start',
  async (when) => {
    const the = await stage();
    const first = the.start();
    const before = await the.simulate(EVENTS);
    await the.untilConsumed(before.acked, first);
    if (when === 'while nobody reads') await first.stop();
    await deleteTopic(the.topic);
    await testTopic({ name: the.topic, partitions: 4 });
    // More than before: an old position exists in the new log, too.
    const after = await the.simulate(EVENTS * 2);
    const consumer = when === 'while nobody reads' ? the.start() : first;

    for (const partition of [0, 1, 2, 3]) {
      await expectHalted(the, consumer, partition, 'topic_recreated');
    }
    await expectExact(the, before);
    for (const partition of [0, 1, 2, 3]) await accept(the, await sourceOf(the, partition));
    await the.untilConsumed(before.acked + after.acked, consumer);
    const { sources } = await expectExact(the, before, after);
    expect(sources.filter(({ closed }) => closed).length).toBe(4);
    expect(sources.length).toBe(8);
  },
);

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
  // It stands still for a person; the process can do its work.
  await consumer.untilReady();
  const series = [`partition="${partition}"`, `reason="${code}"`];
  await consumer.untilMetric('adtally_partition_halted', 1, ...series);
  await consumer.logged(
    'partition halted: an operator must decide (ops sources, then ops accept-loss)',
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
  await first.owns(3);
  await first.stop();

  const second = the.start();
  await second.owns(3);
  await expectHalted(the, second, TORN, 'hole');
  expect(await the.consumed()).toBe(total - unread);

  expect(await accept(the, await sourceOf(the, TORN))).toBe(1);
  await the.untilConsumed(total, second);
  await second.owns(4);
  await second.untilMetric('adtally_partition_halted', 0);
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

  const second = the.start();
  await second.owns(3);
  await expectHalted(the, second, TORN, 'truncated');
  await second.stop();
  const consumer = the.start();
  await expectHalted(the, consumer, TORN, 'truncated');
  expect(await accept(the, await sourceOf(the, TORN))).toBe(7);
  await the.untilConsumed(before.acked + after.acked - 7, consumer);
  const report = await expectBalanced(the);
  expect(report.totals).toMatchObject({ consumed: before.acked + after.acked - 7, lost: 7 });
});

test('I9: a log truncated under a reading consumer halts that partition, and it goes on without a restart', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS * 2);
  const consumer = the.startSlow();
  await the.untilConsumed(600, consumer);
  const { end } = await the.admin.watermarks(the.topic, TORN);
  await the.admin.deleteRecordsBefore(the.topic, TORN, end);
  await expectHalted(the, consumer, TORN, 'truncated');
  const more = await the.simulate(EVENTS);
  const lost = await accept(the, await sourceOf(the, TORN));
  expect(lost).toBeGreaterThan(0);
  const total = truth.acked + more.acked - lost;
  await the.untilConsumed(total, consumer);
  expect((await expectBalanced(the)).totals).toMatchObject({ consumed: total, lost });
});

test('a log truncated behind what is in hand is no loss: it is committed and nothing halts', async () => {
  const the = await stage({ partitions: 1 });
  const consumer = the.start({ ...the.proxied, TOPIC_CHECK_MS: '100ms', LOG_LEVEL: 'debug' });
  await consumer.owns(1);
  the.proxy.refuse(true);
  the.proxy.cutAll();
  const truth = await the.simulate(1_000);
  await consumer.until('all records fetched', async () => {
    return (await consumer.status()).owned[0]?.read_offset === truth.acked;
  });
  expect(await the.admin.deleteRecordsBefore(the.topic, 0, truth.acked)).toBe(truth.acked);
  // The watch compares with the log, then fails to tell the database: once from before, once since.
  const looks = () =>
    consumer.entries.filter(({ msg }) => msg === 'the topic could not be looked at').length;
  const looked = looks();
  await consumer.until('two more looks at the topic', () => looks() >= looked + 2);
  const said = await consumer.logged(
    'the topic cannot be looked at: losses and a topic made again are found late',
  );
  expect(said).toMatchObject({ level: 'warn', reason: 'database_unavailable', failures: 3 });
  expect(await the.consumed()).toBe(0);
  the.proxy.refuse(false);
  await consumer.logged('the topic is looked at again');

  await the.untilConsumed(truth.acked, consumer);
  const more = await the.simulate(1_000);
  await the.untilConsumed(truth.acked + more.acked, consumer);
  expect((await consumer.status()).halted).toEqual([]);
  await expectExact(the, truth, more);
});

test('a halt is shown by the member that is granted the partition, and by no other', async () => {
  const the = await stage({ partitions: 2 });
  await tear(the);
  const first = the.start();
  await expectHalted(the, first, TORN, 'hole');
  const second = the.start();
  // Whoever of them is given the torn partition reads nothing, the other one reads.
  const both = await second.until('one reads and one stands still', async () => {
    const all = await Promise.all([first.status(), second.status()]);
    return all.every(({ owned, halted }) => owned.length + halted.length === 1) && all;
  });
  const halts = both.map((one) => one.halted.length);
  expect(halts.toSorted()).toEqual([0, 1]);
  await first.untilMetric('adtally_partition_halted', halts[0] ?? Number.NaN);
  await second.untilMetric('adtally_partition_halted', halts[1] ?? Number.NaN);
  // Each of them halted once: only the one that stays may still say so.
  expect((await second.stop()).code).toBe(0);
  await first.until('both partitions', async () => {
    const { owned, halted } = await first.status();
    return owned.length === 1 && halted.length === 1;
  });
  await first.untilMetric('adtally_partition_halted', 1);
});

test('I9: a topic deleted and made again under load: no record of the new one counts for the old one', async () => {
  const the = await stage();
  const before = await the.simulate(EVENTS * 2);
  const consumer = the.startSlow();
  await the.untilConsumed(600, consumer);
  await deleteTopic(the.topic);
  await testTopic({ name: the.topic, partitions: 4 });
  const after = await the.simulate(EVENTS * 3);
  for (const partition of [0, 1, 2, 3]) {
    await expectHalted(the, consumer, partition, 'topic_recreated');
  }
  const old = await the.consumed();
  expect(old).toBeLessThan(before.acked);
  let lost = 0;
  for (const partition of [0, 1, 2, 3]) {
    lost += await accept(the, await sourceOf(the, partition));
  }
  await the.untilConsumed(old + after.acked, consumer);
  const { totals, sources } = await expectBalanced(the);
  expect(totals).toMatchObject({ consumed: old + after.acked, lost });
  // What was seen of the old topic's end bounds the loss.
  expect(old + lost).toBeLessThanOrEqual(before.acked);
  const live = sources.filter(({ closed }) => !closed);
  const sum = (name: 'stored' | 'duplicate' | 'conflict' | 'consumed') =>
    live.reduce((all, source) => all + Number(source[name]), 0);
  expect(sum('consumed')).toBe(after.acked);
  expect(sum('stored')).toBe(after.unique);
  expect(sum('duplicate')).toBe(after.duplicate);
});

// By the classic protocol nothing is revoked, and nobody looks at the topic while the test lasts.
const UNAWARE = { GROUP_PROTOCOL: 'classic', TOPIC_CHECK_MS: '10m' };

test.each([
  ['while nobody reads', {}],
  ['under a reading consumer', {}],
  ['under a consumer that nobody tells of it', UNAWARE],
])(
  'I9: a topic deleted and made again %s halts all its partitions; then the new topic counts from its start',
  async (when, env) => {
    const the = await stage();
    const first = the.start(env);
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

import { acceptLoss, listSources } from '@adtally/db';
import { growTopic, produceTransaction, testTopic, truncatePartition } from '@adtally/testkit';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced, expectExact } from './support/truth.ts';

const EVENTS = 4_000;
const HOLED = 1;

/** Values that are no events: each ends as one dead letter, so every offset still has to be accounted for. */
const VALUES = [Buffer.from('a'), Buffer.from('b')];

async function sourceOf(the: Stage, partition: number) {
  const sources = await listSources(the.db);
  const source = sources.find((one) => one.partition === partition && one.closedAt === null);
  if (source === undefined) throw new Error(`no open source of partition ${partition}`);
  return source;
}

async function accept(the: Stage, partition: number) {
  const { sourceId } = await sourceOf(the, partition);
  return await acceptLoss(the.db, { sourceId, actor: 'test', reason: 'a test accepts it' });
}

async function sumOf(the: Stage, column: 'gap' | 'lost'): Promise<number> {
  const { rows } = await sql<{ sum: string }>`
    SELECT coalesce(sum(${sql.ref(column)}), 0)::text AS sum FROM ledger`.execute(the.db);
  return Number(rows[0]?.sum);
}

/** Two transactions in one partition: the control record of the first is a hole before the second. */
async function makeHole(the: Stage): Promise<void> {
  await produceTransaction(the.topic, HOLED, VALUES);
  await produceTransaction(the.topic, HOLED, VALUES);
}

describe('I9: nothing is skipped in silence', () => {
  test('a hole halts its partition alone, outlives a restart, and ends by an accepted loss', async () => {
    const the = await stage();
    await makeHole(the);
    const first = await the.start().running();
    expect(await first.halted(HOLED)).toBe('hole');
    expect(await first.metric('adtally_partition_halted', 'reason="hole"')).toBe(1);
    const truth = await the.simulate(EVENTS, { mix: {} });
    await first.until('the other partitions read on', async () => {
      const { rows } = await sql<{ behind: string }>`
        SELECT count(*)::text AS behind FROM cursors c JOIN sources s USING (source_id)
        WHERE s.partition <> ${HOLED} AND c.next_offset = 0`.execute(the.db);
      return rows[0]?.behind === '0';
    });
    expect((await first.stop()).code).toBe(0);

    const second = await the.start().running();
    expect(await second.halted(HOLED)).toBe('hole');
    expect((await sourceOf(the, HOLED)).nextOffset).toBe(2n);
    expect(await accept(the, HOLED)).toMatchObject({ outcome: 'accepted', lost: 1n });
    // The control record of the second transaction is a hole too, once something follows it.
    await second.until('halted at the second hole', async () => {
      return (await sourceOf(the, HOLED)).haltedResumeAt === 6n;
    });
    expect(await accept(the, HOLED)).toMatchObject({ lost: 1n });
    await the.untilConsumed(truth.acked + 4, second);
    expect(await sumOf(the, 'lost')).toBe(2);
    await expectBalanced(the);
  });

  test('where the topic may have holes they are counted as gaps', async () => {
    const the = await stage();
    await makeHole(the);
    const consumer = the.start({ EVENTS_TOPIC_MAY_HAVE_GAPS: 'true' });
    await the.untilConsumed(4, consumer);
    expect(await sumOf(the, 'gap')).toBe(1);
    expect((await consumer.status()).halted).toEqual([]);
    await expectBalanced(the);
  });

  test('a log truncated past the cursor halts, and the loss stands in the ledger', async () => {
    const the = await stage();
    const before = await the.start().running();
    await before.owns(4);
    await before.stop();
    const truth = await the.simulate(EVENTS);
    await truncatePartition(the.topic, 0, 50);
    const consumer = await the.start().running();
    expect(await consumer.halted(0)).toBe('truncated');
    expect(await accept(the, 0)).toMatchObject({ lost: 50n, nextOffset: 50n });
    await the.untilConsumed(truth.acked - 50, consumer);
    expect(await sumOf(the, 'lost')).toBe(50);
    await expectBalanced(the);
  });

  test.each(['consumer', 'classic'])(
    'a topic made again under its name halts all partitions until its loss is accepted (%s)',
    async (protocol) => {
      const the = await stage();
      const first = await the.simulate(EVENTS);
      const consumer = the.start({ GROUP_PROTOCOL: protocol });
      await the.untilConsumed(first.acked, consumer);
      await the.admin.deleteTopic(the.topic);
      await testTopic({ name: the.topic, partitions: 4 });
      for (const partition of [0, 1, 2, 3]) {
        expect(await consumer.halted(partition)).toBe('topic_recreated');
      }
      for (const partition of [0, 1, 2, 3]) {
        expect(await accept(the, partition)).toMatchObject({ outcome: 'accepted', closed: true });
      }
      const second = await the.simulate(EVENTS);
      await the.untilConsumed(first.acked + second.acked, consumer);
      await expectExact(the, first, second);
    },
  );
});

test('I3: partitions added to a known topic are read from their beginning', async () => {
  const the = await stage({ partitions: 2 });
  const first = await the.simulate(EVENTS);
  const consumer = the.start();
  await the.untilConsumed(first.acked, consumer);
  await growTopic(the.topic, 5);
  const second = await the.simulate(EVENTS);
  expect((await the.admin.watermarks(the.topic, 4)).end).toBeGreaterThan(0);
  // The client learns of new partitions with its metadata, so a new member asks for them at once.
  await consumer.stop();
  const next = the.start();
  await the.untilConsumed(first.acked + second.acked, next);
  expect((await next.status()).owned.length).toBe(5);
  await expectExact(the, first, second);
});

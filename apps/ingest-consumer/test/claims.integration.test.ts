import { GroupConsumer, type KafkaSettings } from '@adtally/kafka';
import { uniqueName, waitFor, type LogEntry } from '@adtally/testkit';
import { openDatabase } from '@adtally/db';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced, expectExact, found } from './support/truth.ts';

const EVENTS = 4_000;
/** Of each test's topic. */
const PARTITIONS = 4;

/** Joins the group, commits these offsets to Kafka as its own, and leaves. */
async function commitOffsets(
  settings: KafkaSettings,
  the: Stage,
  groupId: string,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  const topic = the.topic;
  const member = await GroupConsumer.connect(settings, { groupId, topic, protocol: 'consumer' });
  try {
    await waitFor(
      async () => {
        await member.fetch(1, 20);
        for (const event of member.takeRebalances()) member.settle(event);
        return member.granted.size === PARTITIONS;
      },
      { what: 'partitions granted' },
    );
    member.noteCommitted(offsets);
    await waitFor(
      async () => {
        await member.fetch(1, 20);
        const known = await the.admin.groupOffsets(groupId, topic);
        return [...offsets].every(([partition, offset]) => known.get(partition) === offset);
      },
      { what: 'offsets committed' },
    );
  } finally {
    await member.leave();
  }
}

async function ends(the: Stage, partitions: number): Promise<Map<number, number>> {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const marks = await Promise.all(all.map((one) => the.admin.watermarks(the.topic, one)));
  return new Map(marks.map(({ end }, partition) => [partition, end]));
}

test('I13: a claim that found the database away happens later, without a rebalance', async () => {
  const the = await stage();
  const consumer = the.start(the.proxied);
  await consumer.owns(4);
  const other = the.start();
  await Promise.all([consumer.owns(2), other.owns(2)]);
  the.proxy.refuse(true);
  the.proxy.cutAll();
  // Its partitions come back to a consumer that cannot claim them.
  expect((await other.stop()).code).toBe(0);
  await consumer.logged('partitions could not be claimed yet');
  const truth = await the.simulate(EVENTS);
  the.proxy.refuse(false);
  await consumer.owns(4);
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
});

test('I13: a cursor row locked by a stranger delays its own partition only, until it is let go', async () => {
  const the = await stage({ partitions: 2 });
  const first = the.start();
  await first.owns(2);
  await first.stop();
  const truth = await the.simulate(EVENTS);
  const stranger = openDatabase(the.databaseUrl, {
    applicationName: 'stranger',
    maxConnections: 1,
    statementTimeoutMs: 0,
  });
  try {
    const held = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const holding = stranger.transaction().execute(async (trx) => {
      await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx);
      await sql`SELECT 1 FROM cursors JOIN sources USING (source_id)
        WHERE partition = 1 FOR UPDATE OF cursors`.execute(trx);
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const consumer = the.start({ LOCK_TIMEOUT_MS: '300ms' });
    await consumer.logged('partitions could not be claimed yet');
    const { end } = await the.admin.watermarks(the.topic, 0);
    await the.untilConsumed(end, consumer);
    expect((await consumer.status()).owned.map(({ partition }) => partition)).toEqual([0]);
    held.resolve();
    await holding;
    await the.untilConsumed(truth.acked, consumer);
    await expectExact(the, truth);
  } finally {
    await stranger.destroy();
  }
});

test('I3: offsets committed to Kafka by somebody else, or gone, change nothing: the cursor counts', async () => {
  const the = await stage();
  const before = await the.simulate(EVENTS);
  const first = the.start();
  await the.untilConsumed(before.acked, first);
  await first.stop();
  const after = await the.simulate(EVENTS);
  // Forged: as if everything had been read.
  await commitOffsets(the.settings, the, the.group, await ends(the, 4));
  const second = the.start();
  await the.untilConsumed(before.acked + after.acked, second);
  await second.stop();
  // Gone: a group Kafka knows nothing of.
  const last = await the.simulate(EVENTS);
  const third = the.startElsewhere();
  await the.untilConsumed(before.acked + after.acked + last.acked, third);
  await expectExact(the, before, after, last);
});

test.each(['a time', 'the offsets of a group', 'the start of the log'])(
  'START_AT: a first start begins at %s, and a later start does not ask again',
  async (from) => {
    const the = await stage();
    const before = await the.simulate(EVENTS);
    const marks = await ends(the, 4);
    const groupId = uniqueName('adtally_test_group');
    if (from === 'the offsets of a group') await commitOffsets(the.settings, the, groupId, marks);
    // The broker's clock decides; records of the same millisecond would belong to both.
    const boundary = new Date(Date.now() + 1).toISOString();
    await waitFor(() => Date.now() > Date.parse(boundary), { what: 'the next millisecond' });
    const after = await the.simulate(EVENTS);
    const startAt = {
      'a time': boundary,
      'the offsets of a group': `group:${groupId}`,
      'the start of the log': 'earliest',
    }[from] as string;
    const truths = from === 'the start of the log' ? [before, after] : [after];
    const expected = truths.reduce((sum, { acked }) => sum + acked, 0);
    const consumer = the.start({ START_AT: startAt });
    await the.untilConsumed(expected, consumer);
    await expectExact(the, ...truths);
    await consumer.stop();
    const again = the.start({ START_AT: 'earliest' });
    await again.owns(4);
    await expectExact(the, ...truths);
    const { sources } = await expectBalanced(the);
    const genesis = new Map(sources.map((source) => [source.partition, source.genesis]));
    const isWhole = from === 'the start of the log';
    expect(genesis).toEqual(isWhole ? new Map([...marks.keys()].map((p) => [p, 0])) : marks);
    expect((await found(the)).acked).toBe(expected);
  },
);

test('START_AT=group: nothing is counted before the group has an offset of every partition with records', async () => {
  const the = await stage();
  const before = await the.simulate(EVENTS);
  const marks = await ends(the, PARTITIONS);
  const groupId = uniqueName('adtally_test_group');
  const consumer = the.start({ START_AT: `group:${groupId}` });
  const waits = (partitions: string) => (entry: LogEntry) =>
    entry['reason'] === 'start_at_unknown' &&
    String(entry['detail']).includes(`START_AT=group:${groupId}`) &&
    String(entry['detail']).includes(`partitions ${partitions},`);
  await consumer.logged('partitions could not be claimed yet', waits('0, 1, 2, 3'));
  await commitOffsets(the.settings, the, groupId, new Map([...marks].slice(0, 2)));
  await consumer.logged('partitions could not be claimed yet', waits('2, 3'));
  await commitOffsets(the.settings, the, groupId, marks);
  for (const [partition, offset] of marks) {
    await consumer.logged(
      'counting begins here',
      (entry) => entry['partition'] === partition && entry['offset'] === offset,
    );
  }
  const after = await the.simulate(EVENTS);
  await the.untilConsumed(after.acked, consumer);
  await expectExact(the, after);
  expect((await found(the)).acked).toBeLessThan(before.acked + after.acked);
});

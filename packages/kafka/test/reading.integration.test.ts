import { describe, expect, test } from 'vitest';
import { type GroupConsumer, OffsetOutOfRange, ReadFault } from '../src/index.ts';
import { cluster, grantedAll, PROTOCOLS, pump, range, type Seen } from './support.ts';

const kafka = await cluster();

const offsetsOf = (seen: readonly Seen[], partition: number) =>
  seen.filter(([from]) => from === partition).map(([, offset]) => offset);

describe.each(PROTOCOLS)('reading with the %s protocol', (protocol) => {
  test('a granted partition delivers nothing before its start, then everything from its offset', async () => {
    const topic = await kafka.topic(3);
    for (const partition of [0, 1, 2]) await kafka.fill(topic, partition, 500);
    const member = await kafka.member(topic, { protocol });
    expect(await pump([member], grantedAll([member], 3))).toEqual([]);
    member.start(1, 20);
    const first = await pump([member], (seen) => seen.length >= 480);
    expect(offsetsOf(first, 1)).toEqual(range(20, 500));
    expect(first).toHaveLength(480);
    member.start(0, 0);
    member.start(2, 499);
    const rest = await pump([member], (seen) => seen.length >= 501);
    expect(offsetsOf(rest, 0)).toEqual(range(0, 500));
    expect(offsetsOf(rest, 2)).toEqual([499]);
  });

  test('after stop and start at another offset no record of the earlier position is delivered', async () => {
    const topic = await kafka.topic(1);
    await kafka.fill(topic, 0, 5_000);
    const member = await kafka.member(topic, { protocol });
    await pump([member], grantedAll([member], 1));
    member.start(0, 0);
    await pump([member], (seen) => seen.length > 0);
    for (const offset of [3_000, 10, 4_900, 0, 2_500]) {
      member.stop(0);
      expect(member.isReading(0)).toBe(false);
      member.start(0, offset);
      const seen = await pump([member], (got) => got.length > 0);
      expect(offsetsOf(seen, 0)).toEqual(range(offset, offset + seen.length));
    }
  });

  test('a restart while a fetch is in flight leaks nothing of the earlier position', async () => {
    const topic = await kafka.topic(1);
    await kafka.fill(topic, 0, 20_000);
    const member = await kafka.member(topic, { protocol });
    await pump([member], grantedAll([member], 1));
    member.start(0, 0);
    let next = 0;
    for (let round = 0; round < 40; round++) {
      const offsets = (await member.fetch(200, 50)).map((record) => record.offset);
      expect(offsets).toEqual(range(next, next + offsets.length));
      const inFlight = member.fetch(200, 50);
      next = (round * 7_919) % 15_000;
      member.stop(0);
      member.start(0, next);
      expect(await inFlight).toEqual([]);
    }
  });

  test('a stopped partition stays granted and silent while the others go on', async () => {
    const topic = await kafka.topic(2);
    await kafka.fill(topic, 0, 1_000);
    await kafka.fill(topic, 1, 1_000);
    const member = await kafka.member(topic, { protocol });
    await pump([member], grantedAll([member], 2));
    member.start(0, 0);
    member.start(1, 0);
    await pump([member], (seen) => seen.length > 0);
    member.stop(0);
    await kafka.fill(topic, 1, 10, 1_000);
    const seen = await pump([member], (got) => got.some(([, , text]) => text === '1009'));
    expect(offsetsOf(seen, 0)).toEqual([]);
    expect([...member.granted].toSorted()).toEqual([0, 1]);
  });

  test('I9: an offset before the log start is reported with its partition, and the others go on', async () => {
    const topic = await kafka.topic(2);
    await kafka.fill(topic, 0, 100);
    await kafka.fill(topic, 1, 100);
    await kafka.admin.deleteRecordsBefore(topic, 0, 40);
    const member = await kafka.member(topic, { protocol });
    await pump([member], grantedAll([member], 2));
    member.start(1, 0);
    member.start(0, 10);
    const seen: number[] = [];
    const reported: unknown[] = [];
    // Records of the other partition keep coming, so the client itself may drop its error.
    for (let sent = 100; reported.length === 0; sent++) {
      await kafka.fill(topic, 1, 1, sent);
      const records = await member.fetch(1_000, 50).catch((error: unknown) => {
        reported.push(error);
        return [];
      });
      for (const record of records) {
        expect(record.partition).toBe(1);
        seen.push(record.offset);
      }
    }
    expect(reported[0]).toBeInstanceOf(OffsetOutOfRange);
    expect(reported[0]).toMatchObject({
      partition: 0,
      at: { position: 10, logStart: 40, end: 100 },
    });
    expect(seen).toEqual(range(0, seen.length));
    member.stop(0);
    member.start(0, 40);
    const rest = await pump([member], (got) => offsetsOf(got, 0).length >= 60);
    expect(offsetsOf(rest, 0)).toEqual(range(40, 100));
  });

  test('I9: an offset past the log end is reported with its partition', async () => {
    const topic = await kafka.topic(1);
    await kafka.fill(topic, 0, 10);
    const member = await kafka.member(topic, { protocol });
    await pump([member], grantedAll([member], 1));
    member.start(0, 50);
    await expect(pump([member], () => false)).rejects.toMatchObject({
      name: 'OffsetOutOfRange',
      partition: 0,
      at: { position: 50, end: 10 },
    });
  });

  test('the end of a partition being read is known without a request', async () => {
    const topic = await kafka.topic(2);
    await kafka.fill(topic, 0, 123);
    const member = await kafka.member(topic, { protocol });
    await pump([member], grantedAll([member], 2));
    member.start(0, 0);
    await pump([member], (seen) => seen.length >= 123);
    expect(member.cachedEnd(0)).toBe(123);
    expect(member.cachedEnd(1)).toBeNull();
    expect(await member.watermarks(1)).toEqual({ logStart: 0, end: 0 });
  });
});

test('I9: with the consumer protocol a recreated topic is revoked and granted anew', async () => {
  const topic = await kafka.topic(1);
  await kafka.fill(topic, 0, 10);
  const member = await kafka.member(topic);
  await pump([member], grantedAll([member], 1));
  member.start(0, 0);
  await pump([member], (seen) => seen.length >= 10);
  await kafka.admin.deleteTopic(topic);
  await kafka.admin.createTopic({ name: topic, partitions: 1, replication: 1, config: {} });
  await fetchIgnoring(member, () => member.granted.size === 0);
  await fetchIgnoring(member, () => member.granted.size === 1);
  expect(member.isReading(0)).toBe(false);
});

/** Turns the loop although positions may be reported as none of the new log's meanwhile. */
async function fetchIgnoring(member: GroupConsumer, until: () => boolean): Promise<void> {
  while (!until()) {
    await member.fetch(10, 20).catch((error: unknown) => {
      if (!(error instanceof ReadFault)) throw error;
    });
    for (const event of member.takeRebalances()) member.settle(event);
  }
}

test('misuse is an error: two fetches at once, starting what is not granted or already read', async () => {
  const topic = await kafka.topic(1);
  const member = await kafka.member(topic);
  expect(() => member.start(0, 0)).toThrow('not granted');
  await pump([member], grantedAll([member], 1));
  const first = member.fetch(1, 100);
  await expect(member.fetch(1, 100)).rejects.toThrow('in flight');
  await first;
  member.start(0, 0);
  expect(() => member.start(0, 0)).toThrow('already read');
  member.stop(0);
  expect(() => member.start(0, -1)).toThrow('offset -1');
  await member.leave();
  await expect(member.fetch(1, 100)).rejects.toThrow('left');
});

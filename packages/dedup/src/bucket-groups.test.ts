import { VERDICT } from '@adtally/event-schema';
import { expect, test } from 'vitest';
import { batchOf, eventOf, someEvents, uuidV4, uuidV7 } from '../test/batches.ts';
import { BucketGroups } from './bucket-groups.ts';
import { EncodedCommand, EncodedMembers } from './encoded-command.ts';
import { bucketKey, bucketOf, fingerprintOf, TIMELESS_BUCKETS } from './fingerprint.ts';
import { FirstCopies } from './first-copies.ts';

const BORN_MS = 1_790_000_000_123;

test('a bucket depends on the id alone: second of birth and sub-bucket', () => {
  const id = uuidV7(BORN_MS);
  const key = bucketKey('p', bucketOf(id, 0, 16));
  expect(key).toMatch(/^p:1790000000\.\d{1,2}$/);
  expect(bucketKey('p', bucketOf(Buffer.concat([Buffer.alloc(32), id]), 32, 16))).toBe(key);
  expect(bucketKey('p', bucketOf(id, 0, 1))).toBe('p:1790000000.0');
});

test('ids that are not v7 share a bounded number of buckets, ids from counters too', () => {
  const counters = Array.from({ length: 20_000 }, (_, n) => {
    const id = Buffer.alloc(16, 0xab);
    id[6] = 0x10; // version 1: the tail is the same on one machine
    id.writeUInt32BE(n, 0);
    return id;
  });
  const buckets = new Set(counters.map((id) => bucketOf(id, 0, 16)));
  expect(buckets.size).toBeLessThanOrEqual(TIMELESS_BUCKETS);
  expect(buckets.size).toBeGreaterThan(TIMELESS_BUCKETS * 0.9);
  expect([...buckets].every((bucket) => bucketKey('p', bucket).startsWith('p:x'))).toBe(true);
});

test('spreads the impressions of one second evenly over its sub-buckets', () => {
  const counts = new Map<number, number>();
  for (const { impressionId } of someEvents(16_000, 1_790_000_000_000, 1000)) {
    const bucket = bucketOf(impressionId, 0, 16);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  expect(counts.size).toBe(16);
  expect(Math.max(...counts.values())).toBeLessThan(1200);
});

test('groups every flagged row once, under its bucket, in batch order', () => {
  const events = [...someEvents(900, BORN_MS, 30_000), eventOf(uuidV4()), eventOf(uuidV4())];
  const batch = batchOf(events);
  const flags = Uint8Array.from({ length: batch.capacity }, (_, row) => (row % 3 === 0 ? 0 : 1));
  const groups = new BucketGroups(batch.capacity, 16);
  groups.collect(batch, flags);
  groups.collect(batch, flags); // a reused table holds nothing of the last batch

  const expected = new Map<string, string[]>();
  for (const [row, event] of events.entries()) {
    if (row % 3 === 0) continue;
    const key = bucketKey('p', bucketOf(event.impressionId, 0, 16));
    expected.set(key, [...(expected.get(key) ?? []), String(fingerprintOf(event.eventKey, 0))]);
  }
  const actual = new Map<string, string[]>();
  for (let group = 0; group < groups.count; group += 1) {
    const encoded = new EncodedMembers();
    groups.encode(group, batch.eventKey, encoded);
    const key = bucketKey('p', groups.bucket(group));
    const [name, sameKey, ...members] = argumentsOf(new EncodedCommand('sadd', key, encoded));
    expect([name, sameKey, actual.has(key)]).toEqual(['sadd', key, false]);
    expect(groups.rows(group)).toBe(members.length);
    actual.set(key, members);
  }
  expect(actual).toEqual(expected);
});

test('a click lies in the bucket of its own time, or of its impression where its id tells none', () => {
  const impressionIds = Array.from({ length: 4 }, (_, n) => uuidV7(BORN_MS - n * 3_600_000));
  const timed = impressionIds.map((id) => ({ ...eventOf(id, 1), clickId: uuidV7(BORN_MS) }));
  const untimed = { ...eventOf(uuidV7(BORN_MS + 60_000), 1), clickId: uuidV4() };
  const batch = batchOf([...timed, untimed]);
  const groups = new BucketGroups(batch.capacity, 1);
  groups.collect(batch, new Uint8Array(batch.capacity).fill(1));
  const keys = Array.from({ length: groups.count }, (_, group) => [
    bucketKey('p', groups.bucket(group)),
    groups.rows(group),
  ]);
  expect(keys).toEqual([
    ['p:1790000000.0', 4],
    ['p:1790000060.0', 1],
  ]);
});

test('of copies in a batch only the first event row is the first', () => {
  const [a, b, c] = someEvents(3) as [TestEvent, TestEvent, TestEvent];
  const batch = batchOf([a, b, a, c, c, a, b]);
  batch.verdict[3] = VERDICT.rejected;
  const copies = new FirstCopies(batch.capacity);
  copies.find(batch);
  expect([...copies.isFirst.subarray(0, batch.count)]).toEqual([1, 1, 0, 0, 1, 0, 0]);
});

test('keys that share 12 of 16 bytes are not taken for copies', () => {
  const base = eventOf(uuidV7(BORN_MS));
  const events = [0, 4, 8, 12].map((at) => {
    const eventKey = Buffer.from(base.eventKey);
    eventKey.writeInt32LE(~eventKey.readInt32LE(at), at);
    return { ...base, eventKey };
  });
  const batch = batchOf([base, ...events], 8);
  const copies = new FirstCopies(batch.capacity);
  copies.find(batch);
  expect([...copies.isFirst.subarray(0, 5)]).toEqual([1, 1, 1, 1, 1]);
});

test('numbers of every length are encoded as Redis reads them', () => {
  const members = [0, 7, -7, 10, 99, -100, 999_999_999, 1_000_000_000, -(2 ** 31), 2 ** 31 - 1];
  const encoded = new EncodedMembers();
  encoded.begin(1_000); // what it is reused for later is smaller
  for (let n = 0; n < 1_000; n += 1) encoded.add(n);
  encoded.begin(members.length);
  for (const member of members) encoded.add(member);
  const asks = new EncodedCommand('smismember', 'ключ', encoded);
  const marks = new EncodedCommand('sadd', 'ключ', encoded);
  encoded.begin(1);
  encoded.add(1); // a command keeps what it was made of
  expect(argumentsOf(asks)).toEqual(['smismember', 'ключ', ...members.map(String)]);
  expect(argumentsOf(marks)).toEqual(['sadd', 'ключ', ...members.map(String)]);
});

/** The arguments of one command in the protocol of Redis (RESP), every length checked. */
function argumentsOf(command: EncodedCommand): string[] {
  const [head, ...lines] = command.toWritable().toString('utf8').split('\r\n');
  expect(lines.pop()).toBe('');
  const found = lines.filter((_, index) => index % 2 === 1);
  const lengths = found.map((argument) => `$${Buffer.byteLength(argument)}`);
  expect(lines.filter((_, index) => index % 2 === 0)).toEqual(lengths);
  expect(head).toBe(`*${found.length}`);
  return found;
}

type TestEvent = ReturnType<typeof eventOf>;

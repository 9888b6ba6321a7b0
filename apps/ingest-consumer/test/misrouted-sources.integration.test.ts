import { listMisrouting } from '@adtally/db';
import { partitionFor } from '@adtally/key-derivation';
import { shown } from '@adtally/pipeline/testing';
import { produceRecords, type TimedRecord } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';

const PARTITIONS = 4;

const value = (n: number, source: string): Buffer =>
  Buffer.from(String(shown(n).value).replace(/}$/, `,"source":"${source}"}`));
const keyOf = (n: number): Buffer => shown(n).key as Buffer;
const home = (n: number): number => partitionFor(keyOf(n), PARTITIONS);

test('whoever sends misrouted records is known by name, with how many, why, and the latest of them', async () => {
  const the = await stage({ partitions: PARTITIONS });
  const numbers = (from: number, length: number) => Array.from({ length }, (_, n) => from + n);
  const records: TimedRecord[] = [
    ...numbers(0, 100).map((n) => ({
      partition: home(n),
      key: keyOf(n),
      value: value(n, 'right'),
    })),
    // Another partitioner, and many: a sample stands for them.
    ...numbers(1_000, 1_200).map((n) => ({
      partition: (home(n) + 1) % PARTITIONS,
      key: keyOf(n),
      value: value(n, 'sarama-team'),
    })),
  ];
  // No key, and no field: a header names who sent it.
  const later: TimedRecord[] = numbers(5_000, 3).map((n) => ({
    partition: 2,
    key: null,
    value: shown(n).value,
    headers: [{ client: Buffer.from('kiosk') }],
  }));
  await produceRecords(the.topic, records);
  const consumer = the.start();
  await the.untilConsumed(records.length, consumer);
  await produceRecords(the.topic, later);
  await the.untilConsumed(records.length + later.length, consumer);
  expect((await consumer.stop()).code).toBe(0);
  const listed = await listMisrouting(the.db, the.topic);
  expect(listed.map(({ source }) => source).toSorted()).toEqual(['kiosk', 'sarama-team']);
  const by = (name: string) => listed.find(({ source }) => source === name);
  expect(by('kiosk')).toMatchObject({ cause: 'key', detail: 'no key', partition: 2 });
  expect(by('sarama-team')?.cause).toBe('partition');
  expect(by('sarama-team')?.detail).toMatch(/^in partition \d, murmur2 gives \d$/);
  const total = listed.reduce((sum, { records: of }) => sum + of, 0);
  expect(Math.abs(total - 1_203)).toBeLessThan(20);
});

import { expect, test } from 'vitest';
import { cluster } from './support.ts';

const PARTITIONS = 12;
/** For each partition asked by itself a broker that has nothing more waits 100 ms. */
const LIMIT_MS = 600;

test('where logs depart from what was read is asked of all partitions at once, and no record is waited for', async () => {
  const { topic, member, fill } = await cluster();
  const name = await topic(PARTITIONS);
  for (let partition = 0; partition < PARTITIONS; partition += 1) await fill(name, partition, 1);
  const reader = await member(name);
  const read = (offset: number) =>
    new Map(Array.from({ length: PARTITIONS }, (_, n) => [n, { offset, leaderEpoch: 0 }]));
  await reader.departures(read(1));
  const startedMs = performance.now();
  expect(await reader.departures(read(1))).toEqual(new Map());
  expect(performance.now() - startedMs).toBeLessThan(LIMIT_MS);
  const shorter = new Map([...read(1), [3, { offset: 5, leaderEpoch: 0 }]]);
  expect(await reader.departures(shorter)).toEqual(new Map([[3, 1]]));
});

import { replaceLag, type PartitionLag } from '@adtally/db';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { opsStage } from './support/ops.ts';

function found(partition: number, lag: Partial<PartitionLag>): PartitionLag {
  return {
    kind: 'events',
    topic: 'ads',
    partition,
    sourceId: partition + 1,
    nextOffset: 100,
    endOffset: 100,
    lagRecords: 0,
    lagSeconds: 0,
    ageFrom: null,
    state: 'owned',
    owner: 'host/1',
    stuck: null,
    ...lag,
  };
}

const PARTITIONS = [
  found(0, {}),
  found(1, { endOffset: 1_600, lagRecords: 1_500, lagSeconds: 2, ageFrom: 'append_time' }),
  found(2, {
    state: 'not_granted',
    owner: null,
    endOffset: 107,
    lagRecords: 7,
    lagSeconds: 75,
    ageFrom: 'cursor_moved',
    stuck: { code: 'not_granted', detail: 'no living member reports it', forMs: 75_000 },
  }),
  found(3, {
    state: 'halted',
    owner: null,
    stuck: { code: 'halted', detail: 'hole: offset 100 expected, 102 read', forMs: 9_000 },
  }),
];

test('what is halted or stuck stands first, with its reason; then by how much waits', async () => {
  const { db, ops, json } = await opsStage();
  expect(await ops('lag')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('nobody has looked yet'),
  });
  await replaceLag(db, PARTITIONS);
  const { code, stdout, stderr } = await ops('lag');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.split(/ {2,}/).slice(0, 2).join(' '))).toEqual([
    'TOPIC PARTITION',
    'ads 3',
    'ads 2',
    'ads 1',
    'ads 0',
  ]);
  expect(lines[1]).toContain('halted for 9 s: hole: offset 100 expected, 102 read');
  expect(lines[2]).toMatch(
    / 7 +1 m 15 s +cursor moved +- +not_granted +not_granted for 1 m 15 s: no/,
  );
  expect(lines[3]).toMatch(/ 100 +1,600 +1,500 +2 s +appended +host\/1 +owned +-$/);
  const { result } = await json('lag');
  expect(result.partitions.map(({ partition }: any) => partition)).toEqual([3, 2, 1, 0]);
  expect(result.partitions[1]).toMatchObject({
    topic: 'ads',
    lag_records: 7,
    age_from: 'cursor_moved',
    stuck: { reason: 'not_granted', seconds: 75 },
  });
});

test('figures that nobody renews are said to be old', async () => {
  const { db, ops } = await opsStage();
  await replaceLag(db, PARTITIONS);
  await sql`UPDATE partition_lag SET observed_at = now() - interval '5 minutes'`.execute(db);
  const { stdout, stderr } = await ops('lag');
  expect(stderr).toContain('nobody has looked for 5 m 00 s');
  expect(stdout).toContain('owned?');
});

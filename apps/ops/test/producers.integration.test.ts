import { encodeHeaders, insertSource, noteMisrouted } from '@adtally/db';
import { expect, test } from 'vitest';
import { keepLetters } from './support/letters.ts';
import { opsStage } from './support/ops.ts';

const ID = '018bcfe5-687b-7abc-8def-0123456789ab';

test('who sends misrouted, conflicting and rejected records is told by source, the latest first', async () => {
  const { db, ops, json } = await opsStage();
  expect(await ops('producers')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('nobody is known'),
  });
  const misrouted = { cause: 'key', partition: 3, offset: 70, detail: 'no key' } as const;
  await noteMisrouted(db, 'ads', [
    { ...misrouted, source: 'we\u202Eb', records: 1_200 },
    { ...misrouted, source: '', records: 7 },
  ]);
  const source = { kind: 'events', topic: 'ads', topicId: 'id', partition: 1 } as const;
  const sourceId = await insertSource(db, source, 0n);
  for (const [offset, name] of ['old', 'web', 'web'].entries()) {
    await db
      .insertInto('conflicts')
      .values({
        source_id: sourceId,
        source_offset: BigInt(offset),
        impression_id: ID,
        event_key: ID,
        record_key: null,
        record_value: Buffer.from(JSON.stringify({ schema_version: 1, source: name })),
        record_headers: encodeHeaders([]),
      })
      .execute();
  }
  const { stdout } = await ops('producers');
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(rows.map((row) => [row[1], row[2], row[3], row[6]])).toEqual([
    ['SOURCE', 'WHAT', 'RECORDS', 'LATEST'],
    ['web', 'conflict', '2', 'ads/1@2'],
    ['old', 'conflict', '1', 'ads/1@0'],
    [expect.any(String), 'key', expect.any(String), 'ads/3@70'],
    [expect.any(String), 'key', expect.any(String), 'ads/3@70'],
  ]);
  expect(stdout).toContain('we\\u{202e}b');
  expect(stdout).toContain('(says none)');
  const { result } = await json('producers', '--topic', 'ads');
  expect(result.faults).toHaveLength(4);
  expect(result.faults[0]).toMatchObject({
    source: 'web',
    what: 'conflict',
    records: 2,
    offset: 2,
  });
  expect((await json('producers', '--topic', 'none')).result).toEqual({ faults: [] });
});

test('who sends what is rejected is told by source and cause; what is discarded is nobody’s fault any more', async () => {
  const { db, ops, json } = await opsStage();
  const value = Buffer.from('{"schema_version":1,"source":"web","price_micros":"5"}');
  const headers = [{ producer: 'kiosk' }];
  const [first] = await keepLetters(db, [
    { value },
    { value, state: 'pending' },
    { value: null, code: 'empty', message: 'the record has no value', headers },
    { value: Buffer.from('{"source": "cut'), code: 'malformed_json', message: 'not JSON' },
    { value, hasBytes: false },
  ]);
  const { result } = await json('producers');
  expect(result.faults.map((fault: Record<string, unknown>) => fault['what'])).toEqual(
    Array(3).fill('rejected'),
  );
  expect(result.faults).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        source: 'web',
        records: 2,
        offset: 1,
        detail: 'wrong_type: not of that type',
      }),
      expect.objectContaining({ source: 'kiosk', detail: 'empty: the record has no value' }),
      expect.objectContaining({ source: null, detail: 'malformed_json: not JSON' }),
    ]),
  );
  await ops('discard', '--id', String(first), '--execute', '--reason', 'a test');
  const { stdout } = await ops('producers');
  expect(stdout).toMatch(/events +web +rejected +1 /);
});

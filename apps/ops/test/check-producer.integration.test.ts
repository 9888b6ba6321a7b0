import { encodeEvent, type AdEvent } from '@adtally/event-schema';
import { partitionFor } from '@adtally/key-derivation';
import { kafkaBrokers, produceRecords, testTopic, type TimedRecord } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { opsStage, runOps } from './support/ops.ts';

const PARTITIONS = 12;
const RECORDS = 40;
/** The client places it by its own partitioner: CRC32, as it comes. */
const BY_THE_CLIENT = -1;
const brokers = await kafkaBrokers();

/** The records keep the times they are given. */
async function topicOf(records: readonly TimedRecord[]): Promise<string> {
  const config = { 'message.timestamp.type': 'CreateTime' };
  const topic = await testTopic({ partitions: PARTITIONS, config });
  onTestFinished(() => topic.delete());
  await produceRecords(topic.name, records);
  return topic.name;
}

/** The command with nothing but brokers in its environment. */
async function check(topic: string, ...argv: string[]) {
  const words = ['check-producer', '--topic', topic, ...argv];
  const told = await runOps(words, { KAFKA_BROKERS: brokers });
  const { code, stdout } = await runOps([...words, '--json'], { KAFKA_BROKERS: brokers });
  expect({ code, stderr: told.stderr }).toEqual({ code: told.code, stderr: '' });
  return { code, text: told.stdout, result: JSON.parse(stdout) };
}

function idAt(bornMs: number, n: number): string {
  const time = bornMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7abc-8def-${n.toString(16).padStart(12, '0')}`;
}

function event(id: string, rest: Partial<AdEvent> = {}): AdEvent {
  return {
    event_type: 'impression',
    impression_id: id,
    occurred_at: '2026-01-31T12:00:00.000001Z',
    price_micros: 1_500_000n,
    currency: 'EUR',
    campaign_id: 'campaign-1',
    creative_id: 'creative-1',
    placement_id: 'placement-1',
    ...rest,
  } as AdEvent;
}

function right(n: number, source?: string): TimedRecord & { readonly id: string } {
  const id = idAt(Date.now(), n);
  const key = Buffer.from(id);
  const value = encodeEvent(
    event(id, source === undefined ? {} : ({ source } as Partial<AdEvent>)),
  );
  return { id, key, value, partition: partitionFor(key, PARTITIONS), timestampMs: Date.now() };
}

function each(make: (n: number) => TimedRecord, records = RECORDS): TimedRecord[] {
  return Array.from({ length: records }, (_, n) => make(n));
}

function only(result: any): any {
  expect(result.sources).toHaveLength(1);
  return result.sources[0];
}

test('a producer that does all as it should is told so, exit code 0', async () => {
  const topic = await topicOf(each((n) => right(n)));
  const { code, text, result } = await check(topic);
  expect(text).not.toMatch(/WRONG|note/);
  expect(text).toContain('CreateTime');
  expect(code).toBe(0);
  expect(only(result)).toMatchObject({
    source: null,
    records: RECORDS,
    would_be_rejected: 0,
    key_forms: { canonical: RECORDS },
    placement: { judged: RECORDS, misplaced: 0, explained_by: null },
    timestamp_forms: { milliseconds: RECORDS },
    id_forms: { uuid_v7: RECORDS },
  });
});

test('what is wrong is told by source, with the partitioner that explains it', async () => {
  const other = (
    source: string,
    change: (record: ReturnType<typeof right>) => Partial<TimedRecord>,
  ) =>
    each((n) => {
      const record = right(n + source.length * 1_000, source);
      return { ...record, ...change(record) };
    });
  const named = [{ producer: 'in-a-header' }];
  const topic = await topicOf([
    ...other('good', () => ({})),
    ...other('crc', () => ({ partition: BY_THE_CLIENT })),
    ...other('random', ({ id }) => ({ partition: Number.parseInt(id.slice(-2), 16) % PARTITIONS })),
    ...other('no-key', () => ({ key: null, partition: 3 })),
    ...other('quoted', ({ id }) => {
      const key = Buffer.from(`"${id}"`);
      return { key, partition: partitionFor(key, PARTITIONS) };
    }),
    ...other('fewer', ({ key }) => ({ partition: partitionFor(key as Buffer, 8) })),
    ...each((n) => ({ ...right(n), value: Buffer.from('{'), headers: named })),
    // Of one cause, at two places.
    { ...right(1, 'cut'), value: (right(1, 'cut').value as Buffer).subarray(0, -1) },
    {
      ...right(10, 'cut'),
      value: Buffer.from(String(right(10, 'cut').value).replace('"EUR"', 'EUR')),
    },
  ]);
  const { code, text, result } = await check(topic);
  expect(code).toBe(3);
  const found = new Map<string, any>(result.sources.map((one: any) => [one.source, one]));
  const explained = [...found].map(([name, one]) => [name, one.placement.explained_by]);
  expect(Object.fromEntries(explained)).toEqual({
    good: null,
    crc: 'crc32',
    random: 'unknown',
    'no-key': 'one_partition',
    quoted: 'java',
    fewer: 'java_fewer_partitions',
    'in-a-header': null,
    cut: null,
  });
  expect(found.get('cut').rejections).toMatchObject([{ code: 'malformed_json', records: 2 }]);
  expect(found.get('good').findings.every((one: any) => one.severity !== 'wrong')).toBe(true);
  expect(found.get('quoted').key_forms).toEqual({ quoted: RECORDS });
  expect(found.get('no-key').key_forms).toEqual({ none: RECORDS });
  expect(found.get('in-a-header')).toMatchObject({
    would_be_rejected: RECORDS,
    rejections: [{ code: 'malformed_json', records: RECORDS }],
    // Of the key, since no body can be read.
    placement: { judged: RECORDS, misplaced: 0 },
  });
  expect(text).toContain('set partitioner=murmur2_random');
  expect(text).toContain('source in-a-header: 40 records');
});

test('keys of every form, timestamps in seconds and ids of no time are named', async () => {
  const seconds = Math.floor(Date.now() / 1_000);
  const forms: Record<string, (id: string) => Buffer> = {
    upper_case: (id) => Buffer.from(id.toUpperCase()),
    braced: (id) => Buffer.from(`{${id}}`),
    no_dashes: (id) => Buffer.from(id.replaceAll('-', '')),
    raw_bytes: (id) => Buffer.from(id.replaceAll('-', ''), 'hex'),
    framed: (id) => Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from(id)]),
    other_id: () => Buffer.from(idAt(Date.now(), 999)),
    empty: () => Buffer.alloc(0),
    other: () => Buffer.from('user-17'),
  };
  const topic = await topicOf(
    Object.values(forms).map((spell, n) => {
      const record = right(n);
      return { ...record, key: spell(record.id), timestampMs: seconds };
    }),
  );
  const { code, text, result } = await check(topic);
  expect(code).toBe(3);
  const one = only(result);
  expect(one.key_forms).toEqual(Object.fromEntries(Object.keys(forms).map((form) => [form, 1])));
  expect(one.timestamp_forms).toEqual({ seconds: Object.keys(forms).length });
  expect(one.placement).toMatchObject({ judged: Object.keys(forms).length, misplaced: 0 });
  expect(text).toContain('seconds instead of milliseconds');
});

test('bodies are judged as ingest judges them; copies that differ are told with the fields', async () => {
  const twice = right(0);
  const ahead = idAt(Date.now() + 3 * 86_400_000, 1);
  const place = (id: string) => {
    const key = Buffer.from(id);
    return { key, partition: partitionFor(key, PARTITIONS) };
  };
  const v4 = 'a3bb189e-8bf9-4888-9912-ace4e6543002';
  const amount = right(5);
  const topic = await topicOf([
    twice,
    twice,
    { ...twice, value: encodeEvent(event(twice.id, { occurred_at: '2026-01-31T12:00:01Z' })) },
    { ...place(ahead), value: encodeEvent(event(ahead)) },
    { ...place(v4), value: encodeEvent(event(v4)) },
    { ...amount, value: Buffer.from(String(amount.value).replace('1500000', '"1500000"')) },
    { ...right(6), value: null },
  ]);
  const { code, text, result } = await check(topic);
  expect(code).toBe(3);
  const one = only(result);
  expect(one).toMatchObject({
    records: 7,
    would_be_rejected: 3,
    id_forms: { uuid_v7: 6, uuid_v4: 1 },
    duplicates: 1,
    conflicts: 1,
    conflict_fields: { occurred_at: 1 },
    placement: { judged: 7, misplaced: 0 },
  });
  expect(one.rejections.map(({ code: why, field }: any) => [why, field])).toEqual(
    expect.arrayContaining([
      ['future', 'impression_id'],
      ['wrong_type', 'price_micros'],
      ['empty', null],
    ]),
  );
  expect(text).toMatch(/WRONG +bodies +42\.9 % \(3\) would be rejected/);
});

test('a sample is the latest of each partition, or a range of time; nothing there is refused', async () => {
  const hour = 3_600_000;
  const now = Date.now();
  const records = each(
    (n) => ({ ...right(n), partition: 0, timestampMs: now - (9 - n) * hour }),
    10,
  );
  const topic = await topicOf(records);
  const range = async (...argv: string[]) => (await check(topic, ...argv)).result.read;
  expect(await range('--records', '4')).toEqual([{ partition: 0, from: 6, to: 10 }]);
  const since = new Date(now - 7 * hour).toISOString();
  const until = new Date(now - 5 * hour).toISOString();
  expect(await range('--since', since, '--until', until)).toEqual([
    { partition: 0, from: 2, to: 4 },
  ]);
  const env = { KAFKA_BROKERS: brokers };
  const future = ['--since', '2099-01-01T00:00:00Z'];
  expect(await runOps(['check-producer', '--topic', topic, ...future], env)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('has no records there'),
  });
  expect(await runOps(['check-producer', '--topic', 'no-such-topic'], env)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('there is no topic no-such-topic'),
  });
});

test("amounts as strings are judged by the environment, or with --counted by the topic's rules", async () => {
  const { databaseUrl, ops } = await opsStage();
  const record = right(1);
  const value = Buffer.from(String(record.value).replace('1500000', '"1500000"'));
  const topic = await topicOf([{ ...record, value }]);
  const run = (env: Record<string, string>, ...argv: string[]) =>
    runOps(['check-producer', '--topic', topic, ...argv], { KAFKA_BROKERS: brokers, ...env });
  const strict = await run({});
  expect(strict.code).toBe(3);
  expect(strict.stdout).toContain('ops topics set --amounts-as-strings yes');
  expect(await run({ EVENTS_AMOUNTS_AS_STRINGS: 'true' })).toMatchObject({ code: 0 });
  const database = { DATABASE_URL: databaseUrl };
  expect(await run(database, '--counted')).toMatchObject({ code: 3 });
  const change = ['--amounts-as-strings', 'yes', '--reason', 'test'];
  expect(await ops('topics', 'set', topic, ...change)).toMatchObject({ code: 0 });
  expect(await run(database, '--counted')).toMatchObject({ code: 0 });
});

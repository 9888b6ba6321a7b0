import { Buffer } from 'node:buffer';
import { encodeHeaders, recordHash } from '@adtally/db';
import { splitHeaders, type RecordHeader } from '@adtally/event-schema';
import { deleteTopic, proxyFor, testTopic, uniqueName } from '@adtally/testkit';
import { afterEach, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { endOf, readAll } from './support/dlq-reader.ts';
import { BORN_MS, garbage, type Message } from './support/records.ts';
import { referencesOf, type Reference } from './support/references.ts';
import type { TestLog } from './support/test-log.ts';

// A topic that is missing is reported after this time, so that the wait is short.
const bench = useBench({ deliveryTimeoutMs: 1_000 });

afterEach(async () => {
  await bench.control.query('ALTER TABLE events DROP CONSTRAINT IF EXISTS no_poison');
});

const references = (log: TestLog) => referencesOf(bench.control, log);

function namesOf(headers: readonly RecordHeader[] | undefined): string[] {
  return (headers ?? []).flatMap((header) => Object.keys(header));
}

it('I6: a copy has the original key, bytes and headers, and its hash is that of its reference', async () => {
  await bench.control.query(
    `ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`,
  );
  const log = await bench.log();
  const dlqTopic = await bench.topic();
  const headers = [
    { traceparent: Buffer.from('00-abc') },
    { traceparent: Buffer.from([0, 255, 128]) },
    { 'adtally.error.code': Buffer.from('forged') },
    { empty: Buffer.alloc(0) },
    { absent: undefined },
  ];
  const odd: Message[] = [
    { ...garbage(), key: Buffer.from([0xff, 0x00, 0xc3]), headers },
    { ...garbage(), key: null },
    { ...garbage(), key: Buffer.alloc(0), value: Buffer.from([0xff, 0xfe, 0x00]) },
    { ...garbage(), value: null },
    { ...garbage(), value: Buffer.alloc(0), headers: [] },
    { ...log.shown(9, { campaign: 'poison' }), headers },
  ];
  log.append(0, [log.shown(1), ...odd, log.shown(2)]);
  const writer = bench.writer(log, { dlqTopic });
  await writer.claim(0);
  await writer.drain();

  const refs = await references(log);
  expect(refs.map(({ at }) => at)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(refs.at(-1)?.code).toBe('data_refused');
  const copies = await readAll(dlqTopic);
  expect(copies).toHaveLength(odd.length);
  for (const [index, copy] of copies.entries()) {
    const original = odd[index] as Message;
    const ref = refs[index] as Reference;
    const split = splitHeaders(copy.headers);
    const kept = split?.own;
    const added = Object.fromEntries(split?.added ?? []);
    expect(copy.key ?? null).toEqual(original.key);
    expect(copy.value).toEqual(original.value);
    expect(namesOf(kept)).toEqual(namesOf(original.headers));
    expect(recordHash({ ...copy, headers: kept ?? [] })).toEqual(ref.hash);
    expect(recordHash(original)).toEqual(ref.hash);
    expect(added).toMatchObject({
      '__connect.errors.topic': log.topic,
      '__connect.errors.partition': '0',
      '__connect.errors.offset': String(ref.at),
      '__connect.errors.exception.class.name': `adtally.${ref.code}`,
      '__connect.errors.exception.message': expect.stringMatching(/^[ -~]+$/),
      'adtally.error.code': ref.code,
    });
  }
  await bench.expectSound();
});

it('I6: the broker has the copy before the reference is committed', async () => {
  await using proxy = await proxyFor(bench.url);
  const log = await bench.log();
  const dlqTopic = await bench.topic();
  log.append(0, [log.shown(1), garbage()]);
  const writer = bench.writer(log, { dlqTopic, databaseUrl: proxy.urlFor(bench.url) });
  await writer.claim(0);
  let atFirstWrite: Promise<number> | undefined;
  proxy.onClientData((chunk) => {
    if (chunk.includes('BEGIN ISOLATION')) atFirstWrite ??= endOf(dlqTopic);
    return 'forward';
  });
  await writer.drain();
  expect(await atFirstWrite).toBe(1);
  expect(await references(log)).toHaveLength(1);
});

it('I13: while the DLQ topic is missing the batch waits uncommitted, and goes on once it exists', async () => {
  const log = await bench.log();
  const dlqTopic = uniqueName('late_dlq');
  log.append(0, [log.shown(1), garbage(), log.shown(2)]);
  const writer = bench.writer(log, { dlqTopic });
  await writer.claim(0);
  const before = await bench.producer.produceAll([
    { topic: dlqTopic, key: null, value: Buffer.from('probe') },
  ]);
  expect(before).toMatchObject([{ failed: 'transient' }]);
  const writing = writer.drain();
  let isDone = false;
  void writing.then(() => (isDone = true));
  // Longer than one try of the sender: a second failure of ours says that its first has failed too.
  await bench.producer.produceAll([{ topic: dlqTopic, key: null, value: Buffer.from('probe') }]);
  expect(isDone).toBe(false);
  expect(await bench.totals(log)).toMatchObject({ consumed: 0 });
  await testTopic({ partitions: 1, name: dlqTopic });
  try {
    await writing;
    expect((await readAll(dlqTopic)).map(({ value }) => String(value))).toContain('not an event');
  } finally {
    await deleteTopic(dlqTopic);
  }
  expect(await bench.totals(log)).toMatchObject({ consumed: 3, stored: 2, dead_lettered: 1 });
  await bench.expectSound();
});

it('I6: a record the DLQ topic cannot hold is kept in the database with all its bytes', async () => {
  const log = await bench.log();
  const dlqTopic = await bench.topic({ 'max.message.bytes': '2000' });
  const headers = [{ trace: Buffer.from([1, 0, 255]) }];
  const huge = { ...garbage('x'.repeat(5_000)), headers };
  log.append(0, [log.shown(1), garbage('small'), huge, garbage('small too')]);
  const writer = bench.writer(log, { dlqTopic });
  await writer.claim(0);
  await writer.drain();
  expect((await readAll(dlqTopic)).map(({ value }) => String(value))).toEqual([
    'small',
    'small too',
  ]);
  expect(await references(log)).toMatchObject([{ at: 1 }, { at: 2 }, { at: 3 }]);
  const kept = await bench.control.query(
    `SELECT source_offset::int AS at, state, code, record_key, record_value, record_headers, append_ms::float8
     FROM dead_letters JOIN dead_letter_records USING (letter_id) WHERE source_id = $1::int`,
    [log.sourceId(0)],
  );
  expect(kept).toEqual([
    {
      at: 2,
      state: 'pending',
      code: 'malformed_json',
      record_key: huge.key,
      record_value: huge.value,
      record_headers: encodeHeaders(headers),
      append_ms: BORN_MS,
    },
  ]);
  await bench.expectSound();
});

it('I6: what a compacted DLQ topic will never take is kept in the database, with the reason', async () => {
  const log = await bench.log();
  const dlqTopic = await bench.topic({ 'cleanup.policy': 'compact' });
  log.append(0, [
    log.shown(1),
    { ...garbage('with a key'), key: Buffer.from('k') },
    { ...garbage('without'), key: null },
  ]);
  const writer = bench.writer(log, { dlqTopic });
  await writer.claim(0);
  await writer.drain();
  expect((await readAll(dlqTopic)).map(({ value }) => String(value))).toEqual(['with a key']);
  expect(await bench.totals(log)).toMatchObject({ consumed: 3, stored: 1, dead_lettered: 2 });
  const kept = await bench.control.query(
    `SELECT source_offset::int AS at, state, record_value, last_message
     FROM dead_letters JOIN dead_letter_records USING (letter_id) WHERE source_id = $1::int`,
    [log.sourceId(0)],
  );
  expect(kept).toEqual([
    {
      at: 2,
      state: 'pending',
      record_value: Buffer.from('without'),
      last_message: expect.stringMatching(/failed to validate record \(87\)/),
    },
  ]);
  await bench.expectSound();
});

it('I6: a record too large for the DLQ of a partition that was lost is not kept either', async () => {
  const log = await bench.log(2);
  const dlqTopic = await bench.topic({ 'max.message.bytes': '2000' });
  log.append(0, [garbage('x'.repeat(5_000))]);
  log.append(1, [garbage('y'.repeat(5_000))]);
  const writer = bench.writer(log, { dlqTopic });
  await writer.claim(0, 1);
  const work = writer.work(log.records);
  await bench.control.query('UPDATE cursors SET epoch = epoch + 1 WHERE source_id = $1::int', [
    log.sourceId(0),
  ]);
  expect((await writer.commit(work)).fenced).toEqual([log.sourceId(0)]);
  const kept = await bench.control.query(
    'SELECT source_id FROM dead_letters WHERE source_id = ANY ($1::int[])',
    [log.sourceIds],
  );
  expect(kept).toEqual([{ source_id: log.sourceId(1) }]);
  await bench.expectSound();
});

it('a service that stops gives up a batch whose dead letters cannot be written; nothing is lost', async () => {
  const log = await bench.log();
  log.append(0, [log.shown(1), garbage()]);
  const writer = bench.writer(log, { dlqTopic: uniqueName('never_made') });
  const next = bench.writer(log, { dlqTopic: await bench.topic() });
  await writer.claim(0);
  const writing = writer.drain();
  writer.abandon.abort();
  await expect(writing).rejects.toMatchObject({ name: 'Abandoned' });
  await next.claim(0);
  await next.drain();
  expect(await bench.totals(log)).toMatchObject({ consumed: 2, stored: 1, dead_lettered: 1 });
  await bench.expectSound();
});

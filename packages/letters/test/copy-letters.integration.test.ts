import { decodeHeaders, insertSource } from '@adtally/db';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { copyLetters } from '../src/life/copy-letters.ts';
import { APPENDED_MS, copiesOf, CountedTopic, lettersCopied, type Copy } from './copy-fixture.ts';
import { LetterStage } from './letter-stage.ts';

let stage: LetterStage;
let dlq: { sourceId: number; lane: number };
beforeAll(async () => {
  stage = await LetterStage.open();
  const source = { kind: 'dlq', topic: 'dlq', topicId: 'dlq-id', partition: 3 } as const;
  dlq = { sourceId: await insertSource(stage.db, source, 0n), lane: 3 };
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

/** Copies these records; returns which of them became letters, by place. */
async function copied(...copies: readonly Copy[]): Promise<number[]> {
  return [...(await copyLetters(stage.session, copiesOf(dlq, copies)))];
}

let topics = 0;
const topicName = () => `events-${(topics += 1)}`;

async function countedTopic(end: number, rejected: readonly number[] = []): Promise<CountedTopic> {
  const counted = await CountedTopic.open(stage.db, stage.session, topicName());
  await counted.pass(stage.session, end, rejected);
  return counted;
}

test('I6: a copy that coordinate and hash of a reference confirm is a letter, due at once, with its bytes', async () => {
  const { db } = stage;
  const { topic, sourceId } = await countedTopic(10, [4]);
  expect(await copied({ topic, offset: 4 })).toEqual([0]);
  expect(await lettersCopied(db)).toEqual([
    {
      state: 'pending',
      source_id: sourceId,
      source_offset: 4,
      code: 'wrong_type',
      last_code: 'wrong_type',
      append_ms: APPENDED_MS + 4,
      is_due: true,
      is_settled: false,
    },
  ]);
  const letter = await db.selectFrom('dead_letters').selectAll().executeTakeFirstOrThrow();
  expect(letter).toMatchObject({
    last_field: 'amount_micros',
    last_message: 'a message of wrong_type',
    fingerprint: 'cause',
    app: 'ingest-consumer',
    app_version: '1.2.3',
    dlq_source_id: dlq.sourceId,
    dlq_append_ms: 1_800n,
    lane: 3,
    attempts: 0,
  });
  const kept = await db.selectFrom('dead_letter_records').selectAll().executeTakeFirstOrThrow();
  expect(kept).toMatchObject({
    letter_id: letter.letter_id,
    record_key: Buffer.from('key 4'),
    record_value: Buffer.from('value 4'),
  });
  expect(decodeHeaders(Buffer.from(kept.record_headers))).toEqual([
    { trace: Buffer.from('trace 4') },
  ]);
});

test('a letter keeps what its record says of itself, bounded, and that it says nothing', async () => {
  const { topic } = await countedTopic(10, [4, 5, 6]);
  const says = { schema_version: 4, source: 'edge-3\n', campaign_id: 'c'.repeat(100) };
  await copied(
    { topic, offset: 4, value: JSON.stringify(says) },
    { topic, offset: 5, value: 'no JSON' },
  );
  const rows = stage.db
    .selectFrom('dead_letters')
    .select(['claimed_source', 'claimed_campaign', 'claimed_version'])
    .orderBy('letter_id');
  expect(await rows.execute()).toEqual([
    { claimed_source: 'edge-3?', claimed_campaign: 'c'.repeat(64), claimed_version: '4' },
    { claimed_source: '', claimed_campaign: '', claimed_version: '' },
  ]);
});

test('I6: a forged copy is an orphan, and does not take the place of the true one', async () => {
  const { topic, sourceId } = await countedTopic(10, [4]);
  expect(await copied({ topic, offset: 4, value: 'forged' })).toEqual([0]);
  expect(await copied({ topic, offset: 4 })).toEqual([0]);
  expect(await lettersCopied(stage.db)).toMatchObject([
    { state: 'orphan', source_id: sourceId, source_offset: 4, append_ms: null, is_due: false },
    { state: 'pending', source_id: sourceId, source_offset: 4, is_due: true },
  ]);
});

test('I6: a second copy makes no second letter, in one batch or a later one', async () => {
  const { topic } = await countedTopic(10, [4, 5]);
  const copy = { topic, offset: 4 };
  expect(await copied(copy, { topic, offset: 5 }, copy)).toEqual([0, 1]);
  expect(await copied(copy)).toEqual([]);
  expect(await lettersCopied(stage.db)).toMatchObject([{ source_offset: 4 }, { source_offset: 5 }]);
  const kept = await stage.db.selectFrom('dead_letter_records').select('record_value').execute();
  expect(kept.map((row) => String(row.record_value))).toEqual(['value 4', 'value 5']);
});

test('a copy ahead of its source waits; one that the cursor has passed without a reference is an orphan', async () => {
  const { topic } = await countedTopic(10);
  await copied({ topic, offset: 9 }, { topic, offset: 10, code: 'future' });
  expect(await lettersCopied(stage.db)).toMatchObject([
    { state: 'orphan', source_offset: 9 },
    {
      state: 'unconfirmed',
      source_offset: 10,
      code: 'future',
      last_code: 'future',
      append_ms: null,
      is_due: false,
    },
  ]);
});

test('what claims no coordinate, or none that is counted, is an orphan without a source each', async () => {
  const { db } = stage;
  const replayed = {
    kind: 'replay',
    topic: topicName(),
    topicId: 'replayed',
    partition: 0,
  } as const;
  await insertSource(db, replayed, 0n);
  const copies = [
    { topic: null, offset: 1 },
    { topic: 'no-topic', offset: 1 },
  ];
  expect(await copied(...copies, { topic: replayed.topic, offset: 1 })).toEqual([0, 1, 2]);
  expect(await copied(...copies)).toEqual([0, 1]);
  expect(await lettersCopied(db)).toMatchObject(
    Array.from({ length: 5 }, () => ({ state: 'orphan', source_id: null })),
  );
});

test('what the headers say of the cause counts only where the reference says the same code', async () => {
  const { topic } = await countedTopic(10, [4]);
  await copied({ topic, offset: 4, code: 'future' });
  const letters = stage.db.selectFrom('dead_letters').select(['code', 'last_code', 'last_message']);
  expect(await letters.execute()).toEqual([
    { code: 'wrong_type', last_code: 'wrong_type', last_message: '' },
  ]);
});

test('of topics of one name the letter belongs to that with its reference, else to the open one', async () => {
  const { db, session } = stage;
  const topic = topicName();
  const gone = await CountedTopic.open(db, session, topic, `${topic} gone`);
  await gone.pass(session, 10, [4]);
  await gone.close(db);
  const open = await CountedTopic.open(db, session, topic, `${topic} made again`);
  await copied({ topic, offset: 4 }, { topic, offset: 20 });
  expect(await lettersCopied(db)).toMatchObject([
    { state: 'pending', source_id: gone.sourceId },
    { state: 'unconfirmed', source_id: open.sourceId },
  ]);
  await open.close(db);
  await copied({ topic, offset: 21 });
  // Nobody will count there any more.
  expect((await lettersCopied(db)).at(-1)).toMatchObject({ state: 'orphan' });
});

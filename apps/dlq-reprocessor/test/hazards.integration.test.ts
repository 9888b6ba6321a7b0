import { Buffer } from 'node:buffer';
import { openDatabase, recordHash } from '@adtally/db';
import {
  DEAD_LETTER_HEADERS,
  splitHeaders,
  type RecordHeader,
  type SourceRecord,
} from '@adtally/event-schema';
import { TopicReader } from '@adtally/kafka';
import { deadLetterOf } from '@adtally/pipeline';
import { garbage, identityOf, shown } from '@adtally/pipeline/testing';
import { kafkaBrokers, produceRecords, testTopic, waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';

test('I6: a copy that lies there before a record too large for the DLQ topic does not stop the consumer', async () => {
  const the = await stage();
  const huge = { ...garbage(), value: Buffer.alloc(1_100_000, 'x') }; // beyond the producer's limit
  // As the copying leaves a record that somebody put on the DLQ topic ahead of the consumer.
  await sql`
    WITH letter AS (
      INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, fingerprint, lane)
      VALUES (${the.ingest.sourceId}, 0, ${recordHash(huge)}, 'unconfirmed', '', '', '', 0) RETURNING letter_id
    )
    INSERT INTO dead_letter_records (letter_id, record_key, record_value, record_headers)
    SELECT letter_id, ${huge.key as Buffer}, ${huge.value}, '[]' FROM letter`.execute(the.db);
  await the.ingest.take([huge, shown(1)]);
  const process = the.start({ MAX_ATTEMPTS: '1' });
  await the.untilStates({ dead: 1 }, process);
  expect((await the.deadRecords()).map(({ value }) => value?.length)).toEqual([undefined]);
  await the.expectBalanced();
});

test('I6: letters whose lease was committed while its answer got lost are tried again by the same process', async () => {
  const the = await stage({ dlqPartitions: 1 });
  const letter = garbage('leased, and nobody knows');
  await the.ingest.take([letter, garbage('b')]);
  const process = the.start({ ...the.proxied, MAX_ATTEMPTS: '2' });
  let isAsked = false;
  let cuts = 0;
  const bytes = letter.value?.toString('hex') ?? '';
  the.proxy.onClientData((chunk) => {
    isAsked ||= chunk.includes('lease-letters');
    return 'forward';
  });
  the.proxy.onServerData((chunk) => {
    // The first answer that carries letters: they are leased, and nobody will know.
    if (cuts > 0 || !isAsked || !chunk.includes(bytes)) return 'forward';
    cuts += 1;
    return 'cut';
  });
  await the.untilStates({ dead: 2 }, process);
  expect(cuts).toBe(1);
  const { rows } = await sql<{ outcomes: string }>`
    SELECT string_agg(outcome, ',' ORDER BY attempt) AS outcomes FROM dead_letter_attempts
    GROUP BY letter_id`.execute(the.db);
  expect(rows).toEqual([{ outcomes: 'lapsed,failed' }, { outcomes: 'lapsed,failed' }]);
  await the.expectBalanced();
});

test('I6: a letter whose key a stranger holds fails its try, and delays neither copying nor the others', async () => {
  const the = await stage({ dlqPartitions: 1 });
  await sql`ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`.execute(
    the.db,
  );
  await the.ingest.take([shown(1), shown(120, 'poison')]);
  await sql`ALTER TABLE events DROP CONSTRAINT no_poison`.execute(the.db);
  const stranger = openDatabase(the.databaseUrl, { applicationName: 'stranger' });
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
  const holding = stranger.transaction().execute(async (trx) => {
    // The key as an event that was never committed holds it.
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx);
    const { impressionId, eventKey } = identityOf(shown(120));
    await sql`
      INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id,
                          event_key, currency, campaign_id, creative_id, placement_id)
      VALUES (now(), 1, 0, 0, 'impression', ${impressionId}, ${eventKey}, 'EUR', 'stranger', 'c', 'p')`.execute(
      trx,
    );
    held();
    await isOver;
    await sql`ROLLBACK`.execute(trx).catch(() => undefined);
  });
  await isHeld;
  const process = the.start({
    LOCK_TIMEOUT_MS: '300ms',
    TRANSIENT_BUDGET_MS: '1s',
    MAX_ATTEMPTS: '50',
  });
  // A try that met the lock.
  await process.untilMetric('adtally_database_errors_total', (count) => count > 0, 'transient');
  await the.ingest.take([garbage('x'), garbage('y')]);
  await process.until('failed tries of all three', async () => {
    const { rows } = await sql<{ letters: number }>`
      SELECT count(DISTINCT letter_id)::int AS letters FROM dead_letter_attempts
      WHERE outcome = 'failed'`.execute(the.db);
    return rows[0]?.letters === 3;
  });
  end();
  await holding.catch(() => undefined);
  await stranger.destroy();
  await process.until('the letter stored', async () => (await the.states())['resolved'] === 1);
  expect(await the.states()).toMatchObject({ resolved: 1 });
});

test('I6: headers of any name keep their bytes on the way to a dead letter', async () => {
  const the = await stage({ dlqPartitions: 1 });
  await using source = await testTopic({ partitions: 1 });
  await using copies = await testTopic({ partitions: 1 });
  const headers: RecordHeader[] = [
    { ['__proto__']: Buffer.from('hidden') },
    { constructor: Buffer.from('x') },
    { toString: Buffer.from([255, 0]) },
  ];
  await produceRecords(source.name, [{ partition: 0, value: Buffer.from('a'), headers }]);
  const [original] = await read(source.name);
  expect(original?.headers?.map((header) => Object.entries(header)[0])).toEqual([
    ['__proto__', Buffer.from('hidden')],
    ['constructor', Buffer.from('x')],
    ['toString', Buffer.from([255, 0])],
  ]);
  const rejection = { code: 'malformed_json', message: 'no' } as const;
  const self = { app: 'test', version: '0' };
  const letter = deadLetterOf(copies.name, original as SourceRecord, rejection, self);
  expect(await the.producer.produceAll([letter])).toEqual(['acked']);
  const [copy] = await read(copies.name);
  const own = splitHeaders(copy?.headers)?.own ?? [];
  expect(recordHash({ ...(copy as SourceRecord), headers: own })).toEqual(
    recordHash(original as SourceRecord),
  );
});

test('I6: of a letter that a compacted dead topic will never take, the topic gets all but key and bytes', async () => {
  const the = await stage({ dlqPartitions: 1, deadConfig: { 'cleanup.policy': 'compact' } });
  await the.ingest.take([{ ...garbage('a'), key: null }]);
  const process = the.start({ MAX_ATTEMPTS: '1' });
  await the.untilStates({ dead: 1 }, process);
  const [record] = await the.deadRecords();
  expect(record?.value ?? null).toBeNull();
  expect(splitHeaders(record?.headers)?.added.get(DEAD_LETTER_HEADERS.withoutBytes)).toContain(
    'dead_letter_records',
  );
  await the.expectBalanced();
});

test('I6: a limit that was lowered gives no further try: such letters go to the dead topic', async () => {
  const the = await stage({ dlqPartitions: 1 });
  await the.ingest.take([garbage('a')]);
  const first = the.start({ MAX_ATTEMPTS: '100' });
  await first.untilMetric('adtally_retries_total', (failed) => failed >= 3, 'failed');
  await first.stop();
  const before = await tries();
  const second = the.start({ MAX_ATTEMPTS: '2' });
  await the.untilStates({ dead: 1 }, second);
  expect(await tries()).toBe(before);
  await the.expectBalanced();

  async function tries(): Promise<number | undefined> {
    const { rows } = await sql<{ tries: number }>`
      SELECT count(*)::int AS tries FROM dead_letter_attempts`.execute(the.db);
    return rows[0]?.tries;
  }
});

async function read(topic: string): Promise<SourceRecord[]> {
  const settings = { brokers: await kafkaBrokers(), clientId: 'test', security: {} };
  const reader = await TopicReader.connect(settings, { topic });
  reader.start(0, 0);
  const records: SourceRecord[] = [];
  try {
    await waitFor(
      async () => {
        records.push(...(await reader.fetch(100, 100)));
        return records.length > 0;
      },
      { what: `a record of ${topic}`, intervalMs: 0 },
    );
  } finally {
    await reader.close();
  }
  return records;
}

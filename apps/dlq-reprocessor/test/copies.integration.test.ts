import { Buffer } from 'node:buffer';
import { DEAD_LETTER_HEADERS, withAddedHeaders } from '@adtally/event-schema';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { garbage, shown } from '@adtally/pipeline/testing';
import { stage, type Stage } from './support/stage.ts';

/** A copy on the DLQ topic that claims a coordinate, as anybody could write it. */
function claiming(the: Stage, offset: number, value: string, code = 'malformed_json') {
  const headers = withAddedHeaders([], {
    [DEAD_LETTER_HEADERS.topic]: the.ingest.topic,
    [DEAD_LETTER_HEADERS.partition]: '0',
    [DEAD_LETTER_HEADERS.offset]: String(offset),
    [DEAD_LETTER_HEADERS.code]: code,
  });
  return { topic: the.dlq, key: Buffer.from('k'), value: Buffer.from(value), headers };
}

async function produce(the: Stage, ...records: Parameters<Stage['producer']['produceAll']>[0]) {
  expect(await the.producer.produceAll(records)).toEqual(records.map(() => 'acked'));
}

test('I6: second copies are counted and make no second letter', async () => {
  const the = await stage();
  await the.ingest.take([garbage('one')]);
  await produce(the, claiming(the, 0, 'one'), claiming(the, 0, 'one'));
  const process = the.start({ RETRY_BACKOFF_FIRST_MS: '1h', RETRY_BACKOFF_LAST_MS: '1h' });
  await process.untilMetric('adtally_letters_copied_total', 3);
  await process.untilMetric('adtally_letters_copied_total', 2, 'outcome="copy"');
  expect(await the.states()).toEqual({ pending: 1 });
  await the.expectBalanced();
});

test('I6: forged and strange records are orphans, never tried, and hurt no real letter', async () => {
  const the = await stage();
  await the.ingest.take([shown(1), garbage('real'), shown(2)]);
  await produce(
    the,
    claiming(the, 1, 'forged bytes'),
    claiming(the, 0, 'claims a good record'),
    { topic: the.dlq, key: null, value: null, headers: [] },
    {
      topic: the.dlq,
      key: null,
      value: Buffer.from([0, 255]),
      headers: [{ 'adtally.headers.added': 'x' }],
    },
    {
      ...claiming(the, 1, 'x'),
      headers: withAddedHeaders([], {
        [DEAD_LETTER_HEADERS.topic]: 'nowhere\u0000',
        [DEAD_LETTER_HEADERS.offset]: '-1',
      }),
    },
    {
      ...claiming(the, 1, 'x'),
      headers: withAddedHeaders([], {
        [DEAD_LETTER_HEADERS.topic]: the.ingest.topic,
        [DEAD_LETTER_HEADERS.partition]: '99999999999',
        [DEAD_LETTER_HEADERS.offset]: '1',
      }),
    },
  );
  const process = the.start({ MAX_ATTEMPTS: '1' });
  await the.untilStates({ dead: 1, orphan: 6 }, process);
  const { rows } = await sql<{ tries: number; events: number }>`
    SELECT (SELECT count(*)::int FROM dead_letter_attempts) AS tries,
           (SELECT count(*)::int FROM events) AS events`.execute(the.db);
  expect(rows).toEqual([{ tries: 1, events: 2 }]);
  await the.expectBalanced();
});

test('I6: a copy that is ahead of its source waits; the reference confirms it, or its absence orphans it', async () => {
  const the = await stage();
  // As a consumer that died between the ack and its commit leaves them.
  await produce(
    the,
    claiming(the, 0, 'comes later'),
    claiming(the, 1, 'a newer build accepts this one'),
  );
  const process = the.start({ MAX_ATTEMPTS: '1' });
  await the.untilStates({ unconfirmed: 2 }, process);
  await the.ingest.take([{ ...garbage('comes later'), timestamp: 17 }]);
  await the.untilStates({ dead: 1, unconfirmed: 1 }, process);
  await the.ingest.take([shown(1)]);
  await the.untilStates({ dead: 1, orphan: 1 }, process);
  const { rows } = await sql<{ append_ms: number }>`
    SELECT append_ms::float8 FROM dead_letters WHERE state = 'dead'`.execute(the.db);
  expect(rows).toEqual([{ append_ms: 17 }]);
  await the.expectBalanced();
});

test('I6: a record too large for the DLQ topic is retried from the database', async () => {
  const the = await stage();
  const huge = { ...garbage('x'.repeat(200)), headers: [{ a: Buffer.from('b') }] };
  await the.ingest.take([huge]);
  // The same, as keepDeadLetters leaves it: no copy, lane 0.
  const process = the.start({ MAX_ATTEMPTS: '1' });
  await the.untilStates({ dead: 1 }, process);
  await sql`UPDATE dead_letters SET state = 'pending', series = 2, attempts = 0, settled_at = NULL,
    dlq_source_id = NULL, dlq_offset = NULL, lane = 0, next_attempt_at = now()`.execute(the.db);
  await the.untilStates({ dead: 1 }, process);
  const dead = await the.deadRecords();
  expect(dead.map(({ value }) => value)).toEqual([huge.value, huge.value]);
});

test('I9: a DLQ topic truncated past the cursor halts the copying; letters already taken go on', async () => {
  const the = await stage({ dlqPartitions: 1 });
  await the.ingest.take([garbage('a'), garbage('b')]);
  const first = the.start({ MAX_ATTEMPTS: '1' });
  await the.untilStates({ dead: 2 }, first);
  await first.stop();
  await the.ingest.take([garbage('c'), garbage('d')]);
  await the.truncateDlq(3);
  const second = the.start({ MAX_ATTEMPTS: '1' });
  await second.logged(
    'partition halted: an operator must decide (ops sources, then ops accept-loss)',
  );
  await sql`UPDATE dead_letters SET state = 'pending', series = 2, attempts = 0, settled_at = NULL,
    next_attempt_at = now()`.execute(the.db);
  await the.untilStates({ dead: 2 }, second);
  expect((await the.deadRecords()).length).toBe(4);
});

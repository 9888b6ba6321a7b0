import { setTopicRules } from '@adtally/db';
import { shown } from '@adtally/pipeline/testing';
import { produceRecords } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced, found } from './support/truth.ts';

const PARTITIONS = 3;
const RECORDS = 6_000;
const BY = { actor: 'test', reason: 'producers print int64 as protobuf does' };

/** Impressions whose amounts are strings of digits. */
async function produceQuoted(topic: string): Promise<void> {
  await produceRecords(
    topic,
    Array.from({ length: RECORDS }, (_, n) => {
      const { key, value } = shown(n);
      const text = String(value).replace(/"price_micros":([0-9]+)/, '"price_micros":"$1"');
      return { partition: n % PARTITIONS, key: key as Buffer, value: Buffer.from(text) };
    }),
  );
}

interface Outcome {
  readonly partition: number;
  readonly offset: number;
  readonly is_stored: boolean;
}

async function outcomes({ db }: Stage): Promise<Outcome[]> {
  const { rows } = await sql<Outcome>`
    SELECT s.partition, o.source_offset::int AS "offset", o.is_stored
    FROM (SELECT source_id, source_offset, true AS is_stored FROM events
          UNION ALL SELECT source_id, source_offset, false FROM dead_letter_refs WHERE code = 'wrong_type') AS o
    JOIN sources s USING (source_id)`.execute(db);
  return rows;
}

test('I5: rules of a topic changed while it is counted: each offset is judged by those its partition stood under', async () => {
  const the = await stage({ partitions: PARTITIONS });
  await produceQuoted(the.topic);
  const env = { BREAKER_REJECTED_SHARE: 'off' };
  const consumers = [the.startSlow(env), the.startSlow(env)];
  // By partition: the offsets from which the rules were others, beginning with the strict ones.
  const changes = new Map<number, number[]>();
  for (let turn = 1; turn <= 6; turn += 1) {
    await the.untilConsumed((RECORDS * turn) / 8, consumers[0]);
    const amountsAsStrings = turn % 2 === 1;
    const { from } = await setTopicRules(the.db, BY, the.topic, { amountsAsStrings });
    for (const [partition, offset] of from)
      changes.set(partition, [...(changes.get(partition) ?? []), Number(offset)]);
  }
  await the.untilConsumed(RECORDS, consumers[0]);
  const all = await outcomes(the);
  const isStoredBy = (partition: number, offset: number): boolean =>
    (changes.get(partition) ?? []).filter((from) => from <= offset).length % 2 === 1;
  const wrong = all.filter(
    ({ partition, offset, is_stored }) => is_stored !== isStoredBy(partition, offset),
  );
  expect(wrong).toEqual([]);
  expect(all).toHaveLength(RECORDS);
  const stored = all.filter(({ is_stored }) => is_stored).length;
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(RECORDS);
  await expectBalanced(the);
});

const wrapped = (before: string, value: unknown, after: string): Buffer =>
  Buffer.from(`${before}${String(value)}${after}`);

test('one event in every wrapping is one event where the value format is auto, and else is rejected with the way out', async () => {
  const the = await stage({ partitions: 1 });
  const { key, value } = shown(1);
  const values = [
    value,
    wrapped('\0\0\0\0\u0007', value, ''),
    wrapped('{"schema":{"type":"struct"},"payload":', value, '}'),
    wrapped('{"specversion":"1.0","id":"a","source":"/s","type":"t","data":', value, '}'),
  ];
  const produce = () =>
    produceRecords(
      the.topic,
      values.map((one) => ({ partition: 0, key: key as Buffer, value: one })),
    );
  const consumer = the.start({ BREAKER_REJECTED_SHARE: 'off' });
  await produce();
  await the.untilConsumed(4, consumer);
  await setTopicRules(the.db, BY, the.topic, { valueFormat: 'auto' });
  await produce();
  await the.untilConsumed(8, consumer);
  expect(await found(the)).toMatchObject({
    unique: 1,
    duplicate: 4,
    conflict: 0,
    dead_lettered: { malformed_json: 1, missing_field: 2 },
  });
  await expectBalanced(the);
});

test('the variables fill the rules of a topic when it is first registered, and never again', async () => {
  const the = await stage({ partitions: 1 });
  const [, second] = [shown(1), shown(2)];
  const first = the.start({
    EVENTS_VALUE_FORMAT: 'auto',
    EVENTS_AMOUNTS_AS_STRINGS: 'true',
    EVENTS_FUTURE_TOLERANCE: '0',
  });
  await first.owns(1);
  expect((await first.stop()).code).toBe(0);
  const text = String(second.value).replace(/"price_micros":([0-9]+)/, '"price_micros":"$1"');
  await produceRecords(the.topic, [{ partition: 0, value: Buffer.from(text) }]);
  const next = the.start({ EVENTS_AMOUNTS_AS_STRINGS: 'false', EVENTS_FUTURE_TOLERANCE: '5h' });
  await the.untilConsumed(1, next);
  const told = await next.logged(
    'variables of this process have no effect: the topic has rules already (ops topics set)',
  );
  expect(told).toMatchObject({ ignored: ['futureToleranceMs'], rules: { futureToleranceMs: 0 } });
  expect(await outcomes(the)).toEqual([{ partition: 0, offset: 0, is_stored: true }]);
  const rules = await the.db.selectFrom('topic_rules').selectAll().execute();
  expect(rules).toMatchObject([
    {
      topic: the.topic,
      value_format: 'auto',
      amounts_as_strings: true,
      future_tolerance_seconds: 0,
    },
  ]);
});

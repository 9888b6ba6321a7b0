import type { KafkaSettings } from '@adtally/kafka';
import { growTopic, openTransaction, produceRecords, testTopic } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { lagStage } from './support/lag-stage.ts';

const MINUTE_MS = 60_000;
const NO_BROKER: KafkaSettings = { brokers: '127.0.0.1:1', clientId: 'lag-test', security: {} };

test('with no consumer alive every partition is told, also one that nobody has claimed yet', async () => {
  const the = await lagStage();
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 0);
  await the.produce(0, 5);
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 5, 'partition="0"');
  await the.untilFigure('adtally_consumer_lag_seconds', (age) => age !== null && age > 1);
  expect(await the.figure('adtally_consumer_lag_seconds', 'partition="0"')).toBeLessThan(60);
  await growTopic(the.topic.name, 3);
  await the.produce(2, 7);
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 7, 'partition="2"');

  const stuck = await the.untilStuck(2, 'not_granted');
  expect(stuck).toMatchObject({ sourceId: null, nextOffset: null, endOffset: 7, lagRecords: 7 });
  await the.untilStuck(0, 'not_granted');
  await the.untilFigure('adtally_partition_stuck', (told) => told === 1, 'partition="2"');
  expect(await the.figure('adtally_partition_stuck', 'reason="not_granted"')).toBe(2);
  // Once and not at every look; again only after half a minute.
  expect(the.said('partition is stuck').map(({ partition }) => partition)).toEqual([0, 2]);

  await the.moveCursor(0, 5);
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 0, 'partition="0"');
  await the.untilStuck(0, null);
  expect(the.said('partition is not stuck any more')).toHaveLength(1);
});

test('the age is that of the first record not committed, and where its time is none, of the cursor', async () => {
  const the = await lagStage({
    config: { 'message.timestamp.type': 'CreateTime' },
    before: async (db, topic) => {
      const value = Buffer.from('x');
      await produceRecords(topic, [
        { partition: 0, value, timestampMs: Date.now() - 60 * MINUTE_MS },
        { partition: 1, value, timestampMs: MINUTE_MS },
      ]);
      await sql`UPDATE ledger SET committed_at = now() - interval '10 minutes'`.execute(db);
    },
  });
  await the.untilStuck(0, 'not_granted');
  const isAnHour = (age: number | null) => age !== null && age >= 3_600 && age < 3_700;
  const isTenMinutes = (age: number | null) => age !== null && age >= 600 && age < 700;
  await the.untilFigure('adtally_consumer_lag_seconds', isAnHour, 'partition="0"');
  await the.untilFigure('adtally_consumer_lag_seconds', isTenMinutes, 'partition="1"');
  expect(await the.partition(0)).toMatchObject({ ageFrom: 'append_time' });
  expect(await the.partition(1)).toMatchObject({ ageFrom: 'cursor_moved' });
});

test('a halted partition is behind by what waits, and says why', async () => {
  const the = await lagStage();
  await sql`UPDATE cursors SET halted_code = 'hole', halted_detail = 'offset 3 expected', halted_at = now()
            FROM sources s WHERE s.source_id = cursors.source_id AND partition = 1`.execute(the.db);
  await the.produce(1, 4);
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 4, 'partition="1"');
  const found = await the.untilStuck(1, 'halted');
  expect(found).toMatchObject({ state: 'halted', stuck: { detail: 'hole: offset 3 expected' } });
});

test('what the owner says is the reason, in its words', async () => {
  const the = await lagStage();
  const reason = { code: 'dead_letters_not_taken', detail: 'topic d does not take dead letters' };
  await the.report('g', 'owned', reason);
  await the.produce(0, 1);
  const found = await the.untilStuck(0, 'dead_letters_not_taken');
  expect(found).toMatchObject({ state: 'owned', owner: 'host/g' });
  expect(found.stuck?.detail).toBe('host/g: topic d does not take dead letters');
  await the.report('g', 'waiting', { code: 'broker_unreachable', detail: 'Timed out' });
  await the.untilStuck(0, 'broker_unreachable');
  // Another reason is said at once.
  expect(the.said('partition is stuck')).toHaveLength(2);
});

test('two groups that count one topic into one database are said, both by name', async () => {
  const the = await lagStage();
  await the.report('one');
  await the.untilFigure('adtally_topic_groups', (groups) => groups === 1);
  await the.report('two');
  await the.untilFigure('adtally_topic_groups', (groups) => groups === 2);
  expect(the.said('two groups count one topic')).toMatchObject([{ groups: ['one', 'two'] }]);
  await the.produce(0, 1);
  const { stuck } = await the.untilStuck(0, 'two_groups');
  expect(stuck?.detail).toContain('one and two');
});

test('an open transaction is named with its offset', async () => {
  const the = await lagStage();
  await the.report('g');
  await the.produce(0, 3);
  await the.moveCursor(0, 3);
  const transaction = await openTransaction(the.topic.name, 0, [Buffer.from('x')]);
  onTestFinished(() => transaction.abort());
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 1, 'partition="0"');
  const { stuck } = await the.untilStuck(0, 'open_transaction');
  expect(stuck?.detail).toContain('offset 3');
});

test('a deleted topic is named, and so is one made again under its name', async () => {
  const the = await lagStage();
  await the.report('g');
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 0);
  await the.topic.delete();
  await the.untilStuck(0, 'topic_missing');
  await the.untilStuck(1, 'topic_missing');
  await testTopic({ name: the.topic.name, partitions: 2 });
  await the.produce(0, 4);
  await the.untilStuck(0, 'topic_recreated');
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 4, 'partition="0"');
  expect(the.said('partition is stuck').map(({ reason }) => reason)).toContain('topic_recreated');
});

test('without brokers the last known end is told, and that they do not answer', async () => {
  const the = await lagStage({ settings: NO_BROKER });
  await sql`UPDATE cursors SET known_end_offset = 9`.execute(the.db);
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 9, 'partition="0"');
  const { stuck } = await the.untilStuck(0, 'broker_unreachable');
  expect(stuck?.detail).toContain('127.0.0.1:1');
});

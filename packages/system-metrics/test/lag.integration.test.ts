import {
  migrate,
  openDatabase,
  readLag,
  registerTopic,
  replaceReports,
  type Database,
  type ObservedLag,
} from '@adtally/db';
import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { createLogger, createMetrics } from '@adtally/telemetry';
import {
  growTopic,
  kafkaBrokers,
  openTransaction,
  produceRecords,
  testDatabase,
  testTopic,
  waitFor,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { LAG_METRICS } from '../src/metrics.ts';
import { LagTeller } from '../src/index.ts';

/** As in earnest, only sooner. */
const FAST = { everyMs: 200, staleAfterMs: 5_000, silentMaxMs: 10_000, stuckAfterMs: 1_000 };
/** A record that waits is visible within that time. */
const VISIBLE_MS = 15_000;
const MINUTE_MS = 60_000;
const NO_BROKER: KafkaSettings = { brokers: '127.0.0.1:1', clientId: 'lag-test', security: {} };

async function migrated(url: string): Promise<void> {
  await migrate(url);
}

interface StageOptions {
  readonly config?: Record<string, string>;
  readonly settings?: KafkaSettings;
  /** What has happened before anybody looks. */
  readonly before?: (db: Database, topic: string) => Promise<void>;
}

/** A counted topic that nobody counts just now, and a process that tells how it is. */
async function stage(options: StageOptions = {}) {
  const database = await testDatabase(migrated);
  const brokers = await kafkaBrokers();
  const settings = { brokers, clientId: 'lag-test', security: {} };
  const topic = await testTopic({ partitions: 2, config: options.config ?? {} });
  const db = openDatabase(database.url, { applicationName: 'test' });
  const admin = new KafkaAdmin(settings);
  const described = await admin.describeTopic(topic.name);
  const topicId = described?.topicId ?? '';
  const register = { kind: 'events', topic: topic.name, topicId, partitions: 2 } as const;
  await registerTopic(db, { ...register, genesis: () => 0n });

  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    service: 'test',
    level: 'info',
    destination: { write: (line: string) => lines.push(JSON.parse(line) as never) },
  });
  const metrics = createMetrics({ service: 'test', version: '0', definitions: LAG_METRICS });
  const kafka = options.settings ?? settings;
  const teller = new LagTeller(
    { config: { databaseUrl: database.url, kafka }, metrics, log },
    FAST,
  );
  onTestFinished(async () => {
    await teller.stop();
    admin.close();
    await metrics.shutdown();
    await db.destroy();
    await Promise.all([topic.delete(), database.drop()]);
  });
  await options.before?.(db, topic.name);
  await teller.start();

  const figure = async (name: string, ...labels: string[]): Promise<number | null> => {
    const wanted = [`topic="${topic.name}"`, ...labels];
    const found = (await metrics.render())
      .split('\n')
      .filter(
        (line) => line.startsWith(`${name}{`) && wanted.every((label) => line.includes(label)),
      )
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
    return found.length === 0 ? null : found.reduce((sum, value) => sum + value, 0);
  };
  const untilFigure = async (
    name: string,
    is: (value: number | null) => boolean,
    ...labels: string[]
  ) => {
    let last: number | null = null;
    const right = async () => is((last = await figure(name, ...labels)));
    await waitFor(right, { what: `${name} ${labels.join(' ')}`, timeoutMs: VISIBLE_MS }).catch(
      (error: unknown) => {
        throw new Error(`it is ${String(last)}`, { cause: error });
      },
    );
  };
  const partition = async (number: number): Promise<ObservedLag | undefined> =>
    (await readLag(db, topic.name)).find((one) => one.partition === number);
  const untilStuck = async (number: number, code: string | null) => {
    let last: ObservedLag | undefined;
    const reached = async () => {
      last = await partition(number);
      return last !== undefined && (last.stuck?.code ?? null) === code;
    };
    await waitFor(reached, { what: `[${number}] stuck: ${code}`, timeoutMs: VISIBLE_MS }).catch(
      (error: unknown) => {
        throw new Error(JSON.stringify(last), { cause: error });
      },
    );
    return last as ObservedLag;
  };
  const produce = async (number: number, count: number) => {
    const value = Buffer.from('x');
    await produceRecords(
      topic.name,
      Array.from({ length: count }, () => ({ partition: number, value })),
    );
  };
  const said = (msg: string) => lines.filter((line) => line.msg === msg);
  const report = async (
    consumerGroup: string,
    state: 'owned' | 'waiting' = 'owned',
    reason: { code: string; detail: string } | null = null,
  ) =>
    await replaceReports(
      db,
      { topic: topic.name, consumerGroup, owner: `host/${consumerGroup}` },
      [0, 1].map((number) => ({ partition: number, state, reason, forMs: 0 })),
    );
  /** As a consumer that has counted so far. */
  const moveCursor = async (number: number, nextOffset: number) => {
    await sql`
      WITH moved AS (
        INSERT INTO ledger (source_id, first_offset, end_offset, epoch, consumed, stored)
        SELECT source_id, next_offset, ${nextOffset}::bigint, 0, ${nextOffset}::bigint - next_offset,
               ${nextOffset}::bigint - next_offset
        FROM cursors JOIN sources USING (source_id) WHERE partition = ${number}
        RETURNING source_id)
      UPDATE cursors SET next_offset = ${nextOffset}::bigint FROM moved
      WHERE cursors.source_id = moved.source_id`.execute(db);
  };
  return {
    db,
    topic,
    figure,
    untilFigure,
    untilStuck,
    partition,
    produce,
    said,
    report,
    moveCursor,
  };
}

test('with no consumer alive every partition is told, also one that nobody has claimed yet', async () => {
  const the = await stage();
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
  const the = await stage({
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
  const the = await stage();
  await sql`UPDATE cursors SET halted_code = 'hole', halted_detail = 'offset 3 expected', halted_at = now()
            FROM sources s WHERE s.source_id = cursors.source_id AND partition = 1`.execute(the.db);
  await the.produce(1, 4);
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 4, 'partition="1"');
  const found = await the.untilStuck(1, 'halted');
  expect(found).toMatchObject({ state: 'halted', stuck: { detail: 'hole: offset 3 expected' } });
});

test('what the owner says is the reason, in its words', async () => {
  const the = await stage();
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
  const the = await stage();
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
  const the = await stage();
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
  const the = await stage();
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
  const the = await stage({ settings: NO_BROKER });
  await sql`UPDATE cursors SET known_end_offset = 9`.execute(the.db);
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 9, 'partition="0"');
  const { stuck } = await the.untilStuck(0, 'broker_unreachable');
  expect(stuck?.detail).toContain('127.0.0.1:1');
});

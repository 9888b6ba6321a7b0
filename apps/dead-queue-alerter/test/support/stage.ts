import { listIncidents, type Incident } from '@adtally/alerting';
import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { DEAD_LETTER_HEADERS, withAddedHeaders, type RecordHeader } from '@adtally/event-schema';
import {
  kafkaBrokers,
  produceRecords,
  proxyFor,
  testDatabase,
  testTopic,
  waitFor,
  type TcpProxy,
  type TimedRecord,
} from '@adtally/testkit';
import { sql } from 'kysely';
import type { TestContext } from 'vitest';
import { AlerterProcess } from './alerter-process.ts';
import { Listener } from './listener.ts';

/** Nothing that a test does not wait for may come: updates and reminders are far away. */
const QUIET_ENV = { INCIDENT_UPDATE_MS: '1h', INCIDENT_REPEAT_MS: '24h' };

export interface StageOptions {
  readonly partitions?: number;
  /** `CreateTime`: the tests choose append times. */
  readonly timestamps?: 'LogAppendTime' | 'CreateTime';
  /** Configuration of every alerter of this stage. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One test's world: a database, a dead topic and a webhook of its own, on the real servers. */
export interface Stage {
  readonly topic: string;
  readonly db: Database;
  readonly databaseUrl: string;
  readonly webhook: Listener;
  /** The way to the database of every alerter that is started with `stage.proxied`. */
  readonly proxy: TcpProxy;
  readonly proxied: Readonly<Record<string, string>>;
  /** Starts an alerter; it is killed when the test ends. */
  start(env?: Readonly<Record<string, string>>, options?: { preload?: string }): AlerterProcess;
  /** Brings letters to the dead topic that never came before. */
  die(count: number, options?: { partition?: number; timesMs?: readonly number[] }): Promise<void>;
  /** Waits until so many distinct letters are stored and evaluated. */
  untilEvaluated(count: number, by: AlerterProcess): Promise<void>;
  incidents(): Promise<Incident[]>;
}

export interface LetterOptions {
  readonly offset: number;
  readonly partition?: number;
  readonly series?: number;
  readonly code?: string;
  readonly field?: string;
  readonly fingerprint?: string;
  /** Its value. */
  readonly json?: object;
}

/** Headers as dead letters carry them. */
export function letterHeaders(letter: LetterOptions): RecordHeader[] {
  return withAddedHeaders([], {
    [DEAD_LETTER_HEADERS.topic]: 'ad-events',
    [DEAD_LETTER_HEADERS.partition]: String(letter.partition ?? 0),
    [DEAD_LETTER_HEADERS.offset]: String(letter.offset),
    [DEAD_LETTER_HEADERS.code]: letter.code ?? 'missing_field',
    [DEAD_LETTER_HEADERS.topicId]: 'AAAAAAAAAAAAAAAAAAAAAA',
    ...(letter.field !== undefined && { [DEAD_LETTER_HEADERS.field]: letter.field }),
    ...(letter.fingerprint !== undefined && {
      [DEAD_LETTER_HEADERS.fingerprint]: letter.fingerprint,
    }),
    ...(letter.series !== undefined && { [DEAD_LETTER_HEADERS.series]: String(letter.series) }),
  });
}

export function letterRecord(letter: LetterOptions, timestampMs?: number): TimedRecord {
  return {
    partition: 0,
    value: Buffer.from(JSON.stringify(letter.json ?? { 'a payload': 'never told' })),
    headers: letterHeaders(letter),
    ...(timestampMs !== undefined && { timestampMs }),
  };
}

export async function stage(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  options: StageOptions = {},
): Promise<Stage> {
  const [brokers, database, topic, webhook] = await Promise.all([
    kafkaBrokers(),
    testDatabase(migrated),
    testTopic({
      partitions: options.partitions ?? 1,
      config: { 'message.timestamp.type': options.timestamps ?? 'LogAppendTime' },
    }),
    Listener.open({ onTestFinished }),
  ]);
  const proxy = await proxyFor(database.url);
  const db = openDatabase(database.url, { applicationName: 'test' });
  const alerters: AlerterProcess[] = [];
  onTestFinished(async () => {
    for (const alerter of alerters) alerter.signal('SIGCONT');
    await Promise.all(alerters.map((alerter) => alerter.kill()));
    await proxy.close();
    await db.destroy();
    await Promise.all([database.drop(), topic.delete()]);
  });
  const env = {
    KAFKA_BROKERS: brokers,
    DATABASE_URL: database.url,
    DEAD_TOPIC: topic.name,
    ADMIN_PORT: '0',
    ALERT_WEBHOOK_URL: webhook.url,
    SINK_RETRY_MS: '50ms',
    SINK_RETRY_MAX_MS: '200ms',
    TOPIC_CHECK_MS: '500ms',
    ...QUIET_ENV,
    ...options.env,
  };
  let nextOffset = 1_000;
  return {
    topic: topic.name,
    db,
    databaseUrl: database.url,
    webhook,
    proxy,
    proxied: { DATABASE_URL: proxy.urlFor(database.url) },
    start(overrides = {}, startOptions = {}) {
      const alerter = new AlerterProcess({ ...env, ...overrides }, startOptions);
      alerters.push(alerter);
      return alerter;
    },
    async die(count, { partition = 0, timesMs } = {}) {
      const records = Array.from({ length: count }, (_, index) => {
        nextOffset += 1;
        return { ...letterRecord({ offset: nextOffset }, timesMs?.[index]), partition };
      });
      await produceRecords(topic.name, records);
    },
    async untilEvaluated(count, by) {
      await by.until(`${count} letters evaluated`, async () => {
        const { rows } = await sql<{ count: number }>`
          SELECT count(*)::int AS count FROM dead_letter_arrivals WHERE evaluated`.execute(db);
        return rows[0]?.count === count;
      });
    },
    incidents: async () => (await listIncidents(db)).toReversed(),
  };
}

/** Waits until the listener has taken so many messages. */
export async function untilAccepted(listener: Listener, count: number): Promise<void> {
  await waitFor(() => listener.accepted.length >= count, {
    what: `${count} messages taken`,
    timeoutMs: 30_000,
  });
}

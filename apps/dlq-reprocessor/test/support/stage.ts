import { auditDatabase, openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { AckedProducer, GroupConsumer, KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import type { SourceRecord } from '@adtally/event-schema';
import {
  kafkaBrokers,
  proxyFor,
  ServiceProcess,
  testDatabase,
  testTopic,
  truncatePartition,
  uniqueName,
  waitFor,
  type TcpProxy,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished } from 'vitest';
import { InProcessIngest } from '@adtally/pipeline/testing';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const WAIT_MS = 90_000;

/** One test's world: a database and topics of its own, on the real servers. */
export interface Stage {
  readonly ingest: InProcessIngest;
  readonly db: Database;
  readonly databaseUrl: string;
  readonly brokers: string;
  readonly dlq: string;
  readonly dead: string;
  readonly producer: AckedProducer;
  /** Between database and the processes started with `stage.proxied`. */
  readonly proxy: TcpProxy;
  readonly proxied: Readonly<Record<string, string>>;
  /** Starts a reprocessor with short waits; it is killed when the test ends. */
  start(env?: Readonly<Record<string, string>>): ServiceProcess;
  /** Starts one that need not wait until the group has given up on a former one. */
  startElsewhere(env?: Readonly<Record<string, string>>): ServiceProcess;
  /** Letters by state. */
  states(): Promise<Record<string, number>>;
  /** Waits for just these letters; `by` is whose log explains it where they are not. */
  untilStates(wanted: Record<string, number>, by?: ServiceProcess): Promise<void>;
  /** Every record of the dead topic. */
  deadRecords(): Promise<SourceRecord[]>;
  /** Deletes the records of DLQ partition 0 before an offset, as retention does. */
  truncateDlq(before: number): Promise<void>;
  expectBalanced(): Promise<void>;
}

export interface StageOptions {
  readonly dlqPartitions?: number;
  readonly deadConfig?: Record<string, string>;
  /** The address of a migrated database, instead of one of its own on the shared server. */
  readonly databaseUrl?: string;
}

export async function stage(options: StageOptions = {}): Promise<Stage> {
  const [brokers, database] = await Promise.all([
    kafkaBrokers(),
    options.databaseUrl === undefined
      ? testDatabase(migrated)
      : { url: options.databaseUrl, drop: async () => undefined },
  ]);
  const settings: KafkaSettings = { brokers, clientId: 'dlq-reprocessor-test', security: {} };
  const [dlq, dead, proxy] = await Promise.all([
    testTopic({ partitions: options.dlqPartitions ?? 2 }),
    testTopic({ partitions: 1, config: options.deadConfig ?? {} }),
    proxyFor(database.url),
  ]);
  const db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const producer = await AckedProducer.connect(settings);
  const topic = uniqueName('events');
  const ingest = await InProcessIngest.open(db, {
    databaseUrl: database.url,
    topic,
    dlqTopic: dlq.name,
    producer,
  });
  const processes: ServiceProcess[] = [];
  onTestFinished(async () => {
    await Promise.all(processes.map((one) => one.kill()));
    await Promise.all([proxy.close(), producer.close(), ingest.close(), db.destroy()]);
    await Promise.all([database.drop(), dlq.delete(), dead.delete()]);
  });
  const env = {
    KAFKA_BROKERS: brokers,
    DATABASE_URL: database.url,
    EVENTS_TOPIC: topic,
    DLQ_TOPIC: dlq.name,
    DEAD_TOPIC: dead.name,
    REPROCESSOR_GROUP: uniqueName('adtally_test_group'),
    ADMIN_PORT: '0',
    RETRY_INTERVAL_MS: '200ms',
    RETRY_BACKOFF_FIRST_MS: '100ms',
    RETRY_BACKOFF_LAST_MS: '300ms',
    TOPIC_CHECK_MS: '500ms',
  };
  const states = async (): Promise<Record<string, number>> => {
    const { rows } = await sql<{ state: string; letters: number }>`
      SELECT state, count(*)::int AS letters FROM dead_letters GROUP BY state`.execute(db);
    return Object.fromEntries(rows.map(({ state, letters }) => [state, letters]));
  };
  const start = (overrides: Readonly<Record<string, string>> = {}): ServiceProcess => {
    const process = new ServiceProcess(MAIN, { ...env, ...overrides });
    processes.push(process);
    return process;
  };
  return {
    ingest,
    db,
    databaseUrl: database.url,
    brokers,
    dlq: dlq.name,
    dead: dead.name,
    producer,
    proxy,
    proxied: { DATABASE_URL: proxy.urlFor(database.url) },
    start,
    startElsewhere: (overrides = {}) =>
      start({ ...overrides, REPROCESSOR_GROUP: uniqueName('adtally_test_group') }),
    states,
    async untilStates(wanted, by) {
      const what = `letters ${JSON.stringify(wanted)}`;
      const reached = async () => {
        const found = await states();
        const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
        return [...names].every((name) => (found[name] ?? 0) === (wanted[name] ?? 0));
      };
      try {
        if (by === undefined) await waitFor(reached, { what, timeoutMs: WAIT_MS });
        else await by.until(what, reached);
      } catch (error) {
        throw new Error(`${what}, found ${JSON.stringify(await states())}`, { cause: error });
      }
    },
    truncateDlq: (before) => truncatePartition(dlq.name, 0, before),
    deadRecords: () => readAll(settings, dead.name),
    async expectBalanced() {
      const report = await auditDatabase(db);
      expect(report.checks.filter((check) => !check.ok)).toEqual([]);
    },
  };
}

async function readAll(settings: KafkaSettings, topic: string): Promise<SourceRecord[]> {
  const admin = new KafkaAdmin(settings);
  const { end } = await admin.watermarks(topic, 0);
  admin.close();
  const reader = await GroupConsumer.connect(settings, {
    groupId: uniqueName('reader'),
    topic,
    protocol: 'consumer',
  });
  const records: SourceRecord[] = [];
  try {
    await waitFor(
      async () => {
        for (const event of reader.takeRebalances()) {
          reader.settle(event);
          if (event.kind === 'granted' && event.partitions.includes(0)) reader.start(0, 0);
        }
        records.push(...(await reader.fetch(1_000, 50)));
        return records.length >= end;
      },
      { what: `${end} records of ${topic}`, intervalMs: 0, timeoutMs: WAIT_MS },
    );
  } finally {
    await reader.leave();
  }
  return records;
}

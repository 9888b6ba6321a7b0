import { auditDatabase, openDatabase, WriterSession, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { AckedProducer, type KafkaSettings, type ProducerOptions } from '@adtally/kafka';
import { kafkaBrokers, testDatabase, testTopic } from '@adtally/testkit';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { TestLog } from './test-log.ts';
import { TestWriter, type TestWriterOptions } from './test-writer.ts';

/** What the ledger says of one source. */
export interface LedgerTotals {
  readonly consumed: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly dead_lettered: number;
}

/** One migrated database a file; each test has a log of its own in it. */
export interface Bench {
  readonly url: string;
  readonly db: Database;
  readonly producer: AckedProducer;
  /** For questions and for sabotage. */
  readonly control: WriterSession;
  log(partitions?: number): Promise<TestLog>;
  /** Closed after the test. */
  writer(log: TestLog, options?: Partial<TestWriterOptions>): TestWriter;
  /** Another session, closed after the test. */
  session(databaseUrl?: string): Promise<WriterSession>;
  totals(log: TestLog, partition?: number): Promise<LedgerTotals>;
  /** The rows of `events` that name this log's sources, in order. */
  stored(log: TestLog): Promise<{ partition: number; offset: number; micros: number }[]>;
  /** A Kafka topic of one partition, deleted after the test. */
  topic(config?: Readonly<Record<string, string>>): Promise<string>;
  /** Every check of the product's own audit. */
  expectSound(): Promise<void>;
}

/** Sets the bench up for the file that calls it; to be used inside its tests only. */
export function useBench(producerOptions: ProducerOptions = {}): Bench {
  const closing: (() => Promise<void>)[] = [];
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let db: Database;
  let control: WriterSession;
  let producer: AckedProducer;

  beforeAll(async () => {
    database = await testDatabase(migrated);
    db = openDatabase(database.url, { applicationName: 'adtally-test', statementTimeoutMs: 0 });
    control = await connect(database.url);
    const settings: KafkaSettings = {
      brokers: await kafkaBrokers(),
      clientId: 'adtally-test',
      security: {},
    };
    producer = await AckedProducer.connect(settings, producerOptions);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(async () => {
    await producer.close();
    await control.close();
    await db.destroy();
    await database.drop();
  });

  return {
    get url() {
      return database.url;
    },
    get db() {
      return db;
    },
    get control() {
      return control;
    },
    get producer() {
      return producer;
    },
    log: (partitions = 1) => TestLog.create(db, partitions),
    writer(log, options = {}) {
      const writer = new TestWriter({ databaseUrl: database.url, log, producer, ...options });
      closing.push(() => writer.close());
      return writer;
    },
    async session(databaseUrl = database.url) {
      const session = await connect(databaseUrl);
      closing.push(() => session.close());
      return session;
    },
    async totals(log, partition) {
      const ids = partition === undefined ? log.sourceIds : [log.sourceId(partition)];
      const [row] = await control.query<Record<keyof LedgerTotals, string>>(
        `SELECT sum(consumed) AS consumed, sum(stored) AS stored, sum(duplicate) AS duplicate,
                sum(conflict) AS conflict, sum(dead_lettered) AS dead_lettered
         FROM ledger WHERE source_id = ANY ($1::int[])`,
        [ids],
      );
      return Object.fromEntries(
        Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]),
      ) as unknown as LedgerTotals;
    },
    async stored(log) {
      const rows = await control.query<{ source_id: number; at: string; micros: string }>(
        `SELECT source_id, source_offset AS at, amount_micros AS micros FROM events
         WHERE source_id = ANY ($1::int[]) ORDER BY source_id, source_offset`,
        [log.sourceIds],
      );
      return rows.map((row) => ({
        partition: log.sourceIds.indexOf(row.source_id),
        offset: Number(row.at),
        micros: Number(row.micros),
      }));
    },
    async topic(config) {
      const topic = await testTopic({ partitions: 1, ...(config === undefined ? {} : { config }) });
      closing.push(() => topic.delete());
      return topic.name;
    },
    async expectSound() {
      const report = await auditDatabase(db);
      expect(report.checks.filter((check) => !check.ok)).toEqual([]);
      expect(report.balanced).toBe(true);
    },
  };
}

function connect(databaseUrl: string): Promise<WriterSession> {
  return WriterSession.connect({
    databaseUrl,
    applicationName: 'adtally-test-control',
    lockTimeoutMs: 10_000,
    statementTimeoutMs: 20_000,
    connectTimeoutMs: 5_000,
  });
}

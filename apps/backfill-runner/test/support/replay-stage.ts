import { wholeAudit } from '@adtally/analytics';
import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { AckedProducer, KafkaAdmin } from '@adtally/kafka';
import { InProcessIngest, shown, type Message } from '@adtally/pipeline/testing';
import { kafkaBrokers, produceRecords, testDatabase, testTopic } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished } from 'vitest';
import { RunnerProcess } from './runner-process.ts';

/** What every act needs. */
export const WHY = ['--execute', '--reason', 'a test'];

/** Impressions numbered from `from`. */
export const many = (count: number, from = 0, campaign?: string): Message[] =>
  Array.from({ length: count }, (_, index) => shown(from + index, campaign));

export const refusePoison = (the: ReplayStage) =>
  the.rows(`ALTER TABLE events ADD CONSTRAINT refuses CHECK (campaign_id <> 'poison')`);
export const refuseNothing = (the: ReplayStage) =>
  the.rows('ALTER TABLE events DROP CONSTRAINT refuses');

/** A topic with real records, what ingest counted of them, and replays of it. */
export interface ReplayStage {
  readonly db: Database;
  readonly databaseUrl: string;
  readonly topic: string;
  readonly ingest: InProcessIngest;
  readonly admin: KafkaAdmin;
  /** Puts records on the topic; nobody counts them yet. */
  produce(messages: readonly Message[], partition?: number): Promise<void>;
  /** Puts records on the topic and counts them. */
  produceAndCount(messages: readonly Message[], partition?: number): Promise<void>;
  /** Starts `replay`, or what it is told beside that (`resume`, `1`); it is killed when the test ends. */
  replay(...argv: string[]): RunnerProcess;
  /** As `replay`, with other settings. */
  replayWith(env: Readonly<Record<string, string>>, ...argv: string[]): RunnerProcess;
  /** Starts any command. */
  start(...argv: string[]): RunnerProcess;
  rows<T>(query: string): Promise<T[]>;
  dlqEnd(): Promise<number>;
  /** What no replay of counted records may change: events, conflicts, references, rollups. */
  contents(): Promise<unknown>;
  /** Every check of the audit, that of all rollups too. */
  expectBalanced(): Promise<void>;
}

export async function replayStage(
  options: { partitions?: number; env?: Record<string, string> } = {},
): Promise<ReplayStage> {
  const partitions = options.partitions ?? 1;
  const [brokers, database, topic, dlq] = await Promise.all([
    kafkaBrokers(),
    testDatabase(migrated),
    testTopic({ partitions }),
    testTopic({ partitions: 1 }),
  ]);
  const db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const settings = { brokers, clientId: 'replay-test', security: {} };
  const admin = new KafkaAdmin(settings);
  const producer = await AckedProducer.connect(settings);
  const described = await admin.describeTopic(topic.name);
  const ingest = await InProcessIngest.open(db, {
    databaseUrl: database.url,
    topic: topic.name,
    topicId: described?.topicId ?? '',
    partitions,
    dlqTopic: dlq.name,
    producer,
  });
  const processes: RunnerProcess[] = [];
  onTestFinished(async () => {
    await Promise.all(processes.map((process) => process.kill()));
    await Promise.all([ingest.close(), producer.close(), db.destroy()]);
    admin.close();
    await Promise.all([database.drop(), topic.delete(), dlq.delete()]);
  });
  const env = {
    KAFKA_BROKERS: brokers,
    DATABASE_URL: database.url,
    EVENTS_TOPIC: topic.name,
    DLQ_TOPIC: dlq.name,
    ...options.env,
  };
  const rows = async <T>(query: string) => (await sql.raw<T>(query).execute(db)).rows;
  const startWith = (changed: Readonly<Record<string, string>>, argv: readonly string[]) => {
    const process = new RunnerProcess({ ...env, ...changed }, argv);
    processes.push(process);
    return process;
  };
  const produce = (messages: readonly Message[], partition = 0) =>
    produceRecords(
      topic.name,
      messages.map(({ key, value }) => ({ partition, key: key as Buffer, value })),
    );
  return {
    db,
    databaseUrl: database.url,
    topic: topic.name,
    ingest,
    admin,
    produce,
    async produceAndCount(messages, partition = 0) {
      await produce(messages, partition);
      await ingest.take(messages, partition);
    },
    replay: (...argv) => startWith({}, ['replay', ...argv, '--json']),
    replayWith: (changed, ...argv) => startWith(changed, ['replay', ...argv, '--json']),
    start: (...argv) => startWith({}, argv),
    rows,
    dlqEnd: async () => (await admin.watermarks(dlq.name, 0)).end,
    async contents() {
      const of = (table: string) =>
        `(SELECT md5(string_agg(r::text, ' ' ORDER BY r::text)) FROM ${table} r) AS ${table}`;
      const tables = ['events', 'conflicts', 'dead_letter_refs', 'dead_letters'];
      const rollups = ['rollup_by_campaign', 'rollup_by_creative', 'rollup_by_placement'];
      return rows(`SELECT ${[...tables, ...rollups, 'late_notes'].map(of).join(', ')}`);
    },
    async expectBalanced() {
      const report = await wholeAudit(db, { rollups: { full: true } });
      expect(report.checks.filter((check) => !check.ok)).toEqual([]);
    },
  };
}

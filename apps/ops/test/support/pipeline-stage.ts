import { auditDatabase, openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { AckedProducer } from '@adtally/kafka';
import { InProcessIngest } from '@adtally/pipeline/testing';
import {
  kafkaBrokers,
  proxyFor,
  ServiceProcess,
  testDatabase,
  testTopic,
  uniqueName,
  type TcpProxy,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished } from 'vitest';

const OPS = new URL('../../src/main.ts', import.meta.url).pathname;
// An app of its own: it is started, never imported.
const REPROCESSOR = new URL('../../../dlq-reprocessor/src/main.ts', import.meta.url).pathname;
const DLQ_PARTITIONS = 2;

/** Ingest, dead letters and reprocessors on the real servers, and the command as an operator starts it. */
export interface PipelineStage {
  readonly db: Database;
  readonly ingest: InProcessIngest;
  readonly proxy: TcpProxy;
  readonly proxied: Readonly<Record<string, string>>;
  /** Starts a reprocessor that gives each letter one try a series; it is killed when the test ends. */
  reprocessor(env?: Readonly<Record<string, string>>): ServiceProcess;
  /** Runs the command with `--json` in a process of its own. */
  ops(...argv: string[]): Promise<{ code: number | null; result: any }>;
  /** Letters by state. */
  states(): Promise<Record<string, number>>;
  expectBalanced(): Promise<void>;
}

export async function pipelineStage(): Promise<PipelineStage> {
  const [brokers, database] = await Promise.all([kafkaBrokers(), testDatabase(migrated)]);
  const [dlq, dead, proxy] = await Promise.all([
    testTopic({ partitions: DLQ_PARTITIONS }),
    testTopic({ partitions: 1 }),
    proxyFor(database.url),
  ]);
  const db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const producer = await AckedProducer.connect({ brokers, clientId: 'ops-test', security: {} });
  const topic = uniqueName('events');
  const options = { databaseUrl: database.url, topic, dlqTopic: dlq.name, producer };
  const ingest = await InProcessIngest.open(db, options);
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
    ADMIN_PORT: '0',
    MAX_ATTEMPTS: '1',
    RETRY_INTERVAL_MS: '200ms',
    TOPIC_CHECK_MS: '500ms',
  };
  const started = (main: string, more: Readonly<Record<string, string>>, argv: string[] = []) => {
    const process = new ServiceProcess(main, { ...env, ...more }, { argv });
    processes.push(process);
    return process;
  };
  return {
    db,
    ingest,
    proxy,
    proxied: { DATABASE_URL: proxy.urlFor(database.url) },
    // A group of its own: nobody waits until the former one's session has ended.
    reprocessor: (more = {}) =>
      started(REPROCESSOR, { REPROCESSOR_GROUP: uniqueName('adtally_test_group'), ...more }),
    async ops(...argv) {
      const { code, stdout, stderr } = await started(OPS, {}, [...argv, '--json']).ended;
      const last = stdout.trimEnd().split('\n').at(-1) ?? '';
      if (last === '') throw new Error(`no JSON, exit code ${code}: ${stderr}`);
      return { code, result: JSON.parse(last) };
    },
    async states() {
      const { rows } = await sql<{ state: string; letters: number }>`
        SELECT state, count(*)::int AS letters FROM dead_letters GROUP BY state`.execute(db);
      return Object.fromEntries(rows.map(({ state, letters }) => [state, letters]));
    },
    async expectBalanced() {
      const report = await auditDatabase(db);
      expect(report.checks.filter((check) => !check.ok)).toEqual([]);
    },
  };
}

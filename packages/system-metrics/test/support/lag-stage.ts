import {
  openDatabase,
  readLag,
  registerTopic,
  replaceReports,
  type Database,
  type ObservedLag,
} from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { createLogger, createMetrics, type MetricsExport } from '@adtally/telemetry';
import { kafkaBrokers, produceRecords, testDatabase, testTopic, waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { LagTeller } from '../../src/index.ts';
import { LAG_METRICS } from '../../src/metrics.ts';

/** As in earnest, only sooner. */
const FAST = { everyMs: 200, staleAfterMs: 5_000, silentMaxMs: 10_000, stuckAfterMs: 1_000 };
/** A record that waits is visible within that time. */
export const VISIBLE_MS = 15_000;

interface StageOptions {
  readonly config?: Record<string, string>;
  readonly settings?: KafkaSettings;
  /** 2 unless given. */
  readonly partitions?: number;
  /** Another cluster than the shared one. */
  readonly brokers?: string;
  /** What has happened before anybody looks. */
  readonly before?: (db: Database, topic: string) => Promise<void>;
}

/** A counted topic that nobody counts just now, and a process that tells how it is. */
export async function lagStage(options: StageOptions = {}) {
  const database = await testDatabase(migrated);
  const brokers = options.brokers ?? (await kafkaBrokers());
  const partitions = options.partitions ?? 2;
  const settings = { brokers, clientId: 'lag-test', security: {} };
  const topic = await testTopic({ partitions, config: options.config ?? {}, brokers });
  const db = openDatabase(database.url, { applicationName: 'test' });
  const admin = new KafkaAdmin(settings);
  const described = await admin.describeTopic(topic.name);
  const topicId = described?.topicId ?? '';
  const register = { kind: 'events', topic: topic.name, topicId, partitions } as const;
  await registerTopic(db, { ...register, genesis: () => 0n });

  const startTeller = async (kafka: KafkaSettings) => {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger({
      service: 'test',
      level: 'info',
      destination: { write: (line: string) => lines.push(JSON.parse(line) as never) },
    });
    const metrics = createMetrics({ service: 'test', version: '0', definitions: LAG_METRICS });
    const config = { databaseUrl: database.url, kafka };
    const teller = new LagTeller({ config, metrics, log }, FAST);
    tellers.push({ teller, metrics });
    await teller.start();
    return { metrics, said: (msg: string) => lines.filter((line) => line.msg === msg) };
  };
  const tellers: { teller: LagTeller; metrics: MetricsExport }[] = [];
  onTestFinished(async () => {
    for (const { teller, metrics } of tellers) {
      await teller.stop();
      await metrics.shutdown();
    }
    admin.close();
    await db.destroy();
    await Promise.all([topic.delete(), database.drop()]);
  });
  await options.before?.(db, topic.name);
  const { metrics, said } = await startTeller(options.settings ?? settings);

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
  const untilStuck = async (number: number, code: string | null, withinMs = VISIBLE_MS) => {
    let last: ObservedLag | undefined;
    const reached = async () => {
      last = await partition(number);
      return last !== undefined && (last.stuck?.code ?? null) === code;
    };
    await waitFor(reached, { what: `[${number}] stuck: ${code}`, timeoutMs: withinMs }).catch(
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
      brokers,
    );
  };
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
    /** Another process that would tell, with its own way to the brokers. */
    startTeller,
    report,
    moveCursor,
  };
}

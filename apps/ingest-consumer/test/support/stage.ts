import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { simulate, type Mix, type Truth } from '@adtally/event-simulator';
import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import {
  kafkaBrokers,
  proxyFor,
  redisUrl,
  testDatabase,
  testTopic,
  uniqueName,
  waitFor,
  type TcpProxy,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { ConsumerProcess } from './consumer-process.ts';

const WAIT_MS = 90_000;
const SLOW_MS = 4;
export const SLOW_BATCH = '200';

export interface StageOptions {
  readonly partitions?: number;
  /** Topic settings of the events topic. */
  readonly config?: Readonly<Record<string, string>>;
  /** `host:port,...` of a test's own brokers, instead of the shared ones. */
  readonly brokers?: string;
  readonly replication?: number;
  /** The address of a migrated database, instead of one of its own on the shared server. */
  readonly databaseUrl?: string;
}

/** One test's world: a database, topics and a group of its own, on the real servers. */
export interface Stage {
  readonly topic: string;
  readonly dlq: string;
  readonly group: string;
  readonly databaseUrl: string;
  readonly settings: KafkaSettings;
  readonly db: Database;
  readonly admin: KafkaAdmin;
  /** The way to the database of every consumer that is started with `env: stage.proxied`. */
  readonly proxy: TcpProxy;
  readonly proxied: Readonly<Record<string, string>>;
  /** Starts a consumer with small batches and a slow line to the database: its backlog lasts. */
  startSlow(env?: Readonly<Record<string, string>>): ConsumerProcess;
  /** Starts a consumer that need not wait until the group has given up on a former one. */
  startElsewhere(env?: Readonly<Record<string, string>>): ConsumerProcess;
  /** Starts a consumer; it is killed when the test ends. */
  start(env?: Readonly<Record<string, string>>): ConsumerProcess;
  /** Produces a planned run, every kind of record in it, and tells what must come of it. */
  simulate(events: number, options?: Simulation): Promise<Truth>;
  /** Records counted so far, from the ledger. */
  consumed(): Promise<number>;
  /** Waits until just that many are counted; `by` is whose log explains it where they are not. */
  untilConsumed(count: number, by?: ConsumerProcess): Promise<void>;
}

export interface Simulation {
  readonly seed?: number;
  readonly rate?: number;
  readonly mix?: Partial<Mix>;
  /** Ends the run before it has produced all of it. */
  readonly signal?: AbortSignal;
  /** Where the topic is, if not on the shared brokers. */
  readonly brokers?: string;
}

let seeds = 0;

export async function stage(options: StageOptions = {}): Promise<Stage> {
  const [brokers, redis, database] = await Promise.all([
    options.brokers ?? kafkaBrokers(),
    redisUrl(),
    options.databaseUrl === undefined
      ? testDatabase(migrated)
      : { url: options.databaseUrl, drop: async () => undefined },
  ]);
  const settings: KafkaSettings = { brokers, clientId: 'ingest-consumer-test', security: {} };
  const where = { brokers, replication: options.replication ?? 1 };
  const [topic, dlq, proxy] = await Promise.all([
    testTopic({ partitions: options.partitions ?? 4, config: options.config ?? {}, ...where }),
    testTopic({ partitions: 2, ...where }),
    proxyFor(database.url),
  ]);
  const admin = new KafkaAdmin(settings);
  const db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const group = uniqueName('adtally_test_group');
  const consumers: ConsumerProcess[] = [];
  onTestFinished(async () => {
    await Promise.all(consumers.map((consumer) => consumer.kill()));
    await proxy.close();
    admin.close();
    await db.destroy();
    await Promise.all([database.drop(), topic.delete(), dlq.delete()]);
  });
  const env = {
    KAFKA_BROKERS: brokers,
    DATABASE_URL: database.url,
    REDIS_URL: redis,
    EVENTS_TOPIC: topic.name,
    DLQ_TOPIC: dlq.name,
    CONSUMER_GROUP: group,
    ADMIN_PORT: '0',
    BATCH_LINGER_MS: '20ms',
    TOPIC_CHECK_MS: '500ms',
    TOPIC_MIN_PARTITIONS: '1',
  };
  const consumed = async () => {
    const { rows } = await sql<{
      sum: bigint;
    }>`SELECT coalesce(sum(consumed), 0)::bigint AS sum FROM ledger`.execute(db);
    return Number(rows[0]?.sum);
  };
  const start = (overrides: Readonly<Record<string, string>> = {}) => {
    const consumer = new ConsumerProcess({ ...env, ...overrides });
    consumers.push(consumer);
    return consumer;
  };
  const proxied = { DATABASE_URL: proxy.urlFor(database.url) };
  return {
    topic: topic.name,
    dlq: dlq.name,
    group,
    databaseUrl: database.url,
    settings,
    db,
    admin,
    proxy,
    proxied,
    consumed,
    start,
    startSlow(overrides = {}) {
      proxy.delay(SLOW_MS);
      return start({ ...proxied, BATCH_MAX_EVENTS: SLOW_BATCH, ...overrides });
    },
    startElsewhere: (overrides = {}) =>
      start({ ...overrides, CONSUMER_GROUP: uniqueName('adtally_test_group') }),
    simulate: async (events, { seed, rate, mix, signal, brokers: elsewhere } = {}) => {
      seeds += 1;
      const run = {
        brokers: elsewhere ?? brokers,
        topic: topic.name,
        events,
        seed: seed ?? seeds,
        rate,
        mix,
        signal,
      };
      const truth = await simulate(run);
      if (signal?.aborted !== true && truth.acked !== events) {
        throw new Error(`only ${truth.acked} of ${events} acknowledged`);
      }
      return truth;
    },
    async untilConsumed(count, by) {
      const reached = async () => (await consumed()) >= count;
      const what = `${count} records counted`;
      if (by === undefined) await waitFor(reached, { what, timeoutMs: WAIT_MS });
      else await by.until(what, reached);
    },
  };
}

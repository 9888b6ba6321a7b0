import { join } from 'node:path';
import { Fleet } from '@adtally/breaking-run';
import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { simulate, type Mix } from '@adtally/event-simulator';
import { KafkaAdmin } from '@adtally/kafka';
import {
  ServiceProcess,
  servers,
  testDatabase,
  testTopic,
  uniqueName,
  waitFor,
} from '@adtally/testkit';
import { ROOT } from './root.ts';

const PARTITIONS = 4;
const EVENTS_MAX = 100_000;
const START_LIMIT_MS = 120_000;

export interface DeploymentOptions {
  readonly name: string;
  /** Records a second. */
  readonly rate: number;
  readonly mix?: Partial<Mix>;
  /** For every service. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Topics {
  readonly events: string;
  readonly dlq: string;
  readonly dead: string;
}

/** Every app in processes of its own, with a database, topics and a small load. */
export class Deployment {
  readonly name: string;
  readonly topics: Topics;
  readonly brokers: string;
  readonly fleet: Fleet;
  readonly db: Database;
  readonly #databaseUrl: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    { name }: DeploymentOptions,
    parts: Pick<Deployment, 'topics' | 'brokers' | 'db' | 'fleet'>,
    databaseUrl: string,
    stack: AsyncDisposableStack,
  ) {
    this.name = name;
    this.topics = parts.topics;
    this.brokers = parts.brokers;
    this.fleet = parts.fleet;
    this.db = parts.db;
    this.#databaseUrl = databaseUrl;
    this.#stack = stack;
  }

  static async start(options: DeploymentOptions): Promise<Deployment> {
    await using stack = new AsyncDisposableStack();
    const { kafkaBrokers, redisUrl } = await servers();
    const brokers = options.env?.['KAFKA_BROKERS'] ?? kafkaBrokers;
    const database = stack.use(await testDatabase(migrated));
    const name = uniqueName('trial').replaceAll('_', '-');
    const topics = { events: name, dlq: `${name}.dlq`, dead: `${name}.dead` };
    stack.use(await testTopic({ name: topics.events, partitions: PARTITIONS, brokers }));
    stack.use(await testTopic({ name: topics.dlq, partitions: 2, brokers }));
    stack.use(await testTopic({ name: topics.dead, partitions: 1, brokers }));
    const db = openDatabase(database.url, { applicationName: 'trial' });
    stack.defer(() => db.destroy());
    const load = new AbortController();
    const producing = simulate({
      brokers,
      topic: topics.events,
      rate: options.rate,
      seed: 1,
      events: EVENTS_MAX,
      mix: options.mix,
      signal: load.signal,
    });
    stack.defer(async () => {
      load.abort();
      await producing;
    });
    const fleet = await startedAlone(options.name, {
      KAFKA_BROKERS: brokers,
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      EVENTS_TOPIC: topics.events,
      DLQ_TOPIC: topics.dlq,
      DEAD_TOPIC: topics.dead,
      CONSUMER_GROUP: `${name}-count`,
      REPROCESSOR_GROUP: `${name}-reprocess`,
      ADMIN_PORT: '0',
      ...options.env,
    });
    stack.defer(() => fleet.end());
    const parts = { topics, brokers, db, fleet };
    return new Deployment(options, parts, database.url, stack.move());
  }

  /** Records of the events topic behind the cursors: read from broker and database, past the services. */
  async recordsWaiting(): Promise<number> {
    const { next } = await this.db
      .selectFrom('cursors')
      .innerJoin('sources', 'sources.source_id', 'cursors.source_id')
      .select(({ fn }) => fn.sum<string | null>('next_offset').as('next'))
      .where('topic', '=', this.topics.events)
      .executeTakeFirstOrThrow();
    const admin = new KafkaAdmin({ brokers: this.brokers, clientId: 'trial', security: {} });
    try {
      let end = 0;
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        end += (await admin.watermarks(this.topics.events, partition)).end;
      }
      return end - Number(next ?? 0);
    } finally {
      admin.close();
    }
  }

  /** Runs `ops` against its database; throws with what it printed where it does not end with 0. */
  async ops(...argv: string[]): Promise<void> {
    const env = { DATABASE_URL: this.#databaseUrl, ADTALLY_ACTOR: 'trial' };
    const main = join(ROOT, 'apps/ops/src/main.ts');
    const { code, stdout, stderr } = await new ServiceProcess(main, env, { argv }).ended;
    if (code !== 0) throw new Error(`ops ${argv.join(' ')}: ${code}: ${stdout}${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

let starting: Promise<unknown> = Promise.resolve();

/** One fleet after the other: two dozen processes that start at once take each other's CPU. */
async function startedAlone(name: string, env: Readonly<Record<string, string>>): Promise<Fleet> {
  const before = starting;
  const { promise, resolve: done } = Promise.withResolvers<void>();
  starting = promise;
  await before;
  const fleet = new Fleet(env);
  try {
    const isRunning = () =>
      fleet.all.every(({ process }) => process.entries.some(({ msg }) => msg === 'running'));
    await waitFor(isRunning, { what: `${name} to start`, timeoutMs: START_LIMIT_MS });
    return fleet;
  } catch (error) {
    await fleet.end();
    throw error;
  } finally {
    done();
  }
}

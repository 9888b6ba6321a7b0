import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import {
  servers,
  ServiceProcess,
  testDatabase,
  testTopic,
  uniqueName,
  waitFor,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { Commands } from './commands.ts';
import { goodEvents, lateConflict, wrongEvents } from './events.ts';

const APPS = [
  'ingest-consumer',
  'dlq-reprocessor',
  'dead-queue-alerter',
  'backfill-runner',
] as const;
const WAIT_MS = 90_000;

/** What an operator has before him: every app at work on one small database, in which something went wrong. */
export class OperatorStage {
  readonly db: Database;
  readonly topic: string;
  readonly commands: Commands;
  readonly services: readonly ServiceProcess[];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    {
      db,
      topic,
      commands,
      services,
    }: Pick<OperatorStage, 'db' | 'topic' | 'commands' | 'services'>,
    stack: AsyncDisposableStack,
  ) {
    this.db = db;
    this.topic = topic;
    this.commands = commands;
    this.services = services;
    this.#stack = stack;
  }

  static async start(root: string): Promise<OperatorStage> {
    await using stack = new AsyncDisposableStack();
    const { kafkaBrokers, redisUrl } = await servers();
    const database = stack.use(await testDatabase(migrated));
    const topic = uniqueName('how-to').replaceAll('_', '-');
    const topics = { EVENTS_TOPIC: topic, DLQ_TOPIC: `${topic}.dlq`, DEAD_TOPIC: `${topic}.dead` };
    for (const name of Object.values(topics)) stack.use(await testTopic({ name, partitions: 1 }));
    const db = openDatabase(database.url, { applicationName: 'how-to' });
    stack.defer(() => db.destroy());
    const folder = mkdtempSync(join(tmpdir(), 'adtally-how-to-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ADTALLY_CACHE: process.env['ADTALLY_CACHE'] ?? '',
      KAFKA_BROKERS: kafkaBrokers,
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      ...topics,
      CONSUMER_GROUP: `${topic}-count`,
      REPROCESSOR_GROUP: `${topic}-retry`,
      MAX_ATTEMPTS: '1',
      RETRY_INTERVAL_MS: '200ms',
      ROLLUP_SETTLE_MS: '0',
      ADTALLY_ACTOR: 'ann',
      ARCHIVE_URL: `file://${folder}/archive`,
      ADMIN_PORT: '0',
      // Nobody listens there; what is told waits.
      ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/alerts',
    };
    const commands = new Commands(root, folder, env);
    stack.defer(() => commands.end());
    const services = APPS.map((app) => {
      const argv = app === 'backfill-runner' ? ['--watch'] : [];
      return new ServiceProcess(join(root, `apps/${app}/src/main.ts`), env, { argv });
    });
    stack.defer(async () => void (await Promise.all(services.map((one) => one.kill()))));
    writeFileSync(join(folder, 'events.ndjson'), goodEvents().join('\n'));
    const stage = new OperatorStage({ db, topic, commands, services }, stack.move());
    try {
      await stage.#fill();
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #fill(): Promise<void> {
    await Promise.all(this.services.map((one) => one.running()));
    const events = [...goodEvents(), lateConflict(), ...wrongEvents()];
    const sent = await this.commands.run(['ops', 'send', '--unchecked', ...events]);
    if (sent.code !== 0) throw new Error(`not sent: ${sent.stderr}`);
    const dead = wrongEvents().length;
    await this.until(
      'letters dead, events summed up',
      sql<{ is: boolean }>`
      SELECT (SELECT count(*) FROM dead_letters WHERE state = 'dead') = ${dead}
         AND (SELECT count(*) FROM conflicts) > 0
         AND (SELECT count(*) FROM rollup_by_campaign) > 0 AS is`,
    );
  }

  /** Waits until this is true in the database. */
  async until(what: string, query: ReturnType<typeof sql<{ is: boolean }>>): Promise<void> {
    const isSo = async () => (await query.execute(this.db)).rows[0]?.is === true;
    await waitFor(isSo, { what, timeoutMs: WAIT_MS });
  }

  /** The first column of the first row, as text. */
  async one(query: ReturnType<typeof sql<Record<string, unknown>>>): Promise<string> {
    const { rows } = await query.execute(this.db);
    const [value] = Object.values(rows[0] ?? {});
    if (value === undefined || value === null) throw new Error('the stage has nothing of the kind');
    return String(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

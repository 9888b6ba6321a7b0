import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EnvField } from '@adtally/config';
import { openDatabase, requestNotification, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import {
  hasKafkaServer,
  hasPostgresServer,
  hasRedisServer,
  kafkaBrokers,
  ServiceProcess,
  testDatabase,
  testTopic,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { brokenServers, WAYS, type BrokenServers, type Way } from './support/broken-servers.ts';

// Nothing that an app was given to keep to itself is in anything it says, whatever happens to its servers.
// Which variables are secret the apps' own declarations say: one that is added is in here by itself.

const APPS = resolve(import.meta.dirname, '../../../apps');
const APP_NAMES = readdirSync(APPS).filter((app) => existsSync(join(APPS, app, 'src/env.ts')));
/** In every secret, after what is its own; both ends spell differently in an address. */
const CANARY = 'zqcanary';
/** From the first trouble it tells: the next tries may tell more. */
const WATCHED_MS = 3_000;
const TROUBLE_MS = 30_000;
const COMMAND_MS = 30_000;
/** Each takes a core for a second or two before it says anything. */
const COMMANDS_AT_ONCE = 6;
const TROUBLE = /"level":"(warn|error|fatal)"/;
const LEVELS = ['warn', 'error', 'fatal'];
const CAN_BREAK = hasPostgresServer() && hasRedisServer() && hasKafkaServer();
const PATHS = ['/readyz', '/status', '/metrics', '/incidents', '/audit'];

type Server = 'postgres' | 'redis' | 'kafka' | 'tokens' | 'sinks';
/** Each goes with one server alone, and is given with that one. */
const OF_SERVERS = [
  'DATABASE_URL',
  'REDIS_URL',
  'KAFKA_SASL_PASSWORD',
  'KAFKA_OAUTH_CLIENT_SECRET',
];
type Env = Record<string, string>;

const declared: Record<string, readonly EnvField<unknown>[]> = {};
const given = new Set<string>();
let broken: BrokenServers;
let healthy: Env;
let db: Database;

beforeAll(async () => {
  if (!CAN_BREAK) return undefined;
  for (const app of APP_NAMES) {
    const { ENV } = (await import(join(APPS, app, 'src/env.ts'))) as { ENV: object };
    declared[app] = Object.values(ENV).filter((field) => field.fileVariable !== undefined);
  }
  const database = await testDatabase(migrated);
  const topics = await Promise.all([1, 2, 3].map(() => testTopic({ partitions: 1 })));
  db = openDatabase(database.url, { applicationName: 'test' });
  broken = await brokenServers();
  const [events, dlq, dead] = topics.map(({ name }) => name);
  healthy = {
    KAFKA_BROKERS: await kafkaBrokers(),
    DATABASE_URL: database.url.replace('@', `:${encodeURIComponent(canary('DATABASE_URL'))}@`),
    EVENTS_TOPIC: String(events),
    DLQ_TOPIC: String(dlq),
    DEAD_TOPIC: String(dead),
    ADMIN_PORT: '0',
    LOG_LEVEL: 'debug',
    DRAIN_DEADLINE_MS: '1s',
    TOPIC_MIN_PARTITIONS: '1',
    TOPIC_CHECK_MS: '500ms',
    SINK_RETRY_MS: '100ms',
    SINK_TIMEOUT_MS: '1s',
    // Without it there is nothing to log in to.
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
  };
  return async () => {
    await broken.close();
    await db.destroy();
    await database.drop();
    await Promise.all(topics.map((topic) => topic.delete()));
  };
});

/** The secret of a variable, as a driver gets it. */
function canary(variable: string, mark = 'c'): string {
  return `${mark}@${CANARY}-${variable.toLowerCase().replaceAll('_', '-')}/9`;
}

/** Every secret of an app that needs no server to take it. */
function secretsOf(app: string, way: Way): Env {
  const fields = declared[app] ?? [];
  return Object.fromEntries(
    fields.flatMap(({ variable, read }) => {
      if (OF_SERVERS.includes(variable)) return [];
      const texts = [
        canary(variable),
        broken.sink(way, canary(variable)),
        `authorization=${encodeURIComponent(canary(variable))}`,
      ];
      const taken = texts.find((text) => 'value' in read({ [variable]: text }));
      if (taken === undefined) throw new Error(`${variable}: teach this test what it may be`);
      return [[variable, taken]];
    }),
  );
}

function breakOf(server: Server, way: Way): Env {
  switch (server) {
    case 'postgres':
      return broken.postgres(way, canary('DATABASE_URL'));
    case 'redis':
      return broken.redis(way, canary('REDIS_URL'));
    case 'kafka':
      return broken.kafka(way, canary('KAFKA_SASL_PASSWORD'));
    case 'tokens':
      return broken.tokens(way, canary('KAFKA_OAUTH_CLIENT_SECRET'));
    case 'sinks':
      return {}; // all of them are among the secrets
    default:
      return server satisfies never;
  }
}

function envOf(app: string, server: Server, way: Way): Env {
  const collector: Env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: broken.collector(way),
    OTEL_METRIC_EXPORT_INTERVAL: '1s',
  };
  const env = { ...healthy, ...collector, ...secretsOf(app, way), ...breakOf(server, way) };
  for (const { variable } of declared[app] ?? []) {
    if (env[variable] !== undefined) given.add(`${app} ${variable}`);
  }
  return env;
}

/** All that a process says while it lives with a broken server, and when it ends. */
async function saidBy(
  app: string,
  server: Server,
  way: Way,
  argv: readonly string[] = [],
): Promise<string> {
  const service = new ServiceProcess(join(APPS, app, 'src/main.ts'), envOf(app, server, way), {
    argv: [...argv],
  });
  const answers: string[] = [];
  const ended = service.ended.then(() => true);
  // A command says what it has to say and ends, or waits.
  let deadline = performance.now() + (argv.length > 0 ? COMMAND_MS : TROUBLE_MS);
  let isTold = false;
  while (performance.now() < deadline) {
    if (await Promise.race([ended, delay(500, false)])) break;
    if (!isTold && service.entries.some(({ level }) => LEVELS.includes(String(level)))) {
      isTold = true;
      deadline = performance.now() + WATCHED_MS;
    }
    if (!service.entries.some(({ msg }) => msg === 'admin listening')) continue;
    for (const path of PATHS) {
      const answer = await service.get(path).catch(() => null);
      if (answer !== null) answers.push(await answer.text());
    }
  }
  service.signal('SIGTERM');
  await Promise.race([ended, delay(WATCHED_MS)]);
  const { stdout, stderr } = await service.kill();
  return [stdout, stderr, ...answers].join('\n');
}

/** The lines in which a secret stands. */
function leaks(said: string): string[] {
  return said.split('\n').filter((line) => line.toLowerCase().includes(CANARY));
}

const RUNS: readonly (readonly [app: string, server: Server, ways: readonly Way[]])[] = [
  ['ingest-consumer', 'postgres', WAYS],
  ['ingest-consumer', 'redis', WAYS],
  ['ingest-consumer', 'kafka', WAYS],
  ['ingest-consumer', 'tokens', ['refused', 'garbage']],
  ['dead-queue-alerter', 'sinks', WAYS],
  // The same drivers and the same frame: two ways show that nothing of their own tells more.
  ['dlq-reprocessor', 'postgres', ['password', 'garbage']],
  ['dlq-reprocessor', 'redis', ['password']],
  ['dlq-reprocessor', 'kafka', ['password']],
  ['dead-queue-alerter', 'postgres', ['password', 'garbage']],
  ['dead-queue-alerter', 'kafka', ['password', 'garbage']],
];

test.runIf(CAN_BREAK).each(WAYS)(
  'no secret is in anything an app says: %s',
  { timeout: 120_000 },
  async (way) => {
    await requestNotification(db, {
      alert: 'SomethingIsWrong',
      key: way,
      status: 'firing',
      summary: 'of this test',
      detail: {},
      requestedBy: 'test',
    });
    const runs = RUNS.filter(([, , ways]) => ways.includes(way));
    const said = await Promise.all(
      runs.map(async ([app, server]) => [app, server, await saidBy(app, server, way)] as const),
    );
    for (const [app, server, text] of said) {
      expect([app, server, leaks(text)]).toEqual([app, server, []]);
      // It did meet what was broken, and said so.
      expect(text, `${app} without ${server}`).toMatch(TROUBLE);
    }
  },
);

test.runIf(CAN_BREAK)(
  'nor in what commands say: their errors, --check-config, ./dev status',
  { timeout: 240_000 },
  async () => {
    const commands: readonly Readonly<Parameters<typeof saidBy>>[] = [
      ...WAYS.map((way) => ['ops', 'postgres', way, ['incidents', 'list']] as const),
      ['backfill-runner', 'postgres', 'password', ['run']],
      ['backfill-runner', 'postgres', 'garbage', ['status']],
      ['backfill-runner', 'kafka', 'refused', ['replay']],
      ...APP_NAMES.map((app) => [app, 'redis', 'password', ['--check-config']] as const),
      ...APP_NAMES.map((app) => [app, 'tokens', 'refused', ['--check-config']] as const),
      ...[['status'], ['status', '--json'], ['up'], ['audit'], ['migrate']].map(
        (argv) => ['../tools/cli', 'postgres', 'password', argv] as const,
      ),
      ['../tools/cli', 'redis', 'password', ['up']],
    ];
    const said: string[] = [];
    for (let from = 0; from < commands.length; from += COMMANDS_AT_ONCE) {
      const some = commands.slice(from, from + COMMANDS_AT_ONCE);
      said.push(...(await Promise.all(some.map((command) => saidBy(...command)))));
    }
    expect(said.flatMap(leaks)).toEqual([]);
    for (const text of said) expect(text.trim()).not.toBe('');
  },
);

test.runIf(CAN_BREAK)('nor in what is kept to be sent', async () => {
  const { rows } = await sql<{ row: string }>`
    SELECT row_to_json(n)::text AS row FROM notifications n UNION ALL
    SELECT row_to_json(i)::text FROM incidents i`.execute(db);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.map(({ row }) => row).flatMap(leaks)).toEqual([]);
});

test.runIf(CAN_BREAK)('all of them were given', () => {
  const secrets = Object.entries(declared).flatMap(([app, fields]) =>
    fields.map(({ variable }) => `${app} ${variable}`),
  );
  // A new variable of a server of its own has to be broken above as well.
  expect(secrets.filter((one) => !given.has(one))).toEqual([]);
});

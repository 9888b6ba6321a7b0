import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, type Database } from '@adtally/db';
import { localFolder } from '@adtally/local-stack';
import { letterCounts } from '@adtally/system-metrics';
import { sql } from 'kysely';
import { AppProcess } from '../app-process.ts';
import { withFreshDatabase } from '../bench-database.ts';
import type { Build } from '../build/build.ts';
import { consumerEnv, keyPrefixOf } from '../drain/consumer-env.ts';
import { BenchError } from '../errors.ts';
import type { Bench } from '../lines/bench.ts';
import { cpuPerEvent, readCpu } from '../proc/cpu-meter.ts';
import { type Topics, withScratchTopics } from '../scratch-topics.ts';
import { removeKeys, type Servers } from '../servers.ts';
import { plantLetters } from './plant-letters.ts';

/** One run of the retry path, measured. */
export interface ReprocessMeasurement {
  /** From the first to the last record copied from the DLQ topic into `dead_letters`. */
  readonly copiedPerSecond: number;
  /** Letters stored by retries, from the first to the last try. */
  readonly retriedPerSecond: number;
  /** Of the reprocessor, from the first settled letter to the last, copying included. */
  readonly cpuUsPerLetter: number | null;
  readonly postgresCpuUsPerLetter: number | null;
  /** Empty where every curable letter is stored, every hopeless one dead, and the audit balances. */
  readonly problems: readonly string[];
}

const POLL_MS = 100;
const WAIT_LIMIT_MS = 600_000;

/**
 * Makes a topic whose records a consumer refuses, has them dead-lettered, then runs the reprocessor of a
 * deployment that knows their version: how fast letters are copied, and how fast they are retried.
 *
 * @throws BenchError where it cannot be measured
 */
export async function measureReprocess(bench: Bench, build: Build): Promise<ReprocessMeasurement> {
  const { servers, sizes } = bench;
  return await withScratchTopics(servers.kafka, async (topics, base) => {
    bench.progress('reprocess: filling the topic');
    const planted = await plantLetters(servers.kafka, topics.events, sizes.letters);
    const env = environment(servers, topics, base);
    return await withFreshDatabase(
      servers,
      'reprocess',
      (databaseUrl) => measure({ bench, build, topics, env, databaseUrl, planted }),
      (databaseUrl) => build.prepareDatabase(databaseUrl, env),
    );
  });
}

interface Run {
  readonly bench: Bench;
  readonly build: Build;
  readonly topics: Topics;
  readonly env: NodeJS.ProcessEnv;
  readonly databaseUrl: string;
  readonly planted: { readonly curable: number; readonly hopeless: number };
}

async function measure(run: Run): Promise<ReprocessMeasurement> {
  const { bench, build, topics, planted, databaseUrl } = run;
  const { servers } = bench;
  const { letters } = bench.sizes;
  const env = { ...run.env, DATABASE_URL: databaseUrl };
  const db = openDatabase(databaseUrl, { applicationName: 'adtally-bench', statementTimeoutMs: 0 });
  const consumer = await AppProcess.start(
    build,
    'ingest-consumer',
    env,
    logFile('ingest-consumer'),
  );
  let reprocessor: AppProcess | null = null;
  try {
    await until(run, consumer, 'dead-lettering', letters, () => deadLettered(db));
    await consumer.stop();
    reprocessor = await AppProcess.start(
      build,
      'dlq-reprocessor',
      { ...env, SCHEMA_VERSIONS_READ_AS_NEWEST: '2', MAX_ATTEMPTS: '1' },
      logFile('dlq-reprocessor'),
    );
    await until(run, reprocessor, 'copying', 1, () => tried(db));
    const before = readCpu(servers.pids, reprocessor.pid);
    // Counting letters by state reads their whole table: first by the ledger, which costs nothing beside the work.
    await until(run, reprocessor, 'retrying', letters, () => tried(db));
    await until(run, reprocessor, 'burying', letters, () => settled(db));
    const cpu = cpuPerEvent(before, readCpu(servers.pids, reprocessor.pid), letters);
    const report = {
      copiedPerSecond: await rate(db, 'recorded_at', 'dead_letters'),
      retriedPerSecond: await rate(db, 'finished_at', 'dead_letter_attempts'),
      cpuUsPerLetter: cpu.consumer,
      postgresCpuUsPerLetter: cpu.postgres,
    };
    await reprocessor.stop();
    return { ...report, problems: await findProblems(run, db, planted) };
  } finally {
    consumer.kill();
    reprocessor?.kill();
    await db.destroy();
    await removeKeys(servers.redis, keyPrefixOf(topics));
  }
}

function environment(servers: Servers, topics: Topics, base: string): NodeJS.ProcessEnv {
  return {
    ...consumerEnv(servers, topics, `${base}-ingest`),
    REPROCESSOR_GROUP: `${base}-reprocess`,
    // The very case the breaker is there to slow down.
    BREAKER_REJECTED_SHARE: 'off',
    RETRY_INTERVAL_MS: '100ms',
    RETRIES_PER_SECOND: '1000000',
  };
}

function logFile(app: string): string {
  return join(localFolder, 'logs', `bench-${app}.log`);
}

async function until(
  { bench, build }: Run,
  app: AppProcess,
  what: string,
  wanted: number,
  look: () => Promise<number>,
): Promise<void> {
  const limitMs = performance.now() + WAIT_LIMIT_MS;
  for (;;) {
    bench.options.signal.throwIfAborted();
    app.checkAlive();
    const count = await look();
    bench.progress(`reprocess, ${build.label}: ${what}: ${count} of ${wanted}`);
    if (count >= wanted) return;
    if (performance.now() > limitMs) throw new BenchError(`${what} does not come to an end`);
    await sleep(POLL_MS, undefined, { signal: bench.options.signal });
  }
}

async function deadLettered(db: Database): Promise<number> {
  const { letters } = await db
    .selectFrom('ledger')
    .select((eb) => eb.fn.sum<string | null>('dead_lettered').as('letters'))
    .executeTakeFirstOrThrow();
  return Number(letters ?? 0);
}

/** Tries that ended, by the ledger of the retries' own sources. */
async function tried(db: Database): Promise<number> {
  const { tries } = await db
    .selectFrom('ledger as l')
    .innerJoin('sources as s', 's.source_id', 'l.source_id')
    .where('s.kind', '=', 'redrive')
    .select((eb) => eb.fn.sum<string | null>('l.consumed').as('tries'))
    .executeTakeFirstOrThrow();
  return Number(tries ?? 0);
}

async function settled(db: Database): Promise<number> {
  const counts = await letterCounts(db);
  return counts
    .filter(({ state }) => state === 'resolved' || state === 'dead')
    .reduce((sum, { letters }) => sum + letters, 0);
}

/** Rows a second between the first and the last time in a column, by the database's clock. */
async function rate(
  db: Database,
  column: 'recorded_at' | 'finished_at',
  table: 'dead_letters' | 'dead_letter_attempts',
): Promise<number> {
  const { rows } = await sql<{ rate: number }>`
    SELECT (count(*) / greatest(extract(epoch FROM max(${sql.ref(column)}) - min(${sql.ref(column)})), 0.001))::float8
      AS rate FROM ${sql.table(table)}`.execute(db);
  return Math.round(rows[0]?.rate ?? 0);
}

async function findProblems(
  { build, databaseUrl }: Run,
  db: Database,
  planted: Run['planted'],
): Promise<string[]> {
  const problems: string[] = [];
  const counts = new Map((await letterCounts(db)).map(({ state, letters }) => [state, letters]));
  const expect = (state: 'resolved' | 'dead', wanted: number): void => {
    const found = counts.get(state) ?? 0;
    if (found !== wanted) problems.push(`${found} letters are ${state}, expected ${wanted}`);
  };
  expect('resolved', planted.curable);
  expect('dead', planted.hopeless);
  const { events } = await db
    .selectFrom('events')
    .select((eb) => eb.fn.countAll<bigint>().as('events'))
    .executeTakeFirstOrThrow();
  if (Number(events) !== planted.curable)
    problems.push(`${events} events are stored, expected ${planted.curable}`);
  const { checks } = await build.audit(databaseUrl);
  return [...problems, ...checks.filter(({ ok }) => !ok).map(({ name }) => `fails: ${name}`)];
}

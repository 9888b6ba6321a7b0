import { join } from 'node:path';
import { auditDatabase, openDatabase, type Database } from '@adtally/db';
import { letterCounts } from '@adtally/system-metrics';
import type { KafkaSettings } from '@adtally/kafka';
import { localFolder, type StackAddresses } from '@adtally/local-stack';
import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppProcess } from './app-process.ts';
import { withFreshDatabase } from './bench-database.ts';
import { THIS_BUILD } from './build/build.ts';
import { consumerEnv, keyPrefixOf } from './drain/consumer-env.ts';
import { BenchError } from './errors.ts';
import { cpuPerEvent, readCpu } from './proc/cpu-meter.ts';
import { plantLetters } from './reprocess/plant-letters.ts';
import { type Topics, withScratchTopics } from './scratch-topics.ts';
import { removeKeys, type Servers, withServers } from './servers.ts';

export interface BenchReprocessOptions {
  readonly letters: number;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface ReprocessReport {
  readonly letters: number;
  readonly curable: number;
  readonly hopeless: number;
  /** From the first to the last record copied from the DLQ topic into `dead_letters`. */
  readonly copied_per_second: number;
  /** Letters stored by retries, from the first to the last try. */
  readonly retried_per_second: number;
  /** From the first settled letter to the last, copying included. */
  readonly cpu_us_per_letter: {
    readonly reprocessor: number | null;
    readonly postgres: number | null;
  };
  /** Every curable letter is stored, every hopeless one dead, and the audit balances. */
  readonly exact: boolean;
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
export async function benchReprocess(
  addresses: StackAddresses,
  kafka: KafkaSettings,
  options: BenchReprocessOptions,
): Promise<ReprocessReport> {
  return await withScratchTopics(kafka, async (topics, base) => {
    options.onProgress('filling the topic');
    const planted = await plantLetters(kafka, topics.events, options.letters);
    return await withServers(addresses, kafka, (servers) =>
      withFreshDatabase(servers, 'reprocess', (databaseUrl) =>
        measure(servers, { base, topics, databaseUrl, planted, options }),
      ),
    );
  });
}

interface Run {
  readonly base: string;
  readonly topics: Topics;
  readonly databaseUrl: string;
  readonly planted: { readonly curable: number; readonly hopeless: number };
  readonly options: BenchReprocessOptions;
}

async function measure(servers: Servers, run: Run): Promise<ReprocessReport> {
  const { options, planted, databaseUrl, topics } = run;
  const { letters } = options;
  const db = openDatabase(databaseUrl, { applicationName: 'adtally-bench', statementTimeoutMs: 0 });
  const env = environment(servers, run);
  const consumer = new AppProcess(THIS_BUILD, 'ingest-consumer', env, logFile('ingest-consumer'));
  let reprocessor: AppProcess | null = null;
  try {
    await until(run, consumer, 'dead-lettering', letters, () => deadLettered(db));
    await consumer.stop();
    reprocessor = new AppProcess(
      THIS_BUILD,
      'dlq-reprocessor',
      { ...env, SCHEMA_VERSIONS_READ_AS_NEWEST: '2', MAX_ATTEMPTS: '1' },
      logFile('dlq-reprocessor'),
    );
    await until(run, reprocessor, 'copying', 1, () => settled(db));
    const before = readCpu(servers.pids, reprocessor.pid);
    await until(run, reprocessor, 'retrying', letters, () => settled(db));
    const cpu = cpuPerEvent(before, readCpu(servers.pids, reprocessor.pid), letters);
    const report = {
      letters,
      ...planted,
      copied_per_second: await rate(db, 'recorded_at', 'dead_letters'),
      retried_per_second: await rate(db, 'finished_at', 'dead_letter_attempts'),
      cpu_us_per_letter: { reprocessor: rounded(cpu.consumer), postgres: rounded(cpu.postgres) },
    };
    await reprocessor.stop();
    const problems = await findProblems(db, planted);
    return { ...report, exact: problems.length === 0, problems };
  } finally {
    consumer.kill();
    reprocessor?.kill();
    await db.destroy();
    await removeKeys(servers.redis, keyPrefixOf(topics));
  }
}

function environment(servers: Servers, { base, topics, databaseUrl }: Run): NodeJS.ProcessEnv {
  return {
    ...consumerEnv(servers, topics, `${base}-ingest`),
    DATABASE_URL: databaseUrl,
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
  { options }: Run,
  app: AppProcess,
  what: string,
  wanted: number,
  look: () => Promise<number>,
): Promise<void> {
  const limitMs = performance.now() + WAIT_LIMIT_MS;
  for (;;) {
    options.signal.throwIfAborted();
    app.checkAlive();
    const count = await look();
    options.onProgress(`${what}: ${count} of ${wanted}`);
    if (count >= wanted) return;
    if (performance.now() > limitMs) throw new BenchError(`${what} does not come to an end`);
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}

async function deadLettered(db: Database): Promise<number> {
  const { letters } = await db
    .selectFrom('ledger')
    .select((eb) => eb.fn.sum<string | null>('dead_lettered').as('letters'))
    .executeTakeFirstOrThrow();
  return Number(letters ?? 0);
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

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 100) / 100;
}

async function findProblems(db: Database, planted: Run['planted']): Promise<string[]> {
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
  const audit = await auditDatabase(db);
  for (const check of audit.checks.filter(({ ok }) => !ok))
    problems.push(`audit ${check.id}: ${check.offending[0]?.detail ?? ''}`);
  return problems;
}

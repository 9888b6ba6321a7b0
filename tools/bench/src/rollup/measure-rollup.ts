import {
  applyLate,
  claimToFrontier,
  COHORT_MS,
  DEFAULT_DEFINITION,
  ensureSomeVersion,
  lastCohortBefore,
  MEASURES,
  planBackfill,
  raiseFrontier,
  registerVersion,
  ROLLUPS,
  startBackfill,
  takeNextBase,
  workBackfill,
} from '@adtally/analytics';
import { openDatabase, type Database } from '@adtally/db';
import { Client } from 'pg';
import { withFreshDatabase } from '../bench-database.ts';
import { BenchError } from '../errors.ts';
import { processCpuSeconds } from '../proc/process-cpu.ts';
import { checkpoint, type Servers } from '../servers.ts';
import { endMs, makeSources, storeLate, storeOnTime, type Traffic } from './fill.ts';

/** What keeping the rollups of one stretch of traffic cost. CPU is the database's. */
export interface RollupFigures {
  readonly baseEvents: number;
  readonly baseUsPerEvent: number;
  readonly lateImpressions: number;
  readonly lateUsPerImpression: number;
  readonly recomputeRowsPerSecond: number;
  readonly recomputeUsPerEvent: number;
  readonly rollupRows: number;
  /** The rollups kept by bases and differences are those of the recompute, row by row. */
  readonly isExact: boolean;
}

const APPLICATION = 'adtally-bench-rollup';
const SETTLE_MS = 90_000;
const LATE_BATCH = 20_000;
const BASE_ROWS = 50_000;
const RECOMPUTED = { ...DEFAULT_DEFINITION, version: 3 };
const TABLES = Object.values(ROLLUPS);

/** Keeps the rollups of so many events in a database of their own, then recomputes them. */
export async function measureRollup(
  servers: Servers,
  events: number,
  say: (text: string) => void,
): Promise<RollupFigures> {
  return await withFreshDatabase(servers, 'rollup', async (url) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    const db = openDatabase(url, {
      applicationName: APPLICATION,
      maxConnections: 1,
      statementTimeoutMs: 0,
    });
    try {
      const startMs = Math.floor(Date.now() / COHORT_MS) * COHORT_MS;
      return await measure(servers, { startMs, events, settleMs: SETTLE_MS }, client, db, say);
    } finally {
      await db.destroy();
      await client.end();
    }
  });
}

async function measure(
  servers: Servers,
  traffic: Traffic,
  client: Client,
  db: Database,
  say: (text: string) => void,
): Promise<RollupFigures> {
  say(`storing ${traffic.events} events`);
  await makeSources(client);
  await storeOnTime(client, traffic);
  await client.query('ANALYZE events');
  await checkpoint(servers.postgres);
  await ensureSomeVersion(db);
  const frontierMs = await raiseFrontier(
    db,
    (Math.floor(endMs(traffic) / COHORT_MS) + 1) * COHORT_MS,
  );
  // The ids without a time are looked for once in a database's life: not part of the cost of an event.
  await takeNextBase(db, DEFAULT_DEFINITION, 'untaken');
  const cpuSeconds = await backendCpu(client);
  say('taking bases');
  const bases = await costOf(cpuSeconds, () => takeBases(db, frontierMs));
  say('storing late events');
  await storeLate(client);
  await checkpoint(servers.postgres);
  say('applying late impressions');
  const late = await costOf(cpuSeconds, () => applyAll(db));
  say('recomputing everything');
  const startedMs = performance.now();
  const recomputed = await costOf(cpuSeconds, () => recompute(db));
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    baseEvents: bases.done,
    baseUsPerEvent: bases.microseconds,
    lateImpressions: late.done,
    lateUsPerImpression: late.microseconds,
    recomputeRowsPerSecond: recomputed.done / seconds,
    recomputeUsPerEvent: recomputed.microseconds,
    rollupRows: await countRows(client),
    isExact: recomputed.done === traffic.events && (await differingRows(client)) === 0,
  };
}

/** Reads the CPU clock of the one backend that does the work. */
async function backendCpu(client: Client): Promise<() => number> {
  const { rows } = await client.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()',
    [APPLICATION],
  );
  const pid = rows[0]?.pid ?? 0;
  return () => {
    const seconds = processCpuSeconds(pid);
    if (seconds === null) throw new BenchError('the database must run on this machine');
    return seconds;
  };
}

async function costOf(
  cpuSeconds: () => number,
  work: () => Promise<number>,
): Promise<{ readonly done: number; readonly microseconds: number }> {
  const before = cpuSeconds();
  const done = await work();
  return { done, microseconds: ((cpuSeconds() - before) * 1e6) / Math.max(done, 1) };
}

async function takeBases(db: Database, frontierMs: number): Promise<number> {
  const { version } = DEFAULT_DEFINITION;
  const size = { maxBases: 100, baseRows: BASE_ROWS };
  while ((await claimToFrontier(db, version, frontierMs, size)) === size.maxBases);
  let events = 0;
  for (;;) {
    const base = await takeNextBase(db, DEFAULT_DEFINITION, 'untaken');
    if (base === null) return events;
    events += Number(base.events);
  }
}

async function applyAll(db: Database): Promise<number> {
  let impressions = 0;
  for (;;) {
    const applied = await applyLate(db, { maxImpressions: LATE_BATCH });
    if (applied.notes === 0) return impressions;
    if (applied.spoiled > 0) throw new BenchError('notes came out of order');
    impressions += applied.impressions;
  }
}

async function recompute(db: Database): Promise<number> {
  await registerVersion(db, RECOMPUTED, 'the frontier');
  const plan = await planBackfill(db, RECOMPUTED.version, {
    fromMs: null,
    toMs: null,
    by: 'cohort',
  });
  const act = { actor: 'bench', reason: 'a measurement' };
  const runId = await startBackfill(db, plan, null, act);
  let events = 0;
  await workBackfill(db, runId, {
    parallelism: 1,
    baseRows: BASE_ROWS,
    lagMaxRecords: Number.MAX_SAFE_INTEGER,
    onProgress: (progress) => (events = progress.events),
    signal: new AbortController().signal,
  });
  if (lastCohortBefore(0) >= plan.range.last) throw new BenchError('nothing was recomputed');
  return events;
}

async function countRows(client: Client): Promise<number> {
  const sums = TABLES.map(({ table }) => `(SELECT count(*) FROM ${table} WHERE version = 2)`);
  const { rows } = await client.query<{ n: string }>(`SELECT ${sums.join(' + ')} AS n`);
  return Number(rows[0]?.n);
}

/** Joined by key: millions of rows are compared in seconds. */
async function differingRows(client: Client): Promise<number> {
  let differing = 0;
  for (const { table, dimensions } of TABLES) {
    const keys = ['cohort', 'hour', ...dimensions, 'currency'].join(', ');
    const measures = (side: string) => MEASURES.map((name) => `${side}.${name}`).join(', ');
    const of = (version: number) => `(SELECT * FROM ${table} WHERE version = ${version})`;
    const { rows } = await client.query<{ n: string }>(
      `SELECT count(*) AS n FROM ${of(2)} l FULL JOIN ${of(3)} r USING (${keys})
       WHERE (${measures('l')}) IS DISTINCT FROM (${measures('r')})`,
    );
    differing += Number(rows[0]?.n);
  }
  return differing;
}

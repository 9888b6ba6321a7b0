import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { withFreshDatabase } from '../bench-database.ts';
import { type Build, THIS_BUILD } from '../build/build.ts';
import { consumerEnv, keyPrefixOf } from '../drain/consumer-env.ts';
import { DrainWatch } from '../drain/progress.ts';
import type { Bench } from '../lines/bench.ts';
import type { DeploySize } from '../lines/sizes.ts';
import { endsOf, readAppendTimes } from '../live/append-times.ts';
import { readCommits } from '../live/commits.ts';
import { recount } from '../live/recount.ts';
import { withScratchTopics } from '../scratch-topics.ts';
import { removeKeys } from '../servers.ts';
import { runTask } from '../tasks/run-task.ts';
import { Fleet } from './fleet.ts';
import type { LagMoment } from './lag-picture.ts';
import { type Course, courseOf, lagCurve, longestAbove, type Span } from './pauses.ts';
import { type DeployWay, SEVERAL_INSTANCES } from './ways.ts';

export interface DeployMeasurement {
  readonly rate: number;
  readonly steady: Course;
  /** From the first signal until the lag is as before, as far as events came. */
  readonly deploy: Course;
  /** How long the lag stayed above the steady state's own, beyond the longest pause of a partition. */
  readonly backMs: number;
  readonly curve: readonly LagMoment[];
  /** Records that met a row of their own: counted once, and written twice. */
  readonly duplicates: number;
  /** Events came until the deployment was over: else its figures say too little. */
  readonly isCovered: boolean;
  /** Why what was counted is not exact. */
  readonly problems: readonly string[];
}

const LINGER_MS = 10;
const POLL_MS = 200;
const SECOND_MS = 1_000;

/** One deployment of a build under a steady load whose generator runs on the same machine; audited by recount. */
export async function measureDeploy(
  bench: Bench,
  name: string,
  way: DeployWay,
  size: DeploySize,
  build: Build = THIS_BUILD,
): Promise<DeployMeasurement> {
  const { servers, options } = bench;
  return await withScratchTopics(servers.kafka, async (topics, base, admin) => {
    try {
      const env = consumerEnv(servers, topics, `${base}-deploy`);
      const measure = async (databaseUrl: string): Promise<DeployMeasurement> => {
        const over = new AbortController();
        const database = new Client({ connectionString: databaseUrl });
        database.on('error', () => undefined);
        await database.connect();
        const watch = await DrainWatch.open(databaseUrl);
        const fleet = await Fleet.start({
          build,
          way,
          instances: way.how === 'rolling' || way.how === 'surge' ? SEVERAL_INSTANCES : 1,
          env: { ...env, DATABASE_URL: databaseUrl },
          database,
          signal: options.signal,
        });
        try {
          bench.progress(`deploy ${name}, ${build.label}: starting`);
          await fleet.shared();
          const windowSeconds = way.how === 'kill' ? size.windowSeconds : 0;
          const seconds =
            size.warmUpSeconds + size.steadySeconds + windowSeconds + size.deploySeconds;
          const records = size.rate * seconds;
          const generating = runTask<'generate'>(
            {
              kind: 'generate',
              kafka: servers.kafka,
              topic: topics.events,
              records,
              rate: size.rate,
              seed: options.seed,
              lingerMs: LINGER_MS,
            },
            AbortSignal.any([options.signal, over.signal]),
          );
          // Awaited below; a failure before that must not end the process.
          generating.catch(() => undefined);
          await watch.until(
            ({ committed }) => committed > 0,
            POLL_MS,
            () => options.signal.throwIfAborted(),
          );
          await sleep((size.warmUpSeconds + size.steadySeconds) * SECOND_MS);
          const fromMs = await clockMs(database);
          bench.progress(`deploy ${name}: at ${size.rate}/s`);
          await deploy(fleet, way, windowSeconds);
          const deployedMs = await clockMs(database);
          const generator = await generating;
          await watch.until(
            ({ committed }) => committed >= records,
            POLL_MS,
            () => options.signal.throwIfAborted(),
          );
          await fleet.drainAll();
          const problems = await recount(database, records);
          if (generator.failed > 0) problems.push(`${generator.failed} records were not taken`);
          bench.progress(`deploy ${name}: reading when each record was appended`);
          const ends = await endsOf(admin, topics.events);
          const appended = await readAppendTimes(servers.kafka, topics.events, ends);
          const commits = await readCommits(database);
          const lastMs = Math.max(...appended.map((times) => times.at(-1) ?? 0));
          const lag = lagCurve(appended, commits);
          const before: Span = { fromMs: fromMs - size.steadySeconds * SECOND_MS, toMs: fromMs };
          const after: Span = {
            fromMs,
            toMs: Math.max(lastMs, ...commits.map(({ atMs }) => atMs)),
          };
          const steady = courseOf(appended, commits, lag, before);
          const course = courseOf(appended, commits, lag, after);
          const aboveMs = longestAbove(lag, steady.lagRecords, after);
          return {
            rate: size.rate,
            steady,
            deploy: course,
            backMs: Math.max(0, aboveMs - course.partitionPauseMs),
            curve: lag.map(({ atMs, records: left }) => ({
              seconds: (atMs - fromMs) / SECOND_MS,
              records: left,
            })),
            duplicates: await duplicatesIn(database),
            isCovered: deployedMs < lastMs,
            problems,
          };
        } finally {
          over.abort();
          fleet.killAll();
          await watch.close();
          await database.end();
        }
      };
      return await withFreshDatabase(servers, 'deploy', measure, (url) =>
        build.prepareDatabase(url, env),
      );
    } finally {
      await removeKeys(servers.redis, keyPrefixOf(topics));
    }
  });
}

async function deploy(fleet: Fleet, way: DeployWay, windowSeconds: number): Promise<void> {
  for (const place of fleet.places) {
    if (way.how === 'surge') await fleet.relieve(place);
    else {
      if (way.how === 'kill') {
        fleet.kill(place);
        await sleep(windowSeconds * SECOND_MS);
      } else await fleet.drain(place);
      await fleet.start(place);
    }
    await fleet.shared();
  }
}

/** By the database's clock, which stands in the ledger too. */
async function clockMs(database: Client): Promise<number> {
  const { rows } = await database.query<{ at: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS at',
  );
  return rows[0]?.at ?? Number.NaN;
}

async function duplicatesIn(database: Client): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    'SELECT coalesce(sum(duplicate), 0)::float8 AS n FROM ledger',
  );
  return rows[0]?.n ?? Number.NaN;
}

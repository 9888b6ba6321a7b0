import { join } from 'node:path';
import { localFolder } from '@adtally/local-stack';
import { AppProcess } from '../app-process.ts';
import { withFreshDatabase } from '../bench-database.ts';
import { type Build, THIS_BUILD } from '../build/build.ts';
import { BenchError } from '../errors.ts';
import type { Load } from '../preload/loads-file.ts';
import { topicsOf } from '../preload/preload.ts';
import { cpuPerEvent, type CpuPerEvent, readCpu } from '../proc/cpu-meter.ts';
import { peakRssBytes } from '../proc/process-cpu.ts';
import { readCounters } from '../proc/server-counters.ts';
import { removeKeys, type Servers } from '../servers.ts';
import { type BatchStats, batchStats } from './batch-stats.ts';
import { findProblems } from './check-exact.ts';
import { consumerEnv, keyPrefixOf } from './consumer-env.ts';
import { type DrainState, DrainWatch } from './progress.ts';

export interface DrainOptions {
  /** Whose consumer; of this build where absent. */
  readonly build?: Build;
  /** Processes of it; the clock starts when each has claimed a partition. */
  readonly processes?: number;
  /** Variables beyond the caller's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** What the consumer is told of the database's address; itself where absent. */
  readonly addressOf?: (databaseUrl: string) => string;
  /** Work on the drained database, before it is audited. */
  readonly afterwards?: (env: NodeJS.ProcessEnv & { DATABASE_URL: string }) => Promise<void>;
  /** Flags for the consumer's Node, e.g. to profile it. */
  readonly nodeOptions?: readonly string[];
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** One drain of the whole topic, measured. */
export interface DrainMeasurement {
  /** Records committed while the clock ran: all of them, where there is one process. */
  readonly events: number;
  /** From the first claim of a partition to the last commit, both by the database's clock. */
  readonly seconds: number;
  readonly cpuUsPerEvent: CpuPerEvent;
  readonly walBytesPerEvent: number;
  /** Growth of Redis's memory. */
  readonly redisBytesPerEvent: number;
  /** Commands Redis was given by everybody. */
  readonly redisCommands: number;
  /** Of all processes together. */
  readonly peakRssBytes: number;
  readonly batch: BatchStats;
  /** Why the drain is not exact; empty where it is. */
  readonly problems: readonly string[];
  /** The clocked window on the monotonic clock, in microseconds: to cut a profile. */
  readonly window: { readonly fromUs: number; readonly toUs: number };
}

const CLAIM_POLL_MS = 10;
const COMMIT_POLL_MS = 100;

/** Drains the topic into a fresh database through the real service, with its own settings. */
export async function measureDrain(
  servers: Servers,
  load: Load,
  options: DrainOptions,
): Promise<DrainMeasurement> {
  const build = options.build ?? THIS_BUILD;
  const topics = topicsOf(load.topic);
  const group = `${load.topic}-drain-${process.pid}`;
  const base = { ...consumerEnv(servers, topics, group), ...options.env };
  // Marks of an earlier drain would make every event look like a duplicate.
  await removeKeys(servers.redis, keyPrefixOf(topics));
  try {
    return await withFreshDatabase(
      servers,
      'drain',
      async (databaseUrl) => {
        const address = options.addressOf?.(databaseUrl) ?? databaseUrl;
        const consumers = await start(build, { ...base, DATABASE_URL: address }, options);
        try {
          const measured = await observe(servers, load, databaseUrl, consumers, options);
          await Promise.all(consumers.map(async (consumer) => await consumer.stop()));
          await options.afterwards?.({ ...base, DATABASE_URL: databaseUrl });
          options.onProgress('drain: comparing with what the simulator sent');
          return { ...measured, problems: await findProblems(build, databaseUrl, load.truth) };
        } finally {
          for (const consumer of consumers) consumer.kill();
        }
      },
      (databaseUrl) => build.prepareDatabase(databaseUrl, base),
    );
  } finally {
    await removeKeys(servers.redis, keyPrefixOf(topics));
  }
}

async function start(
  build: Build,
  env: NodeJS.ProcessEnv,
  options: DrainOptions,
): Promise<AppProcess[]> {
  const processes = Array.from({ length: options.processes ?? 1 }, async (_, n) => {
    const log = join(localFolder, 'logs', `bench-consumer${n === 0 ? '' : `-${n + 1}`}.log`);
    return await AppProcess.start(build, 'ingest-consumer', env, log, options.nodeOptions);
  });
  return await Promise.all(processes);
}

async function observe(
  servers: Servers,
  load: Load,
  databaseUrl: string,
  consumers: readonly AppProcess[],
  options: DrainOptions,
): Promise<Omit<DrainMeasurement, 'problems'>> {
  const watch = await DrainWatch.open(databaseUrl);
  const cpu = () => readCpu(servers.pids, ...consumers.map(({ pid }) => pid));
  try {
    const check = ({ committed }: DrainState): void => {
      options.signal.throwIfAborted();
      for (const consumer of consumers) consumer.checkAlive();
      options.onProgress(`drain: ${committed} of ${load.events} records`);
    };
    const begun = await watch.until(
      ({ owners }) => owners >= consumers.length,
      CLAIM_POLL_MS,
      check,
    );
    const cpuBefore = cpu();
    const fromUs = monotonicUs();
    const before = await readCounters(servers);
    await watch.until(({ committed }) => committed >= load.events, COMMIT_POLL_MS, check);
    const cpuAfter = cpu();
    const toUs = monotonicUs();
    const after = await readCounters(servers);
    const startedAt = consumers.length === 1 ? begun.firstClaim : begun.at;
    const events = load.events - (consumers.length === 1 ? 0 : begun.committed);
    const metrics = await Promise.all(consumers.map(async (consumer) => await consumer.metrics()));
    return {
      events,
      seconds: (await watch.lastCommit()) - (startedAt ?? Number.NaN),
      cpuUsPerEvent: cpuPerEvent(cpuBefore, cpuAfter, events),
      walBytesPerEvent: Number(after.walBytes - before.walBytes) / events,
      redisBytesPerEvent: (after.redisBytes - before.redisBytes) / events,
      redisCommands: after.redisCommands - before.redisCommands,
      peakRssBytes: consumers.reduce((sum, { pid }) => sum + rssOf(pid), 0),
      batch: batchStats(metrics.join('\n')),
      window: { fromUs, toUs },
    };
  } finally {
    await watch.close();
  }
}

function rssOf(pid: number): number {
  const bytes = peakRssBytes(pid);
  if (bytes === null) throw new BenchError('this machine has no /proc to read memory and CPU from');
  return bytes;
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

import { removeKeys, type Servers, walPosition } from '../servers.ts';
import { withFreshDatabase } from '../bench-database.ts';
import { AppProcess } from '../app-process.ts';
import { BenchError } from '../errors.ts';
import type { Load } from '../preload/loads-file.ts';
import { topicsOf } from '../preload/preload.ts';
import { cpuPerEvent, type CpuPerEvent, readCpu } from '../proc/cpu-meter.ts';
import { peakRssBytes } from '../proc/process-cpu.ts';
import { type BatchStats, batchStats } from './batch-stats.ts';
import { findProblems } from './check-exact.ts';
import { DrainWatch } from './progress.ts';

export interface DrainOptions {
  readonly logFile: string;
  /** Flags for the consumer's Node, e.g. to profile it. */
  readonly nodeOptions: readonly string[];
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** One drain of the whole topic, measured. */
export interface DrainMeasurement {
  /** From the first claim of a partition to the last commit, both by the database's clock. */
  readonly seconds: number;
  readonly cpuUsPerEvent: CpuPerEvent;
  readonly walBytesPerEvent: number;
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
  const keyPrefix = `adtally:${topicsOf(load.topic).events}:`;
  // Marks of an earlier drain would make every event look like a duplicate.
  await removeKeys(servers.redis, keyPrefix);
  try {
    return await withFreshDatabase(servers, 'drain', async (databaseUrl) => {
      const consumer = new AppProcess(
        'ingest-consumer',
        consumerEnv(servers, load, databaseUrl),
        options.logFile,
        options.nodeOptions,
      );
      try {
        const measured = await observe(servers, load, databaseUrl, consumer, options);
        await consumer.stop();
        options.onProgress('drain: comparing with what the simulator sent');
        return { ...measured, problems: await findProblems(databaseUrl, load.truth) };
      } finally {
        consumer.kill();
      }
    });
  } finally {
    await removeKeys(servers.redis, keyPrefix);
  }
}

async function observe(
  servers: Servers,
  load: Load,
  databaseUrl: string,
  consumer: AppProcess,
  options: DrainOptions,
): Promise<Omit<DrainMeasurement, 'problems'>> {
  const watch = await DrainWatch.open(databaseUrl);
  try {
    const check = ({ committed }: { committed: number }): void => {
      options.signal.throwIfAborted();
      consumer.checkAlive();
      options.onProgress(`drain: ${committed} of ${load.events} records`);
    };
    const claimed = await watch.until(
      ({ firstClaim }) => firstClaim !== null,
      CLAIM_POLL_MS,
      check,
    );
    const cpuBefore = readCpu(servers.pids, consumer.pid);
    const fromUs = monotonicUs();
    const walBefore = await walPosition(servers.postgres);
    await watch.until(({ committed }) => committed >= load.events, COMMIT_POLL_MS, check);
    const cpuAfter = readCpu(servers.pids, consumer.pid);
    const toUs = monotonicUs();
    const walAfter = await walPosition(servers.postgres);
    const rss = peakRssBytes(consumer.pid);
    if (rss === null) throw new BenchError('this machine has no /proc to read memory and CPU from');
    return {
      seconds: (await watch.lastCommit()) - (claimed.firstClaim ?? Number.NaN),
      cpuUsPerEvent: cpuPerEvent(cpuBefore, cpuAfter, load.events),
      walBytesPerEvent: Number(walAfter - walBefore) / load.events,
      peakRssBytes: rss,
      batch: batchStats(await consumer.metrics()),
      window: { fromUs, toUs },
    };
  } finally {
    await watch.close();
  }
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** What the caller set for the service (BATCH_*, KAFKA_*, ...) stays; all else are its defaults. */
function consumerEnv(servers: Servers, load: Load, databaseUrl: string): NodeJS.ProcessEnv {
  const topics = topicsOf(load.topic);
  return {
    ...process.env,
    KAFKA_BROKERS: servers.addresses.kafkaBrokers,
    DATABASE_URL: databaseUrl,
    REDIS_URL: servers.addresses.redisUrl,
    EVENTS_TOPIC: topics.events,
    DLQ_TOPIC: topics.dlq,
    DEAD_TOPIC: topics.dead,
    CONSUMER_GROUP: `${load.topic}-drain-${process.pid}`,
    START_AT: 'earliest',
    ADMIN_HOST: '127.0.0.1',
    ADMIN_PORT: '0',
    ADMIN_TOKEN: '',
    // Neither of these beside the variable itself.
    DATABASE_URL_FILE: '',
    REDIS_URL_FILE: '',
  };
}

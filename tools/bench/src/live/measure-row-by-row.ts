import { withFreshDatabase } from '../bench-database.ts';
import type { Bench } from '../lines/bench.ts';
import { PARTITIONS } from '../preload/preload.ts';
import { withScratchTopics } from '../scratch-topics.ts';
import { removeKeys } from '../servers.ts';
import { runTask } from '../tasks/run-task.ts';
import { percentile } from './latencies.ts';

const LINGER_MS = 10;
const WARM_UP_SHARE = 0.25;

/** What one row at a time does: how fast it drains a filled topic. */
export async function rowByRowRate(bench: Bench, seconds: number): Promise<number> {
  const load = await bench.topic('clean');
  bench.progress(`row by row: ${seconds} s of a filled topic`);
  return await withRowDatabase(bench, load.topic, async (target) => {
    const { records, seconds: spent } = await runTask<'row-by-row'>(
      {
        kind: 'row-by-row',
        kafka: bench.servers.kafka,
        topic: `${load.topic}.events`,
        ends: load.ends,
        chosenFile: '',
        seconds,
        ...target,
      },
      bench.options.signal,
    );
    return records / spent;
  });
}

/** The 99th percentile of append to committed of one row at a time under a steady rate, milliseconds. */
export async function rowByRowP99(bench: Bench, rate: number, seconds: number): Promise<number> {
  const { kafka } = bench.servers;
  const { seed, signal } = bench.options;
  bench.progress(`row by row: ${rate}/s for ${seconds} s`);
  return await withScratchTopics(kafka, async ({ events: topic }, base) =>
    withRowDatabase(bench, base, async (target) => {
      const records = rate * seconds;
      const { promise: ready, resolve } = Promise.withResolvers<void>();
      const writing = runTask<'row-by-row-live'>(
        { kind: 'row-by-row-live', kafka, topic, partitions: PARTITIONS, records, ...target },
        signal,
        resolve,
      );
      // Of a task that fails before it is ready the end is waited for instead.
      await Promise.race([ready, writing]);
      await runTask<'generate'>(
        { kind: 'generate', kafka, topic, records, rate, seed, lingerMs: LINGER_MS },
        signal,
      );
      const { waitsMs } = await writing;
      const counted = waitsMs.slice(Math.floor(waitsMs.length * WARM_UP_SHARE));
      return percentile(Float64Array.from(counted).toSorted(), 0.99);
    }),
  );
}

async function withRowDatabase<T>(
  bench: Bench,
  base: string,
  work: (target: { databaseUrl: string; redisUrl: string; keyPrefix: string }) => Promise<T>,
): Promise<T> {
  const { servers } = bench;
  const { redisUrl } = servers.addresses;
  const keyPrefix = `${base}:row:${process.pid}:`;
  try {
    return await withFreshDatabase(
      servers,
      'rows',
      async (databaseUrl) => await work({ databaseUrl, redisUrl, keyPrefix }),
    );
  } finally {
    await removeKeys(servers.redis, keyPrefix);
  }
}

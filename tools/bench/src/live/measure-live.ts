import type { Bench } from '../lines/bench.ts';
import { cpuPerEvent, type CpuPerEvent, readCpu } from '../proc/cpu-meter.ts';
import { peakRssBytes } from '../proc/process-cpu.ts';
import { runTask } from '../tasks/run-task.ts';
import { endsOf, readAppendTimes } from './append-times.ts';
import { readCommits } from './commits.ts';
import { type Latencies, latenciesOf } from './latencies.ts';
import { recount } from './recount.ts';
import { withLiveService } from './run-live.ts';

export interface LiveMeasurement extends Latencies {
  readonly cpuUsPerEvent: CpuPerEvent;
  readonly generatorCpuUsPerEvent: number;
  readonly peakRssBytes: number | null;
  readonly problems: readonly string[];
}

const LINGER_MS = 10;
/** Not measured: the consumer's code is compiled, and caches fill. */
const WARM_UP_SECONDS = 10;
const WARM_UP_SHARE = 0.25;

/** A service with its defaults under a steady rate of events of now, generator on the same machine. */
export async function measureLive(
  bench: Bench,
  rate: number,
  seconds: number,
): Promise<LiveMeasurement> {
  const { kafka, pids } = bench.servers;
  return await withLiveService(bench, async (service) => {
    const { topics, consumer, database, admin, settled } = service;
    const records = rate * seconds;
    bench.progress(`live: ${rate}/s for ${seconds} s`);
    const before = readCpu(pids, consumer.pid);
    const generator = await runTask<'generate'>(
      {
        kind: 'generate',
        kafka,
        topic: topics.events,
        records,
        rate,
        seed: bench.options.seed,
        lingerMs: LINGER_MS,
      },
      bench.options.signal,
    );
    await settled(records, 'live');
    const cpu = cpuPerEvent(before, readCpu(pids, consumer.pid), records);
    const ends = await endsOf(admin, topics.events);
    const problems = await recount(database, records);
    if (generator.failed > 0) problems.push(`${generator.failed} records were not taken`);
    bench.progress('live: reading when each record was appended');
    const appended = await readAppendTimes(kafka, topics.events, ends);
    const firstMs = Math.min(...appended.map((times) => times[0] ?? Infinity));
    const lastMs = Math.max(...appended.map((times) => times.at(-1) ?? 0));
    const warmUpMs = Math.min(WARM_UP_SECONDS * 1000, (lastMs - firstMs) * WARM_UP_SHARE);
    const commits = await readCommits(database);
    return {
      ...latenciesOf(appended, commits, firstMs + warmUpMs, lastMs),
      cpuUsPerEvent: cpu,
      generatorCpuUsPerEvent: (generator.cpuSeconds * 1e6) / generator.sent,
      peakRssBytes: peakRssBytes(consumer.pid),
      problems,
    };
  });
}

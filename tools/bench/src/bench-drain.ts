import { mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { KafkaSettings } from '@adtally/kafka';
import type { StackAddresses } from '@adtally/local-stack';
import { chooseFor, type FloorContext, measureFloor, readingOf } from './baseline/measure-floor.ts';
import { runTask } from './tasks/run-task.ts';
import type { ChooseResult, FloorResult, RowByRowResult } from './tasks/tasks.ts';
import { withFreshDatabase } from './bench-database.ts';
import { DEFAULT_LOADS_FILE } from './lines/bench.ts';
import { type CpuProfile, type FunctionCost, selfTimes } from './cpu-profile.ts';
import { type DrainMeasurement, measureDrain } from './drain/measure-drain.ts';
import type { Load } from './preload/loads-file.ts';
import { preload } from './preload/preload.ts';
import { drainReport, type DrainReport, type Pair } from './report.ts';
import { removeKeys, type Servers, withServers } from './servers.ts';

export interface BenchDrainOptions {
  readonly events: number;
  readonly seed: number;
  /** Pairs of drain and floor. */
  readonly repeat: number;
  /** How long the row by row phase runs; 0 leaves it out. */
  readonly rowByRowSeconds: number;
  readonly reload: boolean;
  /** Writes a CPU profile of the consumer; the figures then include the profiler's own cost. */
  readonly cpuProfile: boolean;
  /** Where filled topics are remembered. */
  readonly loadsFile?: string;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface BenchDrainResult {
  readonly report: DrainReport;
  /** Of the last drain; null unless asked for. */
  readonly profile: { readonly file: string; readonly functions: readonly FunctionCost[] } | null;
}

/**
 * Drains a filled topic through the real service and, in the same run on the same machine, measures the
 * floor and the row-by-row way it is compared with. Databases and keys are removed afterwards; the topic
 * stays for the next run.
 *
 * @throws BenchError where a phase cannot be measured; the signal's reason when it is aborted
 */
export async function benchDrain(
  addresses: StackAddresses,
  kafka: KafkaSettings,
  options: BenchDrainOptions,
): Promise<BenchDrainResult> {
  const { events, seed, repeat, onProgress, signal } = options;
  const loadsFile = options.loadsFile ?? DEFAULT_LOADS_FILE;
  return await withServers(addresses, kafka, async (servers) => {
    const load = await preload(kafka, { ...options, profile: 'mix', loadsFile });
    const run = new DrainRun(servers, load, loadsFile, options);
    const choice = await run.choose();
    const pairs: Pair[] = [];
    for (let round = 1; round <= repeat; round += 1) {
      signal.throwIfAborted();
      onProgress(`round ${round} of ${repeat}`);
      // One after the other in each round, so that a drift of the machine meets both.
      pairs.push({ drain: await run.drain(), floor: await run.floor() });
    }
    const rowByRow = options.rowByRowSeconds === 0 ? null : await run.rowByRow();
    const report = drainReport({ events, seed, pairs, rowByRow, choice });
    const last = pairs.at(-1)?.drain;
    return {
      report,
      profile: last === undefined || !options.cpuProfile ? null : run.readProfile(last),
    };
  });
}

/** The phases of one run. */
class DrainRun {
  readonly #servers: Servers;
  readonly #load: Load;
  readonly #context: FloorContext;
  readonly #options: BenchDrainOptions;
  readonly #profileFile: string;

  constructor(servers: Servers, load: Load, loadsFile: string, options: BenchDrainOptions) {
    this.#servers = servers;
    this.#load = load;
    this.#context = { ...options, servers, load, loadsFile };
    this.#options = options;
    this.#profileFile = join(dirname(loadsFile), `drain-${Date.now()}.cpuprofile`);
  }

  async choose(): Promise<ChooseResult> {
    return await chooseFor(this.#context);
  }

  async drain(): Promise<DrainMeasurement> {
    this.#options.onProgress('drain: starting the consumer');
    const file = this.#profileFile;
    if (this.#options.cpuProfile) mkdirSync(dirname(file), { recursive: true });
    const nodeOptions = this.#options.cpuProfile
      ? ['--cpu-prof', `--cpu-prof-dir=${dirname(file)}`, `--cpu-prof-name=${basename(file)}`]
      : [];
    return await measureDrain(this.#servers, this.#load, {
      nodeOptions,
      onProgress: this.#options.onProgress,
      signal: this.#options.signal,
    });
  }

  async floor(): Promise<FloorResult> {
    return await measureFloor(this.#context);
  }

  async rowByRow(): Promise<RowByRowResult> {
    const seconds = this.#options.rowByRowSeconds;
    this.#options.onProgress(`row by row: ${seconds} s`);
    const keyPrefix = `${this.#load.topic}:row:${process.pid}:`;
    try {
      return await withFreshDatabase(this.#servers, 'rows', async (databaseUrl) => {
        const { redisUrl } = this.#servers.addresses;
        return await runTask<'row-by-row'>(
          {
            kind: 'row-by-row',
            ...readingOf(this.#context),
            databaseUrl,
            redisUrl,
            keyPrefix,
            seconds,
          },
          this.#options.signal,
        );
      });
    } finally {
      await removeKeys(this.#servers.redis, keyPrefix);
    }
  }

  readProfile({ window }: DrainMeasurement): NonNullable<BenchDrainResult['profile']> {
    const profile = JSON.parse(readFileSync(this.#profileFile, 'utf8')) as CpuProfile;
    return {
      file: this.#profileFile,
      functions: selfTimes(profile, window.fromUs, window.toUs),
    };
  }
}

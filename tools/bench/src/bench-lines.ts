import type { KafkaSettings } from '@adtally/kafka';
import { StackError, type StackAddresses } from '@adtally/local-stack';
import type { Build } from './build/build.ts';
import { cloneBuild } from './build/clone-build.ts';
import type { DeployName } from './deploy/ways.ts';
import { Bench, DEFAULT_LOADS_FILE } from './lines/bench.ts';
import { type LineResult, runLine } from './lines/line.ts';
import { LINES } from './lines/lines.ts';
import { hasMultiples, type LineName } from './lines/names.ts';
import type { Sizes } from './lines/sizes.ts';
import { withServers } from './servers.ts';
import { type Environment, environmentOf } from './table/environment.ts';

export interface BenchLinesOptions {
  readonly lines: readonly LineName[];
  readonly sizes: Sizes;
  readonly seed: number;
  /** A revision this build is compared with, or a build that is there; null for none. `start` and `deploy` are compared where they are alone. */
  readonly against: string | Build | null;
  /** Of `deploy`, these only. */
  readonly ways?: readonly DeployName[];
  readonly loadsFile?: string;
  readonly picture?: string;
  readonly onProgress: (text: string) => void;
  /** Told of each line when it is measured. */
  readonly onLine?: (result: LineResult) => void;
  readonly signal: AbortSignal;
}

export interface BenchReport {
  readonly environment: Environment;
  /** The build the ratios are against; null where there was none. */
  readonly against: string | null;
  readonly sizes: Sizes;
  readonly lines: readonly LineResult[];
  /** Every line was measured and exact. Says nothing of goals. */
  readonly exact: boolean;
}

/**
 * Measures lines, one after the other. A line that cannot be measured is a problem of its own and leaves the
 * others alone.
 *
 * @throws StackError where servers do not answer or the other build cannot be made; the signal's reason when aborted
 */
export async function benchLines(
  addresses: StackAddresses,
  kafka: KafkaSettings,
  options: BenchLinesOptions,
): Promise<BenchReport> {
  return await withServers(addresses, kafka, async (servers) => {
    const environment = await environmentOf(servers);
    const against = await buildOf(options);
    const { sizes, seed, onProgress, signal } = options;
    const loadsFile = options.loadsFile ?? DEFAULT_LOADS_FILE;
    const { picture = null, ways = null } = options;
    const measureWith = { sizes, seed, ways, loadsFile, picture, onProgress, signal };
    const lines: LineResult[] = [];
    for (const name of options.lines) {
      const isCompared = hasMultiples(name) || options.lines.length === 1;
      const bench = new Bench(servers, { ...measureWith, against: isCompared ? against : null });
      const result = await attempt(name, bench);
      lines.push(result);
      options.onLine?.(result);
    }
    const exact = lines.every(({ problems }) => problems.length === 0);
    return { environment, against: against?.label ?? null, sizes, lines, exact };
  });
}

async function buildOf({ against, onProgress }: BenchLinesOptions): Promise<Build | null> {
  return typeof against === 'string' ? await cloneBuild(against, onProgress) : against;
}

async function attempt(name: LineName, bench: Bench): Promise<LineResult> {
  try {
    return await runLine(name, LINES[name], bench);
  } catch (error) {
    bench.options.signal.throwIfAborted();
    // Whatever it is: hours of other lines are not thrown away for it.
    const { message, stack } = error as Error;
    const problem = error instanceof StackError ? message : (stack ?? message);
    return { line: name, seconds: 0, figures: [], problems: [problem] };
  }
}

import { killChain, stopChain, type CrashResult, type Target } from './chain.ts';
import { REPOSITORY, type App, type CrashBuild } from './crash-build.ts';
import { recordPassage, type Passage } from './passage.ts';
import { PROTOCOL_FILES, protocolPlaces, type Protocol } from './protocol.ts';
import { UNREACHED } from './unreached.ts';
import type { Stage } from './world.ts';

export type Signal = 'SIGKILL' | 'SIGSTOP';

export interface SeriesResult extends CrashResult {
  readonly protocol: Protocol;
  readonly signal: Signal;
}

export interface SeriesOptions {
  readonly signal: Signal;
  /** Chosen targets of those that can be reached; all where undefined. */
  readonly choose?: (reachable: readonly Target[]) => readonly Target[];
  /** Worlds at a time. */
  readonly jobs: number;
  readonly say: (line: string) => void;
  readonly onResult: (result: SeriesResult) => void;
}

/** Processes that share a world: more would save little and make a failure harder to read. */
const CHAIN_MAX = 12;

export function appsOf(stages: readonly Stage[]): App[] {
  return [...new Set(stages.map(({ app }) => app))];
}

/** Which places are passed by which stage, found out by letting each run undisturbed. */
export async function recordPassages(
  build: CrashBuild,
  stages: readonly Stage[],
  jobs: number,
): Promise<Passage[]> {
  const passages: Passage[] = [];
  await atOnce(stages, jobs, async (stage) => {
    passages.push(await recordPassage(stage, build));
  });
  // In the order of the stages: a place is the first one's that passes it.
  return passages.toSorted((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage));
}

/** Places that nothing passes and nobody excused, and excuses of places that are passed or do not exist. */
export function wronglyNamed(passages: readonly Passage[]): string[] {
  const passed = new Set(
    passages.flatMap(({ onlyFirst, always }) => [...onlyFirst, ...always]).map(({ name }) => name),
  );
  const places = new Set(
    (Object.keys(PROTOCOL_FILES) as Protocol[])
      .flatMap((protocol) => protocolPlaces(REPOSITORY, protocol))
      .map(({ name }) => name),
  );
  const excused = new Set(UNREACHED.flatMap((group) => group.places));
  const surely = UNREACHED.filter(({ sometimes }) => sometimes !== true).flatMap(
    (group) => group.places,
  );
  return [
    ...[...places.difference(passed).difference(excused)].map((name) => `not reached: ${name}`),
    ...surely.filter((name) => passed.has(name)).map((name) => `excused, and reached: ${name}`),
    ...[...excused.difference(places)].map((name) => `excused, and no place: ${name}`),
  ];
}

/** Ends or stops a process at every chosen place, in chains that run side by side. */
export async function crashSeries(
  build: CrashBuild,
  passages: readonly Passage[],
  options: SeriesOptions,
): Promise<SeriesResult[]> {
  const { signal, jobs, say } = options;
  const results: SeriesResult[] = [];
  const chains = chainsOf(passages, options.choose ?? ((all) => all));
  const total = chains.reduce((sum, { targets }) => sum + targets.length, 0);
  await atOnce(chains, jobs, async ({ stage, targets }) => {
    const run = signal === 'SIGKILL' ? killChain : stopChain;
    const note = (result: CrashResult) => {
      const told = { ...result, protocol: stage.protocol, signal };
      results.push(told);
      options.onResult(told);
      const verdict =
        result.problems.length === 0 ? 'exact' : `WRONG: ${result.problems.join('; ')}`;
      say(`${results.length} of ${total}: ${signal} ${result.side} ${result.name}: ${verdict}`);
    };
    const world = await stage.open(build);
    try {
      await run(world, targets, note);
    } finally {
      await world.close();
    }
  });
  return results;
}

interface Chain {
  readonly stage: Stage;
  readonly targets: readonly Target[];
}

/** Each target once, by the first stage that passes it; what only a first process passes in a world of its own. */
function chainsOf(
  passages: readonly Passage[],
  choose: (reachable: readonly Target[]) => readonly Target[],
): Chain[] {
  const keyOf = ({ name, side }: Target) => `${side} ${name}`;
  const assigned = new Map<string, { target: Target; stage: Stage; isFresh: boolean }>();
  for (const isFresh of [false, true]) {
    for (const { stage, onlyFirst, always } of passages) {
      for (const target of isFresh ? onlyFirst : always) {
        if (!assigned.has(keyOf(target))) assigned.set(keyOf(target), { target, stage, isFresh });
      }
    }
  }
  const chosen = choose([...assigned.values()].map(({ target }) => target)).map(
    (target) => assigned.get(keyOf(target)) as { target: Target; stage: Stage; isFresh: boolean },
  );
  const chains: Chain[] = [];
  const shared = Map.groupBy(
    chosen.filter(({ isFresh }) => !isFresh),
    ({ stage }) => stage,
  );
  for (const [stage, entries] of shared) {
    const count = Math.ceil(entries.length / CHAIN_MAX);
    // Round about, so that each chain dies all over the protocol.
    for (let chain = 0; chain < count; chain += 1) {
      const targets = entries.filter((_, index) => index % count === chain);
      chains.push({ stage, targets: targets.map(({ target }) => target) });
    }
  }
  // The long ones first: the short ones fill what is left of the time.
  for (const { target, stage, isFresh } of chosen)
    if (isFresh) chains.push({ stage, targets: [target] });
  return chains;
}

/** A world that is one chain's must not end the others: what failed is thrown once all are over. */
async function atOnce<T>(
  items: readonly T[],
  jobs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await work(next).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  if (failures.length > 0)
    throw new AggregateError(failures, failures.map((one) => (one as Error).message).join('\n'));
}

import type { CrashResult, Outcome } from './chain.ts';
import { REPOSITORY, type App, type CrashBuild } from './crash-build.ts';
import { killChain } from './kill-chain.ts';
import { recordPassage, type Passage, type Passed } from './passage.ts';
import { PROTOCOL_FILES, protocolPlaces, type Protocol } from './protocol.ts';
import { stopChain } from './stop-chain.ts';
import { keyOf, type Target } from './target.ts';
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
  readonly choose?: (reachable: readonly Passed[]) => readonly Target[];
  /** Worlds at a time. */
  readonly jobs: number;
  readonly say: (line: string) => void;
  readonly onResult: (result: SeriesResult) => void;
}

/** Processes that share a world: more would save little and make a failure harder to read. */
const CHAIN_MAX = 24;

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

/**
 * Ends or stops a process at every chosen place, in chains that run side by side. A process goes for all places of its
 * moment: first those are aimed at that end one, then each that nobody went for.
 */
export async function crashSeries(
  build: CrashBuild,
  passages: readonly Passage[],
  options: SeriesOptions,
): Promise<SeriesResult[]> {
  const { signal, jobs, say } = options;
  const assigned = assign(passages);
  const choose = options.choose ?? ((all) => all);
  const wanted = new Set(choose([...assigned.values()].map(({ target }) => target)).map(keyOf));
  const chosen = new Map([...assigned].filter(([key]) => wanted.has(key)));
  const left = new Set(chosen.keys());
  const results: SeriesResult[] = [];
  let processes = 0;
  const note = (stage: Stage, result: CrashResult) => {
    const told = { ...result, protocol: stage.protocol, signal };
    results.push(told);
    options.onResult(told);
  };
  const work = async (chain: Chain, isLast: boolean) => {
    const { stage, targets } = chain;
    const own = new Map<string, readonly string[]>();
    const told = new Set<string>();
    const onOutcome = ({ target, moment, evidence, problems }: Outcome) => {
      const aim = keyOf(target);
      if (moment === null && problems.length === 0 && !isLast) return;
      told.add(aim);
      const went = moment === null ? [aim] : (own.get(aim) ?? []);
      processes += 1;
      const verdict =
        moment === null ? evidence : problems.length === 0 ? 'exact' : problems.join('; ');
      say(`${results.length + went.length} of ${chosen.size}: ${signal} ${aim}: ${verdict}`);
      for (const key of went) {
        const why = key === aim ? evidence : `in one moment with ${aim}`;
        const wrong = moment === null && problems.length === 0 ? [evidence] : problems;
        const { name, side } = (chosen.get(key) as Assigned).target;
        note(stage, { name, side, evidence: why, problems: wrong });
        left.delete(key);
      }
    };
    const world = await stage.open(build);
    try {
      await (signal === 'SIGKILL' ? killChain : stopChain)(world, targets, {
        isDone: (target) => !left.has(keyOf(target)),
        onMoment: (target, moment) => {
          const went = moment.map(keyOf).filter((key) => left.delete(key));
          own.set(keyOf(target), went);
        },
        onOutcome,
      });
    } catch (error) {
      // A world that broke says nothing of its processes: they are aimed at once more, in another one.
      for (const [aim, went] of own) for (const key of went) if (!told.has(aim)) left.add(key);
      if (isLast) throw error;
      say(`${stage.name}, a world given up: ${(error as Error).message}`);
    } finally {
      await world.close();
    }
  };
  for (const isLast of [false, true]) {
    const aims = [...chosen].filter(
      ([key, { target }]) => left.has(key) && (isLast || target.endsMoment),
    );
    const chains = chainsOf(
      aims.map(([, one]) => one),
      isLast || signal === 'SIGSTOP',
    );
    say(`${aims.length} processes in ${chains.length} worlds for ${left.size} places and sides`);
    await atOnce(chains, jobs, (chain) => work(chain, isLast));
  }
  say(`${processes} processes went for ${results.length} places and sides`);
  return results;
}

interface Assigned {
  readonly target: Passed;
  readonly stage: Stage;
  readonly isFresh: boolean;
}

interface Chain {
  readonly stage: Stage;
  readonly targets: readonly Passed[];
}

/** Each target once, by the first stage that passes it, with any process where that is so of one. */
function assign(passages: readonly Passage[]): Map<string, Assigned> {
  const assigned = new Map<string, Assigned>();
  for (const isFresh of [false, true]) {
    for (const { stage, onlyFirst, always } of passages) {
      for (const target of isFresh ? onlyFirst : always) {
        if (!assigned.has(keyOf(target))) assigned.set(keyOf(target), { target, stage, isFresh });
      }
    }
  }
  return assigned;
}

/**
 * What only a first process passes is passed by its heirs, too, as long as each dies before it has done it: in the order
 * in which it is passed. Where each is left to finish, or one was missed so, it has a world of its own.
 */
function chainsOf(aims: readonly Assigned[], isFirstAlone: boolean): Chain[] {
  const chains: Chain[] = [];
  const kinds = Map.groupBy(aims, ({ stage, isFresh }) => `${stage.name} ${isFresh}`);
  for (const [{ stage, isFresh }, entries] of kindsOf(kinds)) {
    const targets = entries.map(({ target }) => target);
    const count = Math.ceil(targets.length / (isFresh && isFirstAlone ? 1 : CHAIN_MAX));
    for (let chain = 0; chain < count; chain += 1) {
      // Round about, so that each chain dies all over the protocol.
      chains.push({ stage, targets: targets.filter((_, index) => index % count === chain) });
    }
  }
  // The long ones first: the short ones fill what is left of the time.
  return chains.toSorted((a, b) => b.targets.length - a.targets.length);
}

function kindsOf(kinds: ReadonlyMap<string, Assigned[]>): [Assigned, Assigned[]][] {
  return [...kinds.values()].map((entries) => [entries[0] as Assigned, entries]);
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

import { join } from 'node:path';
import { keepInCorpus, materialOf, saveInput } from './corpus.ts';
import { inputAt } from './mutate.ts';
import { runTarget, type TargetRun } from './run-target.ts';
import type { FuzzTarget } from './target.ts';

const TARGET_NAMES = [
  'decoder',
  'record-batches',
  'letter-headers',
  'configuration',
  'admin-http',
] as const;
export type TargetName = (typeof TARGET_NAMES)[number];
export { TARGET_NAMES };

export interface FuzzOptions {
  /** Of all targets together, by their shares. */
  readonly inputs: number;
  readonly seed: number;
  /** All unless given. */
  readonly targets?: readonly TargetName[];
  readonly timeMs?: number;
  /** Where inputs that broke something are written. */
  readonly folder: string;
  /** True: the first input of each outcome goes into the corpus, where none of that name is there. */
  readonly keep?: boolean;
}

export interface FuzzResult extends TargetRun {
  readonly target: TargetName;
  /** Where the input that broke something was saved. */
  readonly saved: string | null;
}

const SILENCE_MS = 60_000;

/** Feeds targets with mutated inputs, each in a process of its own, all at the same time. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult[]> {
  const names = options.targets ?? TARGET_NAMES;
  const targets = await Promise.all(names.map(async (name) => ({ name, ...(await load(name)) })));
  const shares = targets.reduce((sum, { target }) => sum + target.share, 0);
  return await Promise.all(
    targets.map(async ({ name, module, target }) => {
      const run = await runTarget({
        module,
        seed: options.seed,
        inputs: Math.ceil((options.inputs * target.share) / shares),
        silenceMs: SILENCE_MS,
        ...(options.timeMs === undefined ? {} : { timeMs: options.timeMs }),
      });
      const input = (index: number): Buffer => inputAt(materialOf(target), options.seed, index);
      const saved =
        run.finding === null
          ? null
          : saveInput(
              join(options.folder, name),
              `seed-${options.seed}-input-${run.finding.index}`,
              input(run.finding.index),
            );
      const firsts = Object.entries(run.outcomes).map(
        ([outcome, { first }]) => [outcome.replaceAll(/[^a-z0-9]+/gi, '-'), input(first)] as const,
      );
      if (options.keep === true)
        for (const [file, bytes] of firsts) keepInCorpus(name, file, bytes);
      return { ...run, target: name, saved };
    }),
  );
}

async function load(name: TargetName): Promise<{ module: string; target: FuzzTarget }> {
  const module = new URL(`targets/${name}.ts`, import.meta.url).href;
  const { default: target } = (await import(module)) as { default: FuzzTarget };
  return { module, target };
}

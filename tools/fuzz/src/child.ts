import { openSync, writeSync } from 'node:fs';
import { materialOf } from './corpus.ts';
import { inputAt } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

/** What a child is told: feed inputs `from` to `to` - 1 of a seed to the target of a module. */
export interface Order {
  readonly module: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Of a file where the number of each input is written before it is fed, so that a death tells which it was. */
  readonly trace?: string;
}

/** What a child says: how far it is and what came of inputs so far, with the number of the first; or what broke. */
export type Word =
  | { readonly kind: 'progress'; readonly next: number; readonly outcomes: Outcomes }
  | { readonly kind: 'finding'; readonly index: number; readonly words: string };
export type Outcomes = Readonly<Record<string, { readonly count: number; readonly first: number }>>;

const PROGRESS_MS = 200;

await feed(JSON.parse(process.argv[2] ?? '{}') as Order);
process.disconnect();

async function feed({ module, seed, from, to, trace }: Order): Promise<void> {
  const { default: target } = (await import(module)) as { default: FuzzTarget };
  const material = materialOf(target);
  const traced = trace === undefined ? undefined : openSync(trace, 'w');
  const outcomes: Record<string, { count: number; first: number }> = {};
  // From now on silence means that an input takes too long, and no longer that sources are being loaded.
  await say({ kind: 'progress', next: from, outcomes });
  let told = performance.now();
  for (let index = from; index < to; index += 1) {
    if (traced !== undefined) writeSync(traced, String(index).padStart(20), 0);
    try {
      const answer = target.run(inputAt(material, seed, index));
      const outcome = typeof answer === 'string' ? answer : await answer;
      (outcomes[outcome] ??= { count: 0, first: index }).count += 1;
    } catch (error) {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return await say({ kind: 'finding', index, words });
    }
    if (performance.now() - told < PROGRESS_MS) continue;
    await say({ kind: 'progress', next: index + 1, outcomes });
    told = performance.now();
  }
  await say({ kind: 'progress', next: to, outcomes });
}

async function say(word: Word): Promise<void> {
  await new Promise<void>((resolve) => {
    process.send?.(word, undefined, undefined, () => resolve());
  });
}

import { createHash } from 'node:crypto';
import type { Target } from './target.ts';

/** So many targets, the same ones for the same seed. */
export function sample(targets: readonly Target[], count: number, seed: string): Target[] {
  const rank = ({ name, side }: Target) =>
    createHash('sha256').update(`${seed} ${side} ${name}`).digest('hex');
  const ranked = targets.map((target) => ({ target, rank: rank(target) }));
  return ranked
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ target }) => target);
}

import type { AffectedPackage } from './affected.ts';

/** A check of the whole repository that either passes or fails. */
export interface Gate {
  readonly title: string;
  /** A program of node_modules/.bin, or `node`, with its arguments; run in the root. */
  readonly command: readonly [string, ...string[]];
}

const TYPES = ['turbo', 'run', 'typecheck', '--continue', '--output-logs=errors-only'] as const;

/** In the order in which they run: the quick ones first. */
export const GATES: readonly Gate[] = [
  { title: 'format', command: ['oxfmt', '--check', '.'] },
  { title: 'lint', command: ['oxlint', '--deny-warnings'] },
  {
    title: 'tidy',
    command: ['node', '--conditions=@adtally/source', 'tools/tidy/src/main.ts'],
  },
  { title: 'types', command: TYPES },
  { title: 'boundaries', command: ['turbo', 'boundaries'] },
  { title: 'unused code', command: ['knip'] },
];

/**
 * The gates for a change that reaches these packages: their types, and whatever looks at the whole
 * repository within seconds.
 */
export function gatesOf(affected: readonly AffectedPackage[]): Gate[] {
  const filters = affected.map(({ name }) => `--filter=${name}`);
  return GATES.flatMap((gate) => {
    if (gate.command !== TYPES) return [gate];
    // Without a filter turbo would take every package.
    return filters.length === 0 ? [] : [{ ...gate, command: [...TYPES, ...filters] as const }];
  });
}

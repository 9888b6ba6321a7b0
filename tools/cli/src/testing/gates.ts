/** A check of the whole repository that either passes or fails. */
export interface Gate {
  readonly title: string;
  /** A program of node_modules/.bin, or `node`, with its arguments; run in the root. */
  readonly command: readonly [string, ...string[]];
}

/** In the order in which they run: the quick ones first. */
export const GATES: readonly Gate[] = [
  { title: 'format', command: ['oxfmt', '--check', '.'] },
  { title: 'lint', command: ['oxlint', '--deny-warnings'] },
  {
    title: 'tidy',
    command: ['node', '--conditions=@adtally/source', 'tools/tidy/src/main.ts'],
  },
  {
    title: 'types',
    command: ['turbo', 'run', 'typecheck', '--continue', '--output-logs=errors-only'],
  },
  { title: 'boundaries', command: ['turbo', 'boundaries'] },
  { title: 'unused code', command: ['knip'] },
];

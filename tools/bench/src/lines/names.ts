/** What each line measures, in one line; known without loading what measures it. */
export const LINE_SUMMARIES = {
  clean: 'drain of a clean topic by one process; --against REV compares two builds in turn',
  mix: 'the same of the default mix',
  live: '50,000 events/s from a generator on the same cores: append to committed, lag',
  'live-fast': 'the same at 100,000/s',
  latency: 'one event at a time, and against one row at a time at the highest load that bears',
  start: 'process start to first commit with a full topic',
} as const;

export type LineName = keyof typeof LINE_SUMMARIES;

/** The revision whose figures the goals of `clean`, `mix` and `reprocess` are multiples of. */
export const GOALS_REVISION = '8588a83';

/** What each line measures, in one line; known without loading what measures it. */
export const LINE_SUMMARIES = {
  clean: 'drain of a clean topic by one process; --against REV compares two builds in turn',
  mix: 'the same of the default mix',
} as const;

export type LineName = keyof typeof LINE_SUMMARIES;

/** The revision whose figures the goals of `clean`, `mix` and `reprocess` are multiples of. */
export const GOALS_REVISION = '8588a83';

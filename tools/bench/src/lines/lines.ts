import { clean, mix } from './builds.ts';
import { latency } from './latency.ts';
import type { Line } from './line.ts';
import { live, liveFast } from './live.ts';
import type { LineName } from './names.ts';
import { start } from './start.ts';

/** Every line by its name, in the order of the table. */
export const LINES: Readonly<Record<LineName, Line>> = {
  clean,
  mix,
  live,
  'live-fast': liveFast,
  latency,
  start,
};

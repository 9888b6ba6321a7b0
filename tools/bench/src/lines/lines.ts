import { clean, mix } from './builds.ts';
import type { Line } from './line.ts';
import type { LineName } from './names.ts';

/** Every line by its name, in the order of the table. */
export const LINES: Readonly<Record<LineName, Line>> = { clean, mix };

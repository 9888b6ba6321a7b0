import type { SeriesResult } from './series.ts';

/** A result with what it is of. */
export interface RecordedResult extends SeriesResult {
  /** As it was given, without where it wrote. */
  readonly command: string;
  /** Of the sources that were built; ` with changes` where they were not all committed. */
  readonly commit: string;
  readonly machine: string;
  /** Load average of the last minute when the command began, divided by the cores. */
  readonly load: number;
  /** RFC 3339, when it was there. */
  readonly at: string;
}

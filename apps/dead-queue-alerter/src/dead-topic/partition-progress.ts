import type { EvaluationBounds } from '../incidents/apply-arrivals.ts';

/** Without a record for so long a partition counts as read, whatever its end says. */
const GIVEN_UP_AFTER_MS = 10_000;

/** How far one partition of the dead topic was read and its letters stored. */
export interface PartitionProgress {
  readonly partition: number;
  /** The next offset to read. */
  position: number;
  /** Append time of the last record; -Infinity before the first. */
  lastAppendMs: number;
  /** The log's end as last heard of. */
  knownEnd: number;
  /** When it last delivered, from `performance.now()`. */
  deliveredAtMs: number;
}

/**
 * Up to which append time letters may be evaluated. With several partitions the one that lags behind
 * decides, so that catching up gives the same incidents in whatever order partitions are read; one that
 * delivers nothing although it should is not waited for, since its silence must not hold up a page.
 */
export function evaluationBounds(
  partitions: readonly PartitionProgress[],
  completeMs: number,
): EvaluationBounds {
  if (partitions.length <= 1) return { throughMs: Infinity, completeMs };
  const lagging = partitions.filter((one) => one.position < one.knownEnd && !isQuiet(one));
  const throughMs = Math.min(Infinity, ...lagging.map((one) => one.lastAppendMs));
  return { throughMs, completeMs };
}

/**
 * Whether everything a partition held at a moment is stored, given its end asked for after that moment.
 * A log may end in offsets that no reader ever sees (transaction markers).
 */
export function isReadTo(progress: PartitionProgress, end: number): boolean {
  return progress.position >= end || isQuiet(progress);
}

function isQuiet({ deliveredAtMs }: PartitionProgress): boolean {
  return performance.now() - deliveredAtMs >= GIVEN_UP_AFTER_MS;
}

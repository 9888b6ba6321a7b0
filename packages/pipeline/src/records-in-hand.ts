import type { BatchWork } from './batch-work.ts';
import type { OwnedPartition } from './ownership.ts';

/** So many records of a partition, from this offset on. */
export interface RecordsInHand {
  readonly partition: number;
  readonly first: number;
  readonly rows: number;
}

/** What these batches hold of each partition, in the order of partitions. */
export function recordsInHand(batches: readonly BatchWork<OwnedPartition>[]): RecordsInHand[] {
  const byPartition = new Map<number, RecordsInHand>();
  for (const { spans } of batches) {
    for (const { claim, first, end, gap } of spans.values()) {
      const { partition } = claim;
      const before = byPartition.get(partition);
      byPartition.set(partition, {
        partition,
        first: Math.min(before?.first ?? first, first),
        rows: (before?.rows ?? 0) + end - first - gap,
      });
    }
  }
  return [...byPartition.values()].toSorted((a, b) => a.partition - b.partition);
}

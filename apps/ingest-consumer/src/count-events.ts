import { rejectedRows, type SourceCounts } from '@adtally/db';
import type { Metrics } from '@adtally/telemetry';
import type { BatchWork, PartitionSpan } from '@adtally/pipeline';

/** Counts what a commit did with a batch of events, for the metrics. */
export function countEvents(
  metrics: Metrics,
): (work: BatchWork, counts: readonly SourceCounts[], committed: readonly PartitionSpan[]) => void {
  return ({ batch }, counts, committed) => {
    for (const of of counts) {
      metrics.events.add(of.stored, { outcome: 'stored' });
      metrics.events.add(of.duplicate, { outcome: 'duplicate' });
      metrics.events.add(of.conflict, { outcome: 'conflict' });
      metrics.events.add(of.deadLettered, { outcome: 'dead_lettered' });
    }
    for (const row of rejectedRows(batch)) {
      metrics.deadLetters.add(1, { code: batch.rejections.get(row)?.code ?? '' });
    }
    const consumed = committed.reduce((sum, { first, end, gap }) => sum + end - first - gap, 0);
    metrics.recordsConsumed.add(consumed);
    metrics.misrouted.add(batch.misrouted);
    metrics.unknownFields.add(batch.unknownFields);
    metrics.batchRows.record(batch.count);
    metrics.lastCommitTimestampSeconds.set(Date.now() / 1000);
    const appended = committed.map((span) => span.firstAppendMs).filter((ms) => ms > 0);
    if (appended.length > 0) {
      metrics.commitLatencySeconds.record(Math.max(0, Date.now() - Math.min(...appended)) / 1000);
    }
  };
}

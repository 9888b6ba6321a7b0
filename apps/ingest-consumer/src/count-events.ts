import { rejectedRows, type SourceCounts } from '@adtally/db';
import type { Rejection } from '@adtally/event-schema';
import type { BatchWork, SourceSpan } from '@adtally/pipeline';
import type { IngestMetrics } from './metrics.ts';

/** Counts what a commit did with a batch of events, for the metrics. */
export function countEvents(
  metrics: IngestMetrics,
): (work: BatchWork, counts: readonly SourceCounts[], committed: readonly SourceSpan[]) => void {
  return ({ batch }, counts, committed) => {
    for (const of of counts) {
      metrics.events.add(of.stored, { outcome: 'stored' });
      metrics.events.add(of.duplicate, { outcome: 'duplicate' });
      metrics.events.add(of.conflict, { outcome: 'conflict' });
      metrics.events.add(of.deadLettered, { outcome: 'dead_lettered' });
    }
    for (const row of rejectedRows(batch)) {
      // A rejected row has its rejection: both are written by one call.
      const { code } = batch.rejections.get(row) as Rejection;
      metrics.deadLetters.add(1, { code });
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

import { rejectedRows, type SourceCounts } from '@adtally/db';
import { isClock, isClockless, type EventBatch, type Rejection } from '@adtally/event-schema';
import { RepeatedWords } from '@adtally/pacing';
import type { BatchWork, SourceSpan } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import type { IngestMetrics } from './metrics.ts';

/** Counts what a commit did with a batch of events, for the metrics; says it where timestamps make no sense. */
export function countEvents(
  metrics: IngestMetrics,
  log: Logger,
): (work: BatchWork, counts: readonly SourceCounts[], committed: readonly SourceSpan[]) => void {
  const words = new RepeatedWords();
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
    metrics.gapOffsets.add(committed.reduce((sum, { gap }) => sum + gap, 0));
    metrics.misrouted.add(batch.misrouted);
    metrics.clockless.add(batch.clockless);
    if (batch.clockless > 0) sayClockless(batch, words, log);
    metrics.unknownFields.add(batch.unknownFields);
    metrics.batchRows.record(batch.count);
    metrics.lastCommitTimestampSeconds.set(Date.now() / 1000);
    const appended = committed.map((span) => span.firstAppendMs).filter(isClock);
    if (appended.length > 0) {
      metrics.commitLatencySeconds.record(Math.max(0, Date.now() - Math.min(...appended)) / 1000);
    }
  };
}

/** Said at the first batch and again with growing pauses: the topic's settings or its producers are to be mended. */
function sayClockless(batch: EventBatch, words: RepeatedWords, log: Logger): void {
  const row = batch.places.timestampMs.subarray(0, batch.count).findIndex(isClockless);
  if (row < 0) return;
  const { topic, partition, offset, timestamp } = batch.record(row);
  if (!words.isDue(topic, 'clockless', performance.now())) return;
  log.warn(
    { topic, partition, offset, timestamp, records: batch.clockless },
    'the timestamps of the topic make no sense: ids of the future go unnoticed; ' +
      'set message.timestamp.type=LogAppendTime, or let producers write milliseconds since 1970',
  );
}

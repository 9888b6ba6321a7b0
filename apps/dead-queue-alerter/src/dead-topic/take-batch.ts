import type { ArrivedLetter, DeadTopicAdvance } from '@adtally/alerting';
import type { SourceRecord } from '@adtally/event-schema';
import { letterOf } from './letters.ts';
import type { PartitionProgress } from './partition-progress.ts';

/** The letters among these records, each once, and how far they bring the partitions that are read. */
export function takeBatch(
  topicId: string,
  records: readonly SourceRecord[],
  partitions: ReadonlyMap<number, PartitionProgress>,
): { letters: ArrivedLetter[]; advances: DeadTopicAdvance[] } {
  const letters = new Map<string, ArrivedLetter>();
  const advances = new Map<number, DeadTopicAdvance>();
  for (const record of records) {
    const progress = partitions.get(record.partition);
    if (progress === undefined) continue;
    const before = advances.get(record.partition);
    const lastMs = before?.lastAppendMs ?? progress.lastAppendMs;
    const letter = letterOf(record, topicId, Math.max(lastMs, 0));
    // Of two copies the one appended first counts.
    if (!letters.has(letter.letter)) letters.set(letter.letter, letter);
    advances.set(record.partition, {
      partition: record.partition,
      from: before?.from ?? progress.position,
      next: record.offset + 1,
      lastAppendMs: Math.max(lastMs, letter.appendedMs),
    });
  }
  return { letters: [...letters.values()], advances: [...advances.values()] };
}

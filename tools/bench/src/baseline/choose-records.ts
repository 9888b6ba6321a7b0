import { writeFileSync } from 'node:fs';
import { DECODER, DEFAULT_DECODE_LIMITS, EventBatch, VERDICT } from '@adtally/event-schema';
import { classify, type ClassifyRules } from '@adtally/pipeline';
import type { ChooseResult, ChooseTask } from '../tasks/tasks.ts';
import { TopicReader } from './topic-reader.ts';

/** How the baselines classify: as the service does on a database that never purged anything. */
export function rulesFor(partitions: number): ClassifyRules {
  return { horizonMs: null, partitions, limits: DEFAULT_DECODE_LIMITS };
}

const BATCH_ROWS = 5_000;

/**
 * Marks the first copy of every valid event, before any clock runs: what is left is a topic without
 * invalid records and duplicates, so that the floor needs neither dead letters nor deduplication.
 */
export async function chooseRecords(task: ChooseTask): Promise<ChooseResult> {
  const { kafka, topic, ends } = task;
  const starts = startsOf(ends);
  const chosen = new Uint8Array(ends.reduce((sum, end) => sum + end, 0));
  const seen = new Set<string>();
  const batch = new EventBatch(BATCH_ROWS);
  const scratch = new EventBatch(1);
  let scanned = 0;
  const reader = await TopicReader.open(kafka, topic, ends);
  try {
    reader.begin();
    while (reader.hasMore) {
      batch.clear();
      for (const record of await reader.next(batch.capacity)) {
        batch.append(record, 1);
        scratch.clear();
        scratch.append(record, 1);
        if (DECODER.scan(scratch, 0, DEFAULT_DECODE_LIMITS)) scanned += 1;
      }
      classify(batch, 0, rulesFor(ends.length));
      for (let row = 0; row < batch.count; row += 1) {
        if (batch.verdict[row] !== VERDICT.event) continue;
        const key = batch.eventKey.toString('latin1', row * 16, row * 16 + 16);
        if (seen.has(key)) continue;
        seen.add(key);
        const { partition, offset } = batch.record(row);
        chosen[(starts[partition] as number) + offset] = 1;
      }
    }
  } finally {
    await reader.close();
  }
  writeFileSync(task.chosenFile, chosen);
  return { chosen: seen.size, scanned };
}

/** Where each partition's marks begin. */
export function startsOf(ends: readonly number[]): number[] {
  let next = 0;
  return ends.map((end) => {
    const start = next;
    next += end;
    return start;
  });
}

import { readFileSync } from 'node:fs';
import { CopyEncoder, WriterSession } from '@adtally/db';
import { EventBatch, VERDICT } from '@adtally/event-schema';
import { classify } from '@adtally/pipeline';
import { BenchError } from '../errors.ts';
import { rulesFor, startsOf } from './choose-records.ts';
import type { FloorResult, FloorTask } from '../tasks/tasks.ts';
import { TopicReader } from './topic-reader.ts';

const TIMEOUT_MS = 30_000;

/**
 * The fastest honest path with the same parts: consume, decode, key, one binary COPY a batch straight
 * into the keyed table, each its own transaction with fsync; the next batch is read while one is
 * written. No ledger, no cursor, no Redis, no dead letters. Records that were not chosen are consumed
 * and cost one look at a byte.
 */
export async function runFloor(task: FloorTask): Promise<FloorResult> {
  const { kafka, topic, ends, batchRows } = task;
  const chosen = readFileSync(task.chosenFile);
  const starts = startsOf(ends);
  const rules = rulesFor(ends.length);
  const session = await openSession(task.databaseUrl);
  const encoder = new CopyEncoder();
  let next = new EventBatch(batchRows);
  let inHand = new EventBatch(batchRows);
  const allRows = Int32Array.from({ length: batchRows }, (_, row) => row);
  let records = 0;
  let stored = 0;
  const reader = await TopicReader.open(kafka, topic, ends);
  try {
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    reader.begin();
    let writing: Promise<void> = Promise.resolve();
    while (reader.hasMore) {
      while (!next.isFull && reader.hasMore) {
        const from = next.count;
        for (const record of await reader.next(next.capacity - next.count)) {
          records += 1;
          if (chosen[(starts[record.partition] as number) + record.offset] === 1) {
            next.append(record, record.partition + 1);
          }
        }
        classify(next, from, rules);
      }
      await writing;
      [inHand, next] = [next, inHand];
      next.clear();
      requireEvents(inHand);
      stored += inHand.count;
      writing = session.copyEvents(encoder.encode(inHand, allRows.subarray(0, inHand.count)));
      // Awaited in the next turn.
      writing.catch(() => undefined);
    }
    await writing;
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { seconds, records, stored, cpuSeconds: (user + system) / 1e6 };
  } finally {
    await reader.close();
    await session.close();
  }
}

function requireEvents(batch: EventBatch): void {
  for (let row = 0; row < batch.count; row += 1) {
    if (batch.verdict[row] !== VERDICT.event) throw new BenchError('a chosen record is no event');
  }
}

async function openSession(databaseUrl: string): Promise<WriterSession> {
  const session = await WriterSession.connect({
    databaseUrl,
    applicationName: 'adtally-bench-floor',
    lockTimeoutMs: TIMEOUT_MS,
    statementTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
  });
  const rows = await session.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')",
  );
  if (rows.length !== 2 || rows.some(({ setting }) => setting !== 'on')) {
    await session.close();
    throw new BenchError(
      'the server runs with fsync or synchronous_commit off: no floor to measure',
    );
  }
  return session;
}

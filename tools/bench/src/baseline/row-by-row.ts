import type { SourceRecord } from '@adtally/event-schema';
import { READY } from '../tasks/run-task.ts';
import type {
  RowByRowLiveResult,
  RowByRowLiveTask,
  RowByRowResult,
  RowByRowTask,
} from '../tasks/tasks.ts';
import { RowWriter } from './row-writer.ts';
import { TopicReader } from './topic-reader.ts';

const RECORDS_A_FETCH = 1_000;

/** Writes a filled topic row by row, for so long: how fast that is. */
export async function runRowByRow(task: RowByRowTask): Promise<RowByRowResult> {
  const { kafka, topic, ends } = task;
  const writer = await RowWriter.connect(task);
  const reader = await TopicReader.open(kafka, topic, ends);
  let records = 0;
  try {
    const startedMs = performance.now();
    const endMs = startedMs + task.seconds * 1000;
    const mayGoOn = (): boolean => performance.now() < endMs;
    reader.begin();
    while (reader.hasMore && mayGoOn()) {
      const taken = await reader.next(RECORDS_A_FETCH);
      await writer.write(taken, ends.length, mayGoOn, () => (records += 1));
    }
    return { records, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    await reader.close();
    await writer.close();
  }
}

/** Writes what comes to an empty topic row by row: how long each record waits from its append to its commit. */
export async function runRowByRowLive(task: RowByRowLiveTask): Promise<RowByRowLiveResult> {
  const { kafka, topic, partitions, records } = task;
  const writer = await RowWriter.connect(task);
  const reader = await TopicReader.open(kafka, topic, spread(records, partitions));
  const waitsMs: number[] = [];
  const onDone = ({ timestamp = Number.NaN }: SourceRecord): void =>
    void waitsMs.push(Date.now() - timestamp);
  try {
    reader.begin();
    process.stdout.write(READY);
    while (reader.hasMore) {
      const taken = await reader.next(RECORDS_A_FETCH);
      await writer.write(taken, partitions, () => true, onDone);
    }
    return { waitsMs };
  } finally {
    await reader.close();
    await writer.close();
  }
}

/** Ends that come to so many records: before they are there nobody knows which partition gets how many. */
function spread(records: number, partitions: number): number[] {
  return Array.from({ length: partitions }, (_, n) => (n === 0 ? records : 0));
}

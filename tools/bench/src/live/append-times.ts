import type { KafkaAdmin, KafkaSettings } from '@adtally/kafka';
import { TopicReader } from '../baseline/topic-reader.ts';
import { PARTITIONS } from '../preload/preload.ts';
import type { AppendTimes } from './latencies.ts';

const RECORDS_A_FETCH = 1_000;

/** Where every partition of a topic ends. */
export async function endsOf(admin: KafkaAdmin, topic: string): Promise<number[]> {
  const marks = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) => admin.watermarks(topic, partition)),
  );
  return marks.map(({ end }) => end);
}

/** Reads when each record of a topic was appended, by the broker's clock. */
export async function readAppendTimes(
  kafka: KafkaSettings,
  topic: string,
  ends: readonly number[],
): Promise<AppendTimes> {
  const times = ends.map((end) => new Float64Array(end));
  const reader = await TopicReader.open(kafka, topic, ends);
  try {
    reader.begin();
    while (reader.hasMore) {
      for (const { partition, offset, timestamp } of await reader.next(RECORDS_A_FETCH))
        (times[partition] as Float64Array)[offset] = timestamp ?? Number.NaN;
    }
  } finally {
    await reader.close();
  }
  return times;
}

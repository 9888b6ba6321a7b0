import type { Watermarks } from './listed-offsets.ts';
import type { ClientWords } from './client-words.ts';
import { codeOf } from './errors.ts';
import { CODE, type NativeConsumer } from './rdkafka.ts';

const REQUEST_TIMEOUT_MS = 10_000;

/** Asks the broker for the offsets a partition's log holds. Rejects with a `KafkaError`. */
export async function queryWatermarks(
  native: NativeConsumer,
  words: ClientWords,
  topic: string,
  partition: number,
): Promise<Watermarks> {
  try {
    const found = await queryOrRefresh(native, topic, partition);
    words.reached();
    return found;
  } catch (error) {
    throw words.explain(error, `watermarks of ${topic}[${partition}]`);
  }
}

async function queryOrRefresh(
  native: NativeConsumer,
  topic: string,
  partition: number,
): Promise<Watermarks> {
  try {
    return await query(native, topic, partition);
  } catch (error) {
    if (codeOf(error) !== CODE.unknownPartition) throw error;
  }
  // Added since the client last looked, which it does once a minute.
  await refreshMetadata(native, topic);
  return await query(native, topic, partition);
}

function query(native: NativeConsumer, topic: string, partition: number): Promise<Watermarks> {
  return new Promise((resolve, reject) => {
    native.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, (error, found) =>
      error ? reject(error) : resolve({ logStart: found.lowOffset, end: found.highOffset }),
    );
  });
}

function refreshMetadata(native: NativeConsumer, topic: string): Promise<void> {
  return new Promise((resolve, reject) => {
    native.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

/** The end of the log as the last fetch response told it, without a request; null when unknown. */
export function cachedEnd(native: NativeConsumer, topic: string, partition: number): number | null {
  try {
    const end = native.getWatermarkOffsets(topic, partition).highOffset;
    return end >= 0 ? end : null;
  } catch {
    return null;
  }
}

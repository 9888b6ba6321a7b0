import type { Watermarks } from './admin.ts';
import { classify, codeOf } from './errors.ts';
import { CODE, type NativeConsumer } from './rdkafka.ts';

const REQUEST_TIMEOUT_MS = 10_000;

/** Asks the broker for the offsets a partition's log holds. */
export async function queryWatermarks(
  native: NativeConsumer,
  topic: string,
  partition: number,
): Promise<Watermarks> {
  try {
    return await query(native, topic, partition);
  } catch (error) {
    if (codeOf(error) !== CODE.unknownPartition) throw classifyFor(error, topic, partition);
  }
  try {
    // Added since the client last looked, which it does once a minute.
    await refreshMetadata(native, topic);
    return await query(native, topic, partition);
  } catch (error) {
    throw classifyFor(error, topic, partition);
  }
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

function classifyFor(error: unknown, topic: string, partition: number): Error {
  return classify(error, `watermarks of ${topic}[${partition}]`);
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

import type { Watermarks } from './admin.ts';
import { classify } from './errors.ts';
import type { NativeConsumer } from './rdkafka.ts';

const REQUEST_TIMEOUT_MS = 10_000;

/** Asks the broker for the offsets a partition's log holds. */
export function queryWatermarks(
  native: NativeConsumer,
  topic: string,
  partition: number,
): Promise<Watermarks> {
  return new Promise((resolve, reject) => {
    native.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, (error, found) =>
      error
        ? reject(classify(error, `watermarks of ${topic}[${partition}]`))
        : resolve({ logStart: found.lowOffset, end: found.highOffset }),
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

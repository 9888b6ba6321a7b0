import { classify, codeOf, type KafkaError } from './errors.ts';
import { CODE } from './rdkafka.ts';

/** The log of a partition holds the offsets `logStart <= offset < end`. */
export interface Watermarks {
  readonly logStart: number;
  readonly end: number;
}

/** What the client makes of one partition's part of a ListOffsets answer. */
export interface ListedOffset {
  partition: number;
  offset: number;
  error?: unknown;
}

/**
 * What the client puts in the place of an offset, and without an error, where the request to a partition's leader
 * failed (librdkafka 2.15 drops the error when it puts the answers of all leaders together).
 */
const NOT_ANSWERED = -1_001;

/**
 * What the broker said of one partition.
 *
 * @param explain makes the error of what it refused, or did not say
 */
export function offsetIn(
  found: ListedOffset | undefined,
  doing: string,
  explain: (error: unknown, doing: string) => KafkaError = classify,
): number | KafkaError {
  if (found === undefined) return explain({ code: -1, message: 'no answer' }, doing);
  if (found.error !== undefined && codeOf(found.error) !== 0) return explain(found.error, doing);
  if (found.offset !== NOT_ANSWERED) return found.offset;
  return explain({ code: CODE.transport, message: 'its leader gave no answer' }, doing);
}

/** The logs of a topic's partitions out of the answers for their starts and for their ends. */
export function logsIn(
  topic: string,
  partitions: readonly number[],
  starts: ReadonlyMap<number, ListedOffset>,
  ends: ReadonlyMap<number, ListedOffset>,
  explain: (error: unknown, doing: string) => KafkaError,
): Map<number, Watermarks | KafkaError> {
  return new Map(
    partitions.map((partition) => {
      const doing = `offsets of ${topic}[${partition}]`;
      const logStart = offsetIn(starts.get(partition), doing, explain);
      const end = offsetIn(ends.get(partition), doing, explain);
      if (typeof logStart !== 'number') return [partition, logStart];
      return [partition, typeof end === 'number' ? { logStart, end } : end];
    }),
  );
}

/** What the client makes of a group's part of an OffsetFetch answer. */
export interface GroupOffsets {
  error?: unknown;
  partitions: { partition: number; offset: number | null; error?: unknown }[];
}

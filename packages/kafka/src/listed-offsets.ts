import { classify, codeOf, type KafkaError } from './errors.ts';

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

/** What the broker said of one partition. */
export function offsetIn(found: ListedOffset | undefined, doing: string): number | KafkaError {
  if (found === undefined) return classify({ code: -1, message: 'no answer' }, doing);
  const failed = found.error !== undefined && codeOf(found.error) !== 0;
  return failed ? classify(found.error, doing) : found.offset;
}

/** The logs of a topic's partitions out of the answers for their starts and for their ends. */
export function logsIn(
  topic: string,
  partitions: readonly number[],
  starts: ReadonlyMap<number, ListedOffset>,
  ends: ReadonlyMap<number, ListedOffset>,
): Map<number, Watermarks | KafkaError> {
  return new Map(
    partitions.map((partition) => {
      const doing = `offsets of ${topic}[${partition}]`;
      const logStart = offsetIn(starts.get(partition), doing);
      const end = offsetIn(ends.get(partition), doing);
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

import { RefusedError } from '@adtally/analytics';
import { countedPartitions, type CountedPartition } from './runs/counted-partitions.ts';
import { type ReplayRange } from './runs/create-replay.ts';
import { type Database } from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';

/** One end of a range: nothing said, a time of the broker (milliseconds since 1970), or an offset. */
export type Bound =
  | { readonly kind: 'none' }
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'offset'; readonly offset: number };

export interface ReplayRequest {
  readonly topic: string;
  /** Null: all. */
  readonly partitions: readonly number[] | null;
  /** Inclusive; without it: from where counting began, as far as the log goes back. */
  readonly from: Bound;
  /** Exclusive; without it: the live cursor. */
  readonly to: Bound;
}

/** What a replay would read of a partition; an empty range has first = end. */
export interface PlannedRange extends ReplayRange {
  /** Offsets asked for before counting began there (`START_AT`): not part of the range. */
  readonly beforeGenesis: number;
  /** Offsets left to read. */
  readonly records: number;
}

export interface ReplayPlan {
  readonly topic: string;
  readonly topicId: string;
  readonly ranges: readonly PlannedRange[];
}

/**
 * Finds out what a replay would read: never anything past a partition's live cursor, which is the
 * consumer's to read, nor before the offset where counting began.
 *
 * @throws RefusedError where the topic does not exist, or a partition that is named, or all, were never counted
 */
export async function planReplay(
  admin: KafkaAdmin,
  db: Database,
  request: ReplayRequest,
): Promise<ReplayPlan> {
  const { topic } = request;
  const described = await admin.describeTopic(topic);
  if (described === null) throw new RefusedError(`there is no topic ${topic}`);
  const counted = await countedPartitions(db, described.topicId);
  const wanted = request.partitions ?? [...counted.keys()];
  const uncounted = wanted.find((partition) => !counted.has(partition));
  if (uncounted !== undefined || wanted.length === 0) {
    const what = uncounted === undefined ? 'no partition' : `partition ${uncounted}`;
    const was = uncounted === undefined ? 'was ever' : 'was never';
    throw new RefusedError(`${what} of topic ${topic} (id ${described.topicId}) ${was} counted`);
  }
  const [from, to] = [
    await offsetsOf(admin, topic, request.from),
    await offsetsOf(admin, topic, request.to),
  ];
  const ranges: PlannedRange[] = [];
  for (const source of [...counted.values()].toSorted((a, b) => a.partition - b.partition)) {
    const { partition } = source;
    if (!wanted.includes(partition)) continue;
    const log = await admin.watermarks(topic, partition);
    ranges.push(rangeOf(source, log, from(partition), to(partition)));
  }
  return { topic, topicId: described.topicId, ranges };
}

/** What of the range that was asked for is read. `from` and `to` are null where nothing was said. */
export function rangeOf(
  { sourceId, partition, genesis, cursor }: CountedPartition,
  log: { readonly logStart: number; readonly end: number },
  from: number | null,
  to: number | null,
): PlannedRange {
  const askedFirst = from ?? Math.max(log.logStart, genesis);
  const askedEnd = Math.min(to ?? cursor, log.end);
  const end = Math.min(askedEnd, cursor);
  const first = Math.min(Math.max(askedFirst, genesis), Math.max(end, 0));
  const missing = Math.min(Math.max(log.logStart - first, 0), Math.max(end - first, 0));
  return {
    partition,
    eventsSourceId: sourceId,
    first,
    end: Math.max(first, end),
    missing,
    beyondCursor: Math.max(0, askedEnd - Math.max(cursor, askedFirst)),
    beforeGenesis: Math.max(0, Math.min(genesis, askedEnd) - askedFirst),
    records: Math.max(0, end - first - missing),
  };
}

async function offsetsOf(
  admin: KafkaAdmin,
  topic: string,
  bound: Bound,
): Promise<(partition: number) => number | null> {
  if (bound.kind === 'none') return () => null;
  if (bound.kind === 'offset') return () => bound.offset;
  const offsets = await admin.offsetsForTime(topic, bound.timeMs);
  return (partition) => offsets.get(partition) ?? null;
}

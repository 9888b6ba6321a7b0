import type { ReplayState } from './runs/advance-replay.ts';
import type { ReplayPartition } from './runs/find-replays.ts';
import type { OwnedPartition } from '@adtally/pipeline';

/** A partition of a replay that this process has claimed. */
export interface Lane {
  readonly partition: number;
  readonly eventsSourceId: number;
  /** The range, as offsets of the topic: [first, end). */
  readonly first: number;
  readonly end: number;
  /** As the commit protocol sees it: its offsets are the positions of the run's own writes. */
  readonly owned: OwnedPartition;
  /** What is committed. */
  state: ReplayState;
}

/** A partition as the database has it, under the epoch of our claim. */
export function laneOf(partition: ReplayPartition, topicId: string, epoch: number): Lane {
  return {
    partition: partition.partition,
    eventsSourceId: partition.eventsSourceId,
    first: partition.first,
    end: partition.end,
    owned: {
      partition: partition.partition,
      sourceId: partition.sourceId,
      topicId,
      epoch,
      committedOffset: partition.written,
      readOffset: partition.written,
      allowance: 0,
      handoverSinceMs: null,
    },
    state: partition,
  };
}

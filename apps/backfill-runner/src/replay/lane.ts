import type { ReplayState } from './runs/advance-replay.ts';
import type { ReplayPartition } from './runs/find-replays.ts';
import type { SourceClaim } from '@adtally/pipeline';

/** A partition of a replay that this process has claimed. */
export interface Lane {
  readonly partition: number;
  readonly eventsSourceId: number;
  /** The range, as offsets of the topic: [first, end). */
  readonly first: number;
  readonly end: number;
  /** Of the run's own source: its offsets are the positions of the run's writes. */
  readonly claim: SourceClaim;
  /** What is committed. */
  state: ReplayState;
}

/** A partition as the database has it, under the epoch of our claim. */
export function laneOf(partition: ReplayPartition, epoch: number): Lane {
  return {
    partition: partition.partition,
    eventsSourceId: partition.eventsSourceId,
    first: partition.first,
    end: partition.end,
    claim: { sourceId: partition.sourceId, epoch, committedOffset: partition.written },
    state: partition,
  };
}

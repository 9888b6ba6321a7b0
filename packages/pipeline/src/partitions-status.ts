import type { Ownership } from './ownership.ts';
import type { HoldUps } from './reports/hold-ups.ts';
import type { WaitReason } from './wait-reason.ts';

/** Who knows how the partitions of a process stand. */
export interface PartitionsStanding {
  readonly ownership: Ownership;
  readonly holdUps: HoldUps;
  readonly hindrances: { reason(partition: number): WaitReason | null };
}

/**
 * The partitions held (`reason`: why one cannot be read for now), those that wait to be, those that stand still, and what
 * holds all of them up just now, as a status endpoint tells them.
 */
export function partitionsOf(
  standing: PartitionsStanding | null,
  logEnd: (partition: number) => number | null,
) {
  const ownership = standing?.ownership;
  return {
    owned: (ownership?.allOwned() ?? []).map((owned) => ({
      partition: owned.partition,
      source_id: owned.sourceId,
      epoch: owned.epoch,
      next_offset: owned.committedOffset,
      read_offset: owned.readOffset,
      log_end: logEnd(owned.partition),
      reason: standing?.hindrances.reason(owned.partition)?.code ?? null,
      detail: standing?.hindrances.reason(owned.partition)?.detail ?? null,
    })),
    waiting: (ownership?.allWaiting() ?? []).map(({ partition, reason, sinceMs }) => ({
      partition,
      reason: reason?.code ?? null,
      detail: reason?.detail ?? null,
      since: new Date(Date.now() - (performance.now() - sinceMs)).toISOString(),
    })),
    halted: ownership?.allHalted() ?? [],
    held_up: standing?.holdUps.reason ?? null,
  };
}

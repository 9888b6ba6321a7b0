import type { WriterSession } from '@adtally/db';

/** A partition of a replay, claimed: where its source's own count stands. */
export interface ReplayClaim {
  readonly sourceId: number;
  /** The position the next row written takes. */
  readonly nextPosition: number;
  readonly epoch: number;
}

/**
 * Makes this session the owner of the partition of a run that has most left to read and that no living session
 * holds. Null where there is none, or the run is paused or cancelled.
 */
export async function claimPartition(
  session: WriterSession,
  runId: bigint,
  owner: string,
): Promise<ReplayClaim | null> {
  const [row] = await session.query<{
    claimed_source_id: number;
    next_position: string;
    claimed_epoch: string;
  }>('SELECT * FROM claim_replay_partition($1::bigint, $2::text)', [String(runId), owner]);
  if (row === undefined) return null;
  return {
    sourceId: row.claimed_source_id,
    nextPosition: Number(row.next_position),
    epoch: Number(row.claimed_epoch),
  };
}

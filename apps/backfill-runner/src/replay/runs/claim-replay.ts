import type { WriterSession } from '@adtally/db';

/** Another process works on the replay: nothing was changed. */
export class ReplayBusy extends Error {
  override readonly name = 'ReplayBusy';
}

const BUSY = 'ADT05';

/** A partition of a replay, claimed: where its source's own count stands. */
export interface ReplayClaim {
  readonly sourceId: number;
  /** The position the next row written takes. */
  readonly nextPosition: number;
  readonly epoch: number;
}

/**
 * Makes this session the owner of all sources of a run.
 *
 * @throws ReplayBusy while the server still has the session of another process that claimed it
 */
export async function claimReplay(
  session: WriterSession,
  runId: bigint,
  owner: string,
): Promise<ReplayClaim[]> {
  try {
    const rows = await session.query<{
      claimed_source_id: number;
      next_position: string;
      claimed_epoch: string;
    }>('SELECT * FROM claim_replay($1::bigint, $2::text)', [String(runId), owner]);
    return rows.map((row) => ({
      sourceId: row.claimed_source_id,
      nextPosition: Number(row.next_position),
      epoch: Number(row.claimed_epoch),
    }));
  } catch (error) {
    if ((error as { code?: string }).code !== BUSY) throw error;
    throw new ReplayBusy((error as Error).message, { cause: error });
  }
}

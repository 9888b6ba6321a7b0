import type { WriterSession } from '@adtally/db';

/** Where a replay stands in one partition, with what became of the offsets it passed. */
export interface ReplayState {
  /** The next offset of the topic to read. */
  readonly next: number;
  /** Positions of its own source that are taken; the ledger tells stored, duplicates and conflicts apart. */
  readonly written: number;
  readonly rejected: number;
  readonly refused: number;
  readonly discarded: number;
  readonly knownConflicts: number;
  /** Offsets that hold a record for nobody: markers, aborted records, what compaction took. */
  readonly gap: number;
  /** Offsets that the log has lost since. */
  readonly missing: number;
  /** Of rejected and refused, by error code. */
  readonly codes: Readonly<Record<string, number>>;
}

const SET = `
  SET next_offset = $3::bigint, written = $4::bigint, rejected = $5::bigint, refused = $6::bigint,
      discarded = $7::bigint, known_conflicts = $8::bigint, missing = $9::bigint, codes = $10::jsonb,
      gap = $11::bigint`;

/**
 * Inside a batch's transaction: moves the replay to where the batch ends. That nobody else owns the
 * source is for the commit call to find out.
 */
export async function advanceReplay(
  session: WriterSession,
  sourceId: number,
  from: ReplayState,
  to: ReplayState,
): Promise<void> {
  const moved = await session.query(
    `UPDATE replay_progress ${SET} WHERE source_id = $1::int AND next_offset = $2::bigint RETURNING 1`,
    values(sourceId, from, to),
    'advance-replay',
  );
  if (moved.length !== 1)
    throw new Error(`replay source ${sourceId} does not stand at ${from.next}`);
}

/**
 * Moves the replay over offsets of which nothing is written, in a transaction of its own. May be asked
 * again where the answer was lost. Returns false where the source is no longer ours.
 */
export async function advanceReplayAlone(
  session: WriterSession,
  owned: { readonly sourceId: number; readonly epoch: number },
  from: ReplayState,
  to: ReplayState,
): Promise<boolean> {
  const moved = await session.query(
    `WITH owned AS (
       SELECT 1 FROM cursors WHERE source_id = $1::int AND epoch = $12::bigint FOR UPDATE
     )
     UPDATE replay_progress ${SET}
     WHERE source_id = $1::int AND next_offset IN ($2::bigint, $3::bigint) AND EXISTS (SELECT FROM owned)
     RETURNING 1`,
    [...values(owned.sourceId, from, to), owned.epoch],
    'advance-replay-alone',
  );
  return moved.length === 1;
}

function values(sourceId: number, from: ReplayState, to: ReplayState): unknown[] {
  return [
    sourceId,
    from.next,
    to.next,
    to.written,
    to.rejected,
    to.refused,
    to.discarded,
    to.knownConflicts,
    to.missing,
    JSON.stringify(to.codes),
    to.gap,
  ];
}

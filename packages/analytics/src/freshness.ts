import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { COHORT_MS } from './cohorts.ts';

/** How fresh the rollups are, by the database's clock. */
export interface Freshness {
  /** Age of the oldest note that is not applied yet; 0 = none waits. */
  readonly oldestNoteSeconds: number;
  readonly waitingNotes: number;
  /** Since the end of the newest cohort that is in the version readers see; null = none is. */
  readonly newestCohortSeconds: number | null;
  /** Bases claimed and not taken, over all versions. */
  readonly waitingBases: number;
  /** Versions with cohorts below the frontier that nobody has claimed yet. */
  readonly unclaimedVersions: number;
  readonly frontierMs: number;
}

export async function readFreshness(db: DatabaseExecutor): Promise<Freshness> {
  const { rows } = await sql<{
    oldest_note: number | null;
    notes: bigint;
    newest_cohort: number | null;
    bases: bigint;
    unclaimed: bigint;
    frontier_ms: bigint;
  }>`SELECT
      (SELECT extract(epoch FROM clock_timestamp() - noted_at)::float8
       FROM late_notes ORDER BY note_id LIMIT 1) AS oldest_note,
      (SELECT count(*) FROM late_notes) AS notes,
      (SELECT extract(epoch FROM clock_timestamp())::float8 - (last_cohort + 1) * ${COHORT_MS / 1000}::int
       FROM rollup_bases JOIN rollup_promotion USING (version)
       WHERE taken_at IS NOT NULL AND last_cohort >= 0 ORDER BY first_cohort DESC LIMIT 1) AS newest_cohort,
      (SELECT count(*) FROM rollup_bases WHERE taken_at IS NULL) AS bases,
      (SELECT count(*) FROM rollup_versions, write_guards
       WHERE claimed_through < frontier_ms / ${COHORT_MS}::int - 1) AS unclaimed,
      (SELECT frontier_ms FROM write_guards) AS frontier_ms`.execute(db);
  const [row] = rows;
  return {
    oldestNoteSeconds: row?.oldest_note ?? 0,
    waitingNotes: Number(row?.notes ?? 0),
    newestCohortSeconds: row?.newest_cohort ?? null,
    waitingBases: Number(row?.bases ?? 0),
    unclaimedVersions: Number(row?.unclaimed ?? 0),
    frontierMs: Number(row?.frontier_ms ?? 0),
  };
}

/**
 * Records that ingest has still to count, as its consumers last saw the ends of their partitions. Halted
 * partitions wait for a person and do not count.
 */
export async function readIngestLag(db: DatabaseExecutor): Promise<number> {
  const { rows } = await sql<{ lag: number }>`
    SELECT coalesce(sum(greatest(c.known_end_offset - c.next_offset, 0)), 0)::float8 AS lag
    FROM cursors c JOIN sources s USING (source_id)
    WHERE s.kind = 'events' AND s.closed_at IS NULL AND c.halted_code IS NULL`.execute(db);
  return rows[0]?.lag ?? 0;
}

import { type DatabaseExecutor, readWriteGuards } from '@adtally/db';
import { sql } from 'kysely';
import { COHORT_MS, lastCohortBefore } from './cohorts.ts';

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
  const { frontierMs } = await readWriteGuards(db);
  const row = await db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('late_notes')
        .select(sql<number>`extract(epoch FROM clock_timestamp() - noted_at)::float8`.as('seconds'))
        .orderBy('note_id')
        .limit(1)
        .as('oldest_note'),
      eb.selectFrom('late_notes').select(eb.fn.countAll<bigint>().as('notes')).as('notes'),
      eb
        .selectFrom('rollup_bases as b')
        .innerJoin('rollup_promotion as p', 'p.version', 'b.version')
        .select(
          sql<number>`extract(epoch FROM clock_timestamp())::float8
            - (b.last_cohort + 1) * ${COHORT_MS / 1000}::int`.as('seconds'),
        )
        .where('b.taken_at', 'is not', null)
        .where('b.last_cohort', '>=', 0n)
        .orderBy('b.first_cohort', 'desc')
        .limit(1)
        .as('newest_cohort'),
      eb
        .selectFrom('rollup_bases')
        .select(eb.fn.countAll<bigint>().as('bases'))
        .where('taken_at', 'is', null)
        .as('bases'),
      eb
        .selectFrom('rollup_versions')
        .select(eb.fn.countAll<bigint>().as('versions'))
        .where('claimed_through', '<', lastCohortBefore(frontierMs))
        .as('unclaimed'),
    ])
    .executeTakeFirstOrThrow();
  return {
    oldestNoteSeconds: row.oldest_note ?? 0,
    waitingNotes: Number(row.notes),
    newestCohortSeconds: row.newest_cohort,
    waitingBases: Number(row.bases),
    unclaimedVersions: Number(row.unclaimed),
    frontierMs,
  };
}

/**
 * Records that ingest has still to count, as its consumers last saw the ends of their partitions. Halted
 * partitions wait for a person and do not count.
 */
export async function readIngestLag(db: DatabaseExecutor): Promise<number> {
  const { lag } = await db
    .selectFrom('cursors as c')
    .innerJoin('sources as s', 's.source_id', 'c.source_id')
    .select(sql<string | null>`sum(greatest(c.known_end_offset - c.next_offset, 0))`.as('lag'))
    .where('s.kind', '=', 'events')
    .where('s.closed_at', 'is', null)
    .where('c.halted_code', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(lag ?? 0);
}

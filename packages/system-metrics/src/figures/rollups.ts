import { COHORT_MS, readWriteGuards, type DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { ROLLUP_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** How fresh the rollups are, by the database's clock. */
export interface Freshness {
  /** Age of the oldest note that is not applied yet; 0 = none waits. */
  readonly oldestNoteSeconds: number;
  readonly waitingNotes: number;
  /** Since the end of the newest cohort in the version readers see, before the first since it was made; null = no version. */
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
        .selectFrom('rollup_versions as v')
        .innerJoin('rollup_promotion as p', 'p.version', 'v.version')
        .select(
          sql<number>`extract(epoch FROM clock_timestamp() - v.created_at)::float8`.as('seconds'),
        )
        .as('version_made'),
      eb
        .selectFrom('rollup_bases')
        .select(eb.fn.countAll<bigint>().as('bases'))
        .where('taken_at', 'is', null)
        .as('bases'),
      eb
        .selectFrom('rollup_versions')
        .select(eb.fn.countAll<bigint>().as('versions'))
        .where('claimed_through', '<', BigInt(Math.floor(frontierMs / COHORT_MS)) - 1n)
        .as('unclaimed'),
    ])
    .executeTakeFirstOrThrow();
  return {
    oldestNoteSeconds: row.oldest_note ?? 0,
    waitingNotes: Number(row.notes),
    // A worker that dies before its first cohort must not read as fresh.
    newestCohortSeconds: row.newest_cohort ?? row.version_made,
    waitingBases: Number(row.bases),
    unclaimedVersions: Number(row.unclaimed),
    frontierMs,
  };
}

export const rollupFigures: Figures = {
  name: 'rollups',
  metrics: ROLLUP_METRICS,
  async tell(session, metrics) {
    const freshness = await readFreshness(session);
    metrics.rollupOldestNoteSeconds.set(freshness.oldestNoteSeconds);
    metrics.rollupWaitingNotes.set(freshness.waitingNotes);
    metrics.rollupNewestCohortSeconds.clear();
    if (freshness.newestCohortSeconds !== null)
      metrics.rollupNewestCohortSeconds.set(freshness.newestCohortSeconds);
    metrics.rollupWaitingBases.set(freshness.waitingBases);
    metrics.rollupFrontierSeconds.set(freshness.frontierMs / 1000);
  },
};

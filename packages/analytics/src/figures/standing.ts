import { COHORT_MS, type DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { readDefinitions, type RollupDefinition } from '../definitions.ts';
import type { SourcePosition } from '../statement/document.ts';
import { readPositions } from '../statement/positions.ts';
import { readPromotion, RefusedError } from '../versions.ts';

/** Which version figures are of, and what of the events it has. Times in milliseconds since 1970, by the database's clock. */
export interface Standing {
  readonly definition: RollupDefinition;
  readonly nowMs: number;
  /** Impressions born before it are summed up; null = none are. */
  readonly summedToMs: number | null;
  /** Batches with late events that are not applied yet. */
  readonly waitingNotes: bigint;
  readonly oldestNoteMs: number | null;
  /** How far every source was counted: with these anybody can recount what was told. */
  readonly positions: readonly SourcePosition[];
}

/** The worker is 90 s and some behind by design, and waits 15 minutes at most where ingest lags. */
const STALE_MS = 5 * 60_000;
/** @throws RefusedError where readers are shown no version yet */
export async function readStanding(trx: DatabaseExecutor): Promise<Standing> {
  const promotion = await readPromotion(trx);
  const definition = (await readDefinitions(trx)).find(
    ({ version }) => version === promotion?.version,
  );
  if (definition === undefined) {
    throw new RefusedError('there are no figures: no version of the rollups is promoted');
  }
  const { rows } = await sql<{
    now: number;
    newest: bigint | null;
    notes: bigint;
    oldest: number | null;
  }>`SELECT ${epochMs('clock_timestamp()')} AS now,
      -- Several processes take bases: one that is behind is what figures lack.
      least((SELECT max(last_cohort) FROM rollup_bases
             WHERE version = ${definition.version} AND taken_at IS NOT NULL AND last_cohort >= 0),
            (SELECT min(first_cohort) - 1 FROM rollup_bases
             WHERE version = ${definition.version} AND taken_at IS NULL AND first_cohort >= 0)) AS newest,
      count(*) AS notes, ${epochMs('min(noted_at)')} AS oldest
    FROM late_notes`.execute(trx);
  const row = rows[0];
  if (row === undefined) throw new Error('a SELECT of one row gave none');
  return {
    definition,
    nowMs: row.now,
    summedToMs: row.newest === null || row.newest < 0n ? null : Number(row.newest + 1n) * COHORT_MS,
    waitingNotes: row.notes,
    oldestNoteMs: row.oldest,
    positions: await readPositions(trx),
  };
}

/** Why figures are older than they should be, a sentence each; none where they are not. */
export function staleness({ nowMs, summedToMs, oldestNoteMs }: Standing): string[] {
  const minutes = (sinceMs: number) => Math.floor((nowMs - sinceMs) / 60_000);
  const isStale = (sinceMs: number) => nowMs - sinceMs > STALE_MS;
  return [
    ...(summedToMs === null ? ['nothing is summed up yet: does backfill-runner --watch run?'] : []),
    ...(summedToMs !== null && isStale(summedToMs)
      ? [
          `the newest ${minutes(summedToMs)} minutes are not summed up: does backfill-runner --watch run?`,
        ]
      : []),
    ...(oldestNoteMs !== null && isStale(oldestNoteMs)
      ? [`late events wait for ${minutes(oldestNoteMs)} minutes: does backfill-runner --watch run?`]
      : []),
  ];
}

function epochMs(moment: string) {
  return sql.raw(`(extract(epoch FROM ${moment}) * 1000)::float8`);
}

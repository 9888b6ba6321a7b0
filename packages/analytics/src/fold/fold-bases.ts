import { type Database, type DatabaseExecutor, readWriteGuards } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { COHORT_MS } from '../cohorts.ts';
import type { RollupDefinition } from '../definitions.ts';
import { joined, type Vector, vectorOf } from '../late-vectors.ts';
import { foldRows } from './fold-rows.ts';
import { type Fold, type FoldableBase, type FoldRules, nextFold } from './next-fold.ts';

export type FoldOptions = Omit<FoldRules, 'horizonMs'>;

/** One step that was done. */
export interface FoldedBases {
  /** Bases that are part of another one now, or whose rows were folded within them. */
  readonly bases: number;
  /** By how many the rows of all rollups became fewer. */
  readonly rows: number;
}

/** A backfill whose process has not shown itself for so long holds nothing up. */
const BACKFILL_GONE_SECONDS = 600;
const BASES_READ = 512;

/**
 * One step of folding a version's bases, in one transaction: rows of the bases taken in move to the first cohort of the unit
 * and are added up there; what a reader sums up is the same before and after.
 *
 * A base counts the events before max(W, V), source by source (see `applyLate`). A unit of several has for its W the
 * greatest of theirs. That counts the same events: one that lay before another base's W and not before its own was stored
 * after its own base was taken, so it was noted; either its note is applied, and V is past it, or the note waits, and then
 * we wait, too. Late events are applied under the same lock as this, so that V stands still meanwhile.
 *
 * @returns null where nothing is old enough, or what is must wait: for late notes, a backfill, or whoever holds a base
 */
export async function foldNext(
  db: Database,
  definition: RollupDefinition,
  options: FoldOptions,
): Promise<FoldedBases | null> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (trx) => {
      const { version } = definition;
      if (!(await lockProgress(trx))) return null;
      const { horizonMs } = await readWriteGuards(trx);
      const fold =
        nextFold(await basesToFold(trx, version), { ...options, horizonMs }) ??
        (await purgedPair(trx, version, horizonMs));
      if (fold === null) return null;
      const locked = await lockBases(trx, version, fold);
      if (locked === null) return null;
      const seen = joined(
        locked.map(({ sources, offsets }) => vectorOf(sources ?? [], (offsets ?? []).map(BigInt))),
      );
      if (await mustWait(trx, version, fold, seen)) return null;
      await sql`SET LOCAL jit = off`.execute(trx);
      let rows = 0;
      for (const rollup of definition.rollups) rows += await foldRows(trx, rollup, version, fold);
      await join(trx, version, fold, seen, locked);
      return { bases: fold.others.length + (fold.unit.isFolded ? 0 : 1), rows };
    });
}

/** How many bases that end by then are not folded, of all versions. */
export async function countUnfolded(db: DatabaseExecutor, beforeMs: number): Promise<number> {
  const { n } = await db
    .selectFrom('rollup_bases')
    .select((eb) => eb.fn.countAll<bigint>().as('n'))
    .where('folded_at', 'is', null)
    .where('first_cohort', '>=', 0n)
    .where('last_cohort', '<', BigInt(Math.floor(beforeMs / COHORT_MS)))
    .executeTakeFirstOrThrow();
  return Number(n);
}

/** Of a base `b` whose rows are another version's: of which one's, and of which rollups it has none. */
const TAKEN_OVER = sql<string | null>`b.taken_over_from || b.lacks_rollups::text`;

async function lockProgress(trx: DatabaseExecutor): Promise<boolean> {
  const progress = await trx
    .selectFrom('rollup_progress')
    .select('only_row')
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return progress !== undefined;
}

/** The oldest bases that are not folded, and the folded one before them. */
async function basesToFold(trx: DatabaseExecutor, version: number): Promise<FoldableBase[]> {
  const { rows } = await sql<FoldableBase>`
    WITH oldest AS (
      SELECT first_cohort FROM rollup_bases
      WHERE version = ${version} AND folded_at IS NULL AND first_cohort >= 0 AND taken_at IS NOT NULL
      ORDER BY first_cohort LIMIT 1
    )
    SELECT b.first_cohort AS first, b.last_cohort AS last, coalesce(b.events, 0) AS events,
           b.folded_at IS NOT NULL AS "isFolded", ${TAKEN_OVER} AS "takenOver"
    FROM oldest, rollup_bases b
    WHERE b.version = ${version} AND b.taken_at IS NOT NULL AND b.first_cohort >= coalesce(
      (SELECT first_cohort FROM rollup_bases WHERE version = ${version} AND first_cohort >= 0
         AND first_cohort < (SELECT first_cohort FROM oldest)
       ORDER BY first_cohort DESC LIMIT 1), oldest.first_cohort)
    ORDER BY b.first_cohort LIMIT ${sql.lit(BASES_READ)}`.execute(trx);
  return rows;
}

/**
 * Two folded bases whose events are gone: nothing tells them apart any more. But where another version has only one of
 * them, it may take over the other (taken-over.ts), and what was summed up by other rules stays apart.
 */
async function purgedPair(
  trx: DatabaseExecutor,
  version: number,
  horizonMs: number,
): Promise<Fold | null> {
  if (horizonMs === 0) return null;
  const pair = await trx
    .selectFrom('rollup_bases as a')
    .innerJoin('rollup_bases as b', (on) =>
      on.onRef('b.version', '=', 'a.version').on('b.first_cohort', '=', sql`a.last_cohort + 1`),
    )
    .select((eb) => [
      'a.first_cohort as first',
      'a.last_cohort as last',
      eb.fn.coalesce('a.events', sql<bigint>`0::bigint`).as('events'),
      'b.first_cohort as nextFirst',
      'b.last_cohort as nextLast',
      eb.fn.coalesce('b.events', sql<bigint>`0::bigint`).as('nextEvents'),
    ])
    .where('a.version', '=', version)
    .where('a.first_cohort', '>=', 0n)
    .where('a.folded_at', 'is not', null)
    .where('b.folded_at', 'is not', null)
    .where('b.last_cohort', '<', BigInt(Math.floor(horizonMs / COHORT_MS)))
    .whereRef('b.taken_over_from', 'is not distinct from', 'a.taken_over_from')
    .whereRef('b.lacks_rollups', '=', 'a.lacks_rollups')
    .select(TAKEN_OVER.as('takenOver'))
    .where(
      sql<boolean>`NOT EXISTS (
        SELECT FROM rollup_versions v WHERE v.version <> a.version
          AND ${isCovered('a.last_cohort')} <> ${isCovered('b.first_cohort')}
      )`,
    )
    .orderBy('a.first_cohort')
    .limit(1)
    .executeTakeFirst();
  if (pair === undefined) return null;
  const { first, last, events, takenOver, nextFirst, nextLast, nextEvents } = pair;
  return {
    unit: { first, last, events, isFolded: true, takenOver },
    others: [{ first: nextFirst, last: nextLast, events: nextEvents, isFolded: true, takenOver }],
  };
}

/** Whether the version `v` has taken a base of a cohort. */
function isCovered(cohort: string): RawBuilder<boolean> {
  return sql`coalesce((
    SELECT o.taken_at IS NOT NULL AND o.last_cohort >= ${sql.ref(cohort)} FROM rollup_bases o
    WHERE o.version = v.version AND o.first_cohort <= ${sql.ref(cohort)} ORDER BY o.first_cohort DESC LIMIT 1
  ), false)`;
}

interface LockedBase extends Omit<FoldableBase, 'takenOver'> {
  readonly sources: number[] | null;
  readonly offsets: string[] | null;
  readonly runId: bigint | null;
}

/** Null where another process is at one of them, or has changed it since it was chosen. */
async function lockBases(
  trx: DatabaseExecutor,
  version: number,
  { unit, others }: Fold,
): Promise<LockedBase[] | null> {
  const chosen = [unit, ...others];
  const rows = await trx
    .selectFrom('rollup_bases')
    .select((eb) => [
      'first_cohort as first',
      'last_cohort as last',
      eb.fn.coalesce('events', sql<bigint>`0::bigint`).as('events'),
      eb('folded_at', 'is not', null).$castTo<boolean>().as('isFolded'),
      'seen_sources as sources',
      'seen_offsets as offsets',
      'run_id as runId',
    ])
    .where('version', '=', version)
    .where(
      'first_cohort',
      'in',
      chosen.map(({ first }) => first),
    )
    .where('taken_at', 'is not', null)
    .orderBy('first_cohort')
    .forUpdate()
    .skipLocked()
    .execute();
  const isAsChosen = chosen.every(({ first, last, isFolded }, index) => {
    const base = rows[index];
    return base?.first === first && base.last === last && base.isFolded === isFolded;
  });
  return isAsChosen ? rows : null;
}

/** A note of events that not all of them count yet, or a backfill that would take the unit once for each base it gains. */
async function mustWait(
  trx: DatabaseExecutor,
  version: number,
  { unit, others }: Fold,
  seen: Vector,
): Promise<boolean> {
  const { rows } = await sql<{ waits: boolean }>`
    SELECT EXISTS (
      SELECT FROM late_notes n CROSS JOIN LATERAL unnest(n.source_ids, n.first_offsets) AS batch (source_id, first_offset)
      WHERE batch.first_offset < coalesce((${[...seen.values()]}::bigint[])[
        array_position(${[...seen.keys()]}::int[], batch.source_id)], 0)
    ) OR EXISTS (
      SELECT FROM backfill_runs WHERE version = ${version} AND state = 'running'
        AND seen_at > clock_timestamp() - make_interval(secs => ${sql.lit(BACKFILL_GONE_SECONDS)})
        AND last_cohort >= ${unit.first} AND first_cohort <= ${(others.at(-1) ?? unit).last}
    ) AS waits`.execute(trx);
  return rows[0]?.waits ?? true;
}

/** The unit takes the place of all. The backfill it names must have taken each of them. */
async function join(
  trx: DatabaseExecutor,
  version: number,
  { unit, others }: Fold,
  seen: Vector,
  locked: readonly LockedBase[],
): Promise<void> {
  const [runId, ...otherRuns] = new Set(locked.map(({ runId: taker }) => taker));
  if (others.length > 0) {
    await trx
      .deleteFrom('rollup_bases')
      .where('version', '=', version)
      .where(
        'first_cohort',
        'in',
        others.map(({ first }) => first),
      )
      .execute();
  }
  await trx
    .updateTable('rollup_bases')
    .set({
      last_cohort: (others.at(-1) ?? unit).last,
      seen_sources: [...seen.keys()],
      seen_offsets: [...seen.values()],
      events: locked.reduce((sum, { events }) => sum + events, 0n),
      run_id: otherRuns.length === 0 ? (runId ?? null) : null,
      folded_at: sql`clock_timestamp()`,
    })
    .where('version', '=', version)
    .where('first_cohort', '=', unit.first)
    .execute();
}

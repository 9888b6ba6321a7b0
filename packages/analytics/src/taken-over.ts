import type { Database, DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { type CohortRange, lackingBases } from './bases.ts';
import { COHORT_MS, cohortStartMs } from './cohorts.ts';
import { readDefinitions, type RollupDefinition } from './definitions.ts';
import { type Rollup, ROLLUPS } from './rollups.ts';
import { columnsOf } from './totals-sql.ts';
import { readPromotion } from './versions.ts';

/** Bases of a version whose events had left before it could sum them up: their rows are those of another version. */
export interface TakenOver extends CohortRange {
  readonly version: number;
  /** Whose rows they are, made by its rules. */
  readonly from: number;
  readonly bases: number;
  /** When they were summed up. */
  readonly events: bigint;
  /** Rollups of the version that the other one did not keep: nobody can tell them of these cohorts any more. */
  readonly lacks: readonly Rollup[];
}

interface SourceBase extends CohortRange {
  readonly sources: number[] | null;
  readonly offsets: string[] | null;
  readonly events: bigint | null;
  readonly foldedAt: Date | null;
  readonly from: number | null;
  readonly lacks: readonly string[];
}

/**
 * Takes over the next base below the horizon that the promoted version has and this one has not in whole, in one
 * transaction: nobody can sum it up any more. What this one has of its cohorts gives way, since rows of a folded base do not
 * say which cohort they are of.
 *
 * @returns false where there is none
 */
export async function takeOverNext(
  db: Database,
  { version, rollups }: RollupDefinition,
  { runId, range }: { readonly runId: bigint; readonly range: CohortRange },
): Promise<boolean> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (trx) => {
      const promotion = await readPromotion(trx);
      if (promotion === null || promotion.version === version) return false;
      const { version: from } = promotion;
      await lockOut(trx, version);
      const first = await firstLacking(trx, version, from, range);
      if (first === null) return false;
      const base = await lockBase(trx, from, first);
      await giveWay(trx, version, rollups, base);
      const kept = await rollupsOf(trx, from, base);
      for (const rollup of rollups.filter((one) => kept.includes(one))) {
        await copyRows(trx, rollup, { from, to: version }, base);
      }
      const origin = base.from === null || base.from === version ? from : base.from;
      await trx
        .insertInto('rollup_bases')
        .values({
          version,
          first_cohort: base.first,
          last_cohort: base.last,
          seen_sources: base.sources,
          seen_offsets: base.offsets?.map(BigInt) ?? null,
          events: base.events,
          taken_at: sql<Date>`clock_timestamp()`,
          run_id: runId,
          folded_at: base.foldedAt,
          taken_over_from: origin,
          lacks_rollups: rollups.filter((one) => !kept.includes(one)),
        })
        .execute();
      return true;
    });
}

/** Meanwhile no base is folded, no late event applied, and none of the version claimed. */
async function lockOut(trx: DatabaseExecutor, version: number): Promise<void> {
  await trx.selectFrom('rollup_progress').select('only_row').forUpdate().executeTakeFirstOrThrow();
  await trx
    .selectFrom('rollup_versions')
    .select('version')
    .where('version', '=', version)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

/** The first base of another version that begins below the horizon and is not covered by this one's. */
async function firstLacking(
  trx: DatabaseExecutor,
  version: number,
  from: number,
  range: CohortRange,
): Promise<bigint | null> {
  const { rows } = await sql<{ first: bigint }>`
    SELECT b.first_cohort AS first FROM ${lackingBases(version, from)} b
    WHERE b.first_cohort >= 0 AND b.first_cohort * ${COHORT_MS} < (SELECT horizon_ms FROM write_guards)
      AND b.first_cohort <= ${range.last} AND b.last_cohort >= ${range.first}
    ORDER BY b.first_cohort LIMIT 1`.execute(trx);
  return rows[0]?.first ?? null;
}

async function lockBase(
  trx: DatabaseExecutor,
  version: number,
  first: bigint,
): Promise<SourceBase> {
  return await trx
    .selectFrom('rollup_bases')
    .select([
      'first_cohort as first',
      'last_cohort as last',
      'seen_sources as sources',
      'seen_offsets as offsets',
      'events',
      'folded_at as foldedAt',
      'taken_over_from as from',
      'lacks_rollups as lacks',
    ])
    .where('version', '=', version)
    .where('first_cohort', '=', first)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

async function giveWay(
  trx: DatabaseExecutor,
  version: number,
  rollups: readonly Rollup[],
  { first, last }: CohortRange,
): Promise<void> {
  const own = await trx
    .deleteFrom('rollup_bases')
    .where('version', '=', version)
    .where('last_cohort', '>=', first)
    .where('first_cohort', '<=', last)
    .returning(['first_cohort as first', 'last_cohort as last'])
    .execute();
  for (const base of own) {
    for (const rollup of rollups) {
      await sql`DELETE FROM ${sql.table(ROLLUPS[rollup].table)} WHERE version = ${version}
        AND cohort BETWEEN ${base.first} AND ${base.last}`.execute(trx);
    }
  }
}

/** Of which rollups a version has rows in a base. */
async function rollupsOf(
  trx: DatabaseExecutor,
  version: number,
  { lacks }: SourceBase,
): Promise<readonly Rollup[]> {
  const definition = (await readDefinitions(trx)).find((one) => one.version === version);
  return (definition?.rollups ?? []).filter((one) => !lacks.includes(one));
}

async function copyRows(
  trx: DatabaseExecutor,
  rollup: Rollup,
  { from, to }: { readonly from: number; readonly to: number },
  { first, last }: CohortRange,
): Promise<void> {
  const columns = columnsOf(rollup).filter((column) => column !== 'version');
  const list = sql.raw(columns.join(', '));
  const table = sql.table(ROLLUPS[rollup].table);
  await sql`INSERT INTO ${table} (version, ${list})
    SELECT ${to}::int, ${list} FROM ${table} WHERE version = ${from} AND cohort BETWEEN ${first} AND ${last}`.execute(
    trx,
  );
}

/** What versions have taken over from others, in order; none where they could sum up all that they have. */
export async function readTakenOver(db: DatabaseExecutor): Promise<TakenOver[]> {
  const rows = await db
    .selectFrom('rollup_bases')
    .select(({ fn, ref }) => [
      'version',
      ref('taken_over_from').$notNull().as('from'),
      'lacks_rollups as lacks',
      fn.countAll<bigint>().as('bases'),
      fn.coalesce(fn.sum<string>('events'), sql<string>`0`).as('events'),
      fn.min('first_cohort').as('first'),
      fn.max('last_cohort').as('last'),
    ])
    .where('taken_over_from', 'is not', null)
    .groupBy(['version', 'taken_over_from', 'lacks_rollups'])
    .orderBy('version')
    .orderBy('first')
    .execute();
  return rows.map(({ bases, events, lacks, ...row }) => ({
    ...row,
    bases: Number(bases),
    events: BigInt(events),
    lacks: lacks as Rollup[],
  }));
}

/** One sentence for people. */
export function takenOverText({
  version,
  from,
  bases,
  events,
  first,
  last,
  lacks,
}: TakenOver): string {
  const born = `impressions born from ${new Date(cohortStartMs(first)).toISOString()} to ${new Date(cohortStartMs(last + 1n)).toISOString()}`;
  const missing =
    lacks.length === 0
      ? ''
      : `; of ${lacks.join(', ')} it has nothing there, since version ${from} did not keep that`;
  return `version ${version} has ${bases} bases (${events} events) of ${born} from version ${from}, by whose rules they were summed up: their events were purged, so they were not recomputed${missing}`;
}

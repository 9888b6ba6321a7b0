import {
  type AuditOffence,
  type DatabaseExecutor,
  type ExtraCheck,
  readWriteGuards,
} from '@adtally/db';
import { EVENT_TYPES } from '@adtally/event-schema';
import { type RawBuilder, sql } from 'kysely';
import { inputOfBase, isSummedUp, planAsEver, planForBases } from './base-input.ts';
import type { Base, CohortRange } from './bases.ts';
import { COHORT_MS, cohortStartMs } from './cohorts.ts';
import { daySumOffences } from './day-sums-check.ts';
import { readDefinitions, type RollupDefinition } from './definitions.ts';
import { KINDS, MEASURES } from './measures.ts';
import { readRollupNeeds, rollupNeedText } from './rollup-needs.ts';
import { type Rollup, ROLLUPS } from './rollups.ts';
import { readTakenOver, takenOverText } from './taken-over.ts';
import { purgedTimelessEvents } from './timeless/take-over.ts';
import { columnsOf, keyOf, selectTotals, totalsOf } from './totals-sql.ts';

export interface RollupsCheckOptions {
  /** Every base, that of the ids without a time too; else some of each version, chosen by chance. */
  readonly full: boolean;
}

const SAMPLED_BASES = 20;
/** A folded base may hold an hour of full load: those are left to a full check. */
const SAMPLED_EVENTS_MAX = 3_000_000n;

/**
 * I11 for the audit: the rollups of a base are those that its events come to, summed up anew from the
 * events it has seen and had applied, and count every one of them whatever its type. Exact while writers and worker go on, since all is one snapshot.
 * A folded base is held to its sums by hour, whichever of its cohorts a row has, and the sums by day to those. Bases whose events retention took cannot be
 * checked, which a note says; nothing can change them. A sample leaves out what takes long. A version is held to the rollups it keeps; one that is
 * declared and not kept yet is no offence, but a note says what it needs.
 */
export function rollupsCheck(options: RollupsCheckOptions): ExtraCheck {
  return {
    id: 'rollups',
    name: options.full
      ? 'every rollup is what its events come to'
      : 'rollups are what their events come to (a sample of each version)',
    async run(trx) {
      const offences: AuditOffence[] = [];
      const purged: string[] = [];
      for (const definition of await readDefinitions(trx)) {
        for (const base of await basesToCheck(trx, definition.version, options)) {
          await planForBases(trx, base);
          const rows = await differingRows(trx, definition, base);
          const problems = [
            ...(rows > 0n ? [`${rows} rows differ from a recompute`] : []),
            ...(await miscountedTypes(trx, definition, base)),
          ];
          if (problems.length > 0) offences.push(offenceOf(definition, base, problems));
        }
        await planAsEver(trx);
        offences.push(...(await daySumOffences(trx, definition, options)));
        purged.push(...(await purgedNotes(trx, definition.version)));
        purged.push(...(await purgedTimelessNotes(trx, definition.version)));
      }
      const needs = (await readRollupNeeds(trx)).map(rollupNeedText);
      const takenOver = (await readTakenOver(trx)).map(takenOverText);
      return { offences, notes: [...needs, ...purged, ...takenOver] };
    },
  };
}

async function basesToCheck(
  trx: DatabaseExecutor,
  version: number,
  { full }: RollupsCheckOptions,
): Promise<Base[]> {
  const { horizonMs } = await readWriteGuards(trx);
  const checkable = trx
    .selectFrom('rollup_bases')
    .select((eb) => [
      'first_cohort as first',
      'last_cohort as last',
      eb('folded_at', 'is not', null).$castTo<boolean>().as('isFolded'),
    ])
    .where('version', '=', version)
    .where('taken_at', 'is not', null)
    .where(sql<boolean>`(first_cohort < 0 OR first_cohort * ${COHORT_MS} >= ${horizonMs})`);
  if (full) return await checkable.orderBy('first_cohort').execute();
  const timed = checkable
    .where('first_cohort', '>=', 0n)
    .where((eb) => eb.or([eb('folded_at', 'is', null), eb('events', '<=', SAMPLED_EVENTS_MAX)]));
  return await timed
    .orderBy(sql`random()`)
    .limit(SAMPLED_BASES)
    .execute();
}

/** Of what nobody can compute anew any more, since retention took its events. */
async function purgedNotes(trx: DatabaseExecutor, version: number): Promise<string[]> {
  const { horizonMs } = await readWriteGuards(trx);
  const { bases, events } = await trx
    .selectFrom('rollup_bases')
    .select((eb) => [
      eb.fn.countAll<bigint>().as('bases'),
      eb.fn.coalesce(eb.fn.sum<string>('events'), sql<string>`0`).as('events'),
    ])
    .where('version', '=', version)
    .where('taken_at', 'is not', null)
    .where('taken_over_from', 'is', null)
    .where(sql<boolean>`(first_cohort >= 0 AND first_cohort * ${COHORT_MS} < ${horizonMs})`)
    .executeTakeFirstOrThrow();
  if (events === '0') return [];
  return [
    `version ${version}: ${bases} bases (${events} events when they were summed up) hold impressions born before ${new Date(horizonMs).toISOString()}, whose events were purged: nothing to compare them with`,
  ];
}

/** Of ids without a time whose events left. */
async function purgedTimelessNotes(trx: DatabaseExecutor, version: number): Promise<string[]> {
  const events = await purgedTimelessEvents(trx, version);
  if (events === 0n) return [];
  return [
    `version ${version}: ${events} events whose ids are no UUIDv7 left by TIMELESS_RETENTION_DAYS: nothing to compare their sums with`,
  ];
}

/** Rows of the version's rollups that are not as they should be, or are missing. */
async function differingRows(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  base: Base,
): Promise<bigint> {
  const { version } = definition;
  const compared = definition.rollups.map((rollup) => {
    const rows = sql`${sql.table(ROLLUPS[rollup].table)}
      WHERE version = ${version} AND cohort BETWEEN ${base.first} AND ${base.last}`;
    const actual = base.isFolded
      ? sql`SELECT ${sql.raw(foldedColumns(rollup))} FROM (SELECT ${base.first}::bigint AS unit, * FROM ${rows}) kept
          GROUP BY ${sql.raw(foldedKey(rollup))}`
      : sql`SELECT ${sql.raw(columnsOf(rollup).join(', '))} FROM ${rows}`;
    const expected = selectTotals(rollup, definition);
    return sql`SELECT count(*) AS n FROM (
      ((${actual}) EXCEPT ALL (${expected})) UNION ALL ((${expected}) EXCEPT ALL (${actual}))) differing`;
  });
  const { rows } = await sql<{ n: bigint }>`
    WITH ${seenInputOf(version, base)},
    ${totalsOf('impression_id', definition)}
    SELECT sum(n)::bigint AS n FROM (${sql.join(compared, sql` UNION ALL `)}) each`.execute(trx);
  return rows[0]?.n ?? 0n;
}

function foldedKey(rollup: Rollup): string {
  return ['version', 'unit', ...keyOf(rollup).slice(2)].join(', ');
}

function foldedColumns(rollup: Rollup): string {
  return [foldedKey(rollup), ...MEASURES.map((name) => `sum(${name}) AS ${name}`)].join(', ');
}

/**
 * The base's events that the rollups must count, as `input`: those before max(W, V).
 */
function seenInputOf(version: number, base: Base): RawBuilder<unknown> {
  const counted = sql.raw(isSummedUp('seen', 'seen'));
  return sql`seen AS MATERIALIZED (
      SELECT b.seen_sources, b.seen_offsets, p.applied_sources, p.applied_offsets
      FROM rollup_bases b, rollup_progress p WHERE version = ${version} AND first_cohort = ${base.first}
    ),
    ${inputOfBase(base, sql`(SELECT ${counted} FROM seen)`)}`;
}

interface TypeCount {
  /** Null: as the events are stored. */
  readonly rollup: Rollup | null;
  readonly type: string;
  readonly n: bigint;
}

/**
 * Event types of which a rollup counts more or fewer than are stored, in words. Shares nothing with the
 * text that attributes events: what that leaves out (a type this build does not know, say) is found here,
 * where a recompute by the same text would agree.
 */
async function miscountedTypes(
  trx: DatabaseExecutor,
  { version, rollups }: RollupDefinition,
  base: Base,
): Promise<string[]> {
  const counted = rollups.map(
    (rollup) => sql`SELECT ${sql.lit(rollup)}, by_type.type, by_type.n
      FROM (SELECT ${sql.raw(COUNTED_BY_TYPE)} FROM ${sql.table(ROLLUPS[rollup].table)}
            WHERE version = ${version} AND cohort BETWEEN ${base.first} AND ${base.last}) sums
      CROSS JOIN LATERAL (VALUES ${sql.raw(EVENT_TYPES.map((type) => `('${type}', sums."${type}")`).join(', '))})
        AS by_type (type, n)`,
  );
  const { rows } = await sql<TypeCount>`
    WITH ${seenInputOf(version, base)}
    SELECT NULL AS rollup, event_type::text AS type, count(*) AS n FROM input GROUP BY 2
    UNION ALL ${sql.join(counted, sql` UNION ALL `)}`.execute(trx);
  const nOf = (type: string, rollup: Rollup | null) =>
    rows.find((row) => row.type === type && row.rollup === rollup)?.n ?? 0n;
  const types = new Set(rows.map(({ type }) => type));
  return [...types].flatMap((type) =>
    rollups
      .filter((rollup) => nOf(type, rollup) !== nOf(type, null))
      .map(
        (rollup) =>
          `of ${nOf(type, null)} events of type "${type}" ${ROLLUPS[rollup].table} counts ${nOf(type, rollup)}`,
      ),
  );
}

/** One column an event type: how many events of it a rollup's rows count. */
const COUNTED_BY_TYPE = EVENT_TYPES.map((type) => {
  const counts = Object.values(KINDS).filter(({ of }) => of === type);
  const sum = counts.map(({ count }) => count).join(' + ') || '0';
  return `coalesce(sum(${sum}), 0)::bigint AS "${type}"`;
}).join(', ');

function offenceOf(
  { version }: RollupDefinition,
  { first, last }: CohortRange,
  problems: readonly string[],
): AuditOffence {
  const when =
    first < 0n
      ? 'ids without a time'
      : `impressions born from ${new Date(cohortStartMs(first)).toISOString()} to ${new Date(cohortStartMs(last + 1n)).toISOString()}`;
  return {
    source: null,
    detail: `version ${version}, ${when}: ${problems.join('; ')}`,
    firstOffset: null,
    endOffset: null,
  };
}

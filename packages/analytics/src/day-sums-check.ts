import type { AuditOffence, DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import type { RollupDefinition } from './definitions.ts';
import { MEASURES } from './measures.ts';
import { daysTableOf, dimensionsIn, type Rollup, ROLLUPS } from './rollups.ts';

const SAMPLED_DAYS = 3;
const ROW_DAY = `(hour AT TIME ZONE 'UTC')::date`;

/**
 * Where a version's sums by day are not those of the rows that are marked as summed up there: every day, or some chosen by
 * chance. The rows by hour themselves are held to the events, by base (`rollupsCheck`).
 */
export async function daySumOffences(
  trx: DatabaseExecutor,
  { version, rollups }: RollupDefinition,
  { full }: { readonly full: boolean },
): Promise<AuditOffence[]> {
  const offences: AuditOffence[] = [];
  for (const rollup of rollups) {
    const days = full ? null : await someDays(trx, version, rollup);
    for (const { day, rows } of await differingDays(trx, version, rollup, days)) {
      const detail = `version ${version}, ${day}: ${rows} rows of ${daysTableOf(rollup)} are not the sums of their hours`;
      offences.push({ source: null, detail, firstOffset: null, endOffset: null });
    }
  }
  return offences;
}

/** Between the first and the last day of which anything is stored: also one that should have sums and has none. */
async function someDays(
  trx: DatabaseExecutor,
  version: number,
  rollup: Rollup,
): Promise<readonly string[]> {
  const days = sql.table(daysTableOf(rollup));
  const hours = sql`${sql.table(ROLLUPS[rollup].table)} WHERE version = ${version} AND in_days`;
  const { rows } = await sql<{ day: string }>`
    SELECT (first + floor(random() * (last - first + 1))::int)::text AS day
    FROM (SELECT least((SELECT min(day) FROM ${days} WHERE version = ${version}), (SELECT min(${sql.raw(ROW_DAY)}) FROM ${hours})) AS first,
                 greatest((SELECT max(day) FROM ${days} WHERE version = ${version}), (SELECT max(${sql.raw(ROW_DAY)}) FROM ${hours})) AS last) span
    CROSS JOIN generate_series(1, ${sql.lit(SAMPLED_DAYS)}) WHERE first IS NOT NULL`.execute(trx);
  return rows.map(({ day }) => day);
}

async function differingDays(
  trx: DatabaseExecutor,
  version: number,
  rollup: Rollup,
  days: readonly string[] | null,
): Promise<readonly { readonly day: string; readonly rows: bigint }[]> {
  const isAsked = (day: string) =>
    days === null ? sql`true` : sql`${sql.raw(day)} = ANY (${days}::date[])`;
  const key = [...dimensionsIn(rollup), 'currency'].join(', ');
  const sums = MEASURES.map((name) => `sum(${name})`).join(', ');
  const kept = sql`SELECT day, ${sql.raw([key, ...MEASURES].join(', '))} FROM ${sql.table(daysTableOf(rollup))}
    WHERE version = ${version} AND ${isAsked('day')}`;
  const expected = sql`SELECT ${sql.raw(`${ROW_DAY}, ${key}, ${sums}`)} FROM ${sql.table(ROLLUPS[rollup].table)}
    WHERE version = ${version} AND in_days AND ${isAsked(ROW_DAY)} GROUP BY ${sql.raw(`${ROW_DAY}, ${key}`)}`;
  const { rows } = await sql<{ day: string; rows: bigint }>`
    SELECT day::text AS day, count(*) AS rows FROM (
      ((${kept}) EXCEPT ALL (${expected})) UNION ALL ((${expected}) EXCEPT ALL (${kept}))) differing
    GROUP BY day ORDER BY day`.execute(trx);
  return rows;
}

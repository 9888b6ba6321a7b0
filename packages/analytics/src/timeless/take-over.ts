import { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS, type DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { PURGED_TIMELESS } from '../cohorts.ts';
import { readDefinitions, type RollupDefinition } from '../definitions.ts';
import { COUNTS } from '../measures.ts';
import { ROLLUPS } from '../rollups.ts';
import { columnsOf } from '../totals-sql.ts';

/** Of whom a version that begins has what ids without a time came to whose events left, and how many events that are. */
export interface KeptTimeless {
  readonly version: number;
  readonly events: bigint;
}

const EVENTS = sql.raw<bigint>(
  `coalesce(sum(${COUNTS.map((count) => `r.${count}`).join(' + ')}), 0)::bigint`,
);

/** How many events a version counts in such rows. */
export async function purgedTimelessEvents(
  trx: DatabaseExecutor,
  version: number,
): Promise<bigint> {
  const { events } = await trx
    .selectFrom('rollup_by_campaign as r')
    .select(EVENTS.as('events'))
    .where('version', '=', version)
    .where('cohort', '=', PURGED_TIMELESS)
    .executeTakeFirstOrThrow();
  return events;
}

/**
 * What a version cannot compute any more, and would take over from another one: from the one that readers see, or else
 * the newest one. Null where nothing left, or the version has such rows of its own.
 */
export async function timelessToTakeOver(
  trx: DatabaseExecutor,
  version: number,
): Promise<KeptTimeless | null> {
  const { rows } = await sql<KeptTimeless>`
    SELECT v.version, kept.events FROM rollup_versions v
    CROSS JOIN LATERAL (
      SELECT ${EVENTS} AS events FROM rollup_by_campaign r
      WHERE r.version = v.version AND r.cohort = ${PURGED_TIMELESS}::bigint
    ) kept
    WHERE kept.events > 0 AND NOT EXISTS (
      SELECT FROM rollup_by_campaign own WHERE own.version = ${version} AND own.cohort = ${PURGED_TIMELESS}::bigint)
    ORDER BY v.version = (SELECT p.version FROM rollup_promotion p) DESC NULLS LAST, v.version DESC LIMIT 1`.execute(
    trx,
  );
  return rows[0] ?? null;
}

/**
 * Until the transaction ends either events of ids without a time leave, or bases of them are computed: who computes one
 * reads events and what is kept of others in two statements, and none may be in both, or in neither.
 */
export async function whileNoneLeave(
  trx: DatabaseExecutor,
  purpose: 'to let some leave' | 'to compute a base',
): Promise<void> {
  const lock =
    purpose === 'to let some leave' ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared';
  await sql`SELECT ${sql.raw(lock)}(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.timeless)})`.execute(
    trx,
  );
}

/**
 * For a version whose base of ids without a time is computed: what such ids came to whose events left, as another version
 * has it. Of a rollup that the other one does not keep there is nothing.
 */
export async function takeOverTimeless(
  trx: DatabaseExecutor,
  { version, rollups }: RollupDefinition,
): Promise<void> {
  const kept = await timelessToTakeOver(trx, version);
  if (kept === null) return;
  const other = (await readDefinitions(trx)).find((one) => one.version === kept.version);
  for (const rollup of rollups) {
    if (other?.rollups.includes(rollup) !== true) continue;
    const [, ...columns] = columnsOf(rollup);
    const list = sql.raw(columns.join(', '));
    await sql`INSERT INTO ${sql.table(ROLLUPS[rollup].table)} (version, ${list})
      SELECT ${version}::int, ${list} FROM ${sql.table(ROLLUPS[rollup].table)}
      WHERE version = ${kept.version} AND cohort = ${PURGED_TIMELESS}::bigint`.execute(trx);
  }
}

import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { PURGED_TIMELESS } from '../cohorts.ts';
import { readDefinitions, type RollupDefinition } from '../definitions.ts';
import { COUNTS } from '../measures.ts';
import { type Rollup, ROLLUPS } from '../rollups.ts';
import { RefusedError } from '../versions.ts';
import { type Asked, isOfCampaign } from './asked.ts';
import { isOfHoursIn } from './kept-rows.ts';

/** Whose figures a version shows in the place of its own, of some of those that are asked for. */
interface TakenOverPart {
  readonly from: number;
  readonly lacks: readonly string[];
}

/** Of what is asked, what the version took over from others since its events were purged (taken-over.ts). */
async function takenOverParts(
  trx: DatabaseExecutor,
  version: number,
  asked: Asked,
): Promise<TakenOverPart[]> {
  const { rows } = await sql<TakenOverPart>`
    SELECT DISTINCT b.taken_over_from AS from, b.lacks_rollups AS lacks FROM rollup_bases b
    WHERE b.version = ${version} AND b.taken_over_from IS NOT NULL AND EXISTS (
      SELECT FROM rollup_by_campaign r
      WHERE r.version = b.version AND r.cohort BETWEEN b.first_cohort AND b.last_cohort
        AND ${isOfHoursIn(asked.period)} AND ${isOfCampaign(asked)}
    )`.execute(trx);
  return rows;
}

/** @throws RefusedError where some of what is asked left before this version could sum it up by that rollup */
export async function requireRollupOf(
  trx: DatabaseExecutor,
  { version }: RollupDefinition,
  rollup: Rollup,
  asked: Asked,
): Promise<void> {
  const lacking = (await takenOverParts(trx, version, asked)).find(({ lacks }) =>
    lacks.includes(rollup),
  );
  if (lacking !== undefined) {
    throw new RefusedError(
      `rollup "${rollup}" is newer than some of these events, which were purged: version ${version} has them from version ${lacking.from}, which did not keep it. Ask for a later time, or by campaign`,
    );
  }
  if (await lacksTimeless(trx, version, rollup, asked)) {
    throw new RefusedError(
      `rollup "${rollup}" is newer than some of these events, whose ids are no UUIDv7 and which left by TIMELESS_RETENTION_DAYS: version ${version} has them from one that did not keep it. Ask for a later time, or by campaign`,
    );
  }
}

/** Whether of what is asked events left that `campaign`, which every version keeps, has and that rollup has not. */
async function lacksTimeless(
  trx: DatabaseExecutor,
  version: number,
  rollup: Rollup,
  asked: Asked,
): Promise<boolean> {
  const counted = (of: Rollup) => sql`
    SELECT sum(${sql.join(
      COUNTS.map((column) => sql.ref(column)),
      sql` + `,
    )}) AS events FROM ${sql.table(ROLLUPS[of].table)}
    WHERE version = ${version} AND cohort = ${PURGED_TIMELESS}::bigint
      AND ${isOfHoursIn(asked.period)} AND ${isOfCampaign(asked)}`;
  const { rows } = await sql<{ lacks: boolean }>`
    SELECT a.events IS DISTINCT FROM b.events AS lacks
    FROM (${counted('campaign')}) a, (${counted(rollup)}) b`.execute(trx);
  return rows[0]?.lacks === true;
}

/** Other versions by whose rules some of what is asked was summed up; none where all is by this one's. */
export async function otherRulesIn(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  asked: Asked,
): Promise<number[]> {
  const parts = await takenOverParts(trx, definition.version, asked);
  if (parts.length === 0) return [];
  const definitions = await readDefinitions(trx);
  return [...new Set(parts.map(({ from }) => from))].filter((from) => {
    const other = definitions.find(({ version }) => version === from);
    return other === undefined || rulesOf(other) !== rulesOf(definition);
  });
}

function rulesOf({ algorithm, windowMs, toleranceMs }: RollupDefinition): string {
  return JSON.stringify([algorithm, windowMs, toleranceMs]);
}

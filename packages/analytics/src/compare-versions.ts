import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { MEASURES, type Measure } from './measures.ts';

/** Where two versions differ. Money is in micros. */
export interface VersionDifference {
  readonly campaignId: string;
  readonly currency: string;
  readonly measure: Measure;
  readonly left: bigint;
  readonly right: bigint;
}

/**
 * Every sum by campaign in which two versions differ, over cohorts of which both have summed up a base: what one of them took
 * over (taken-over.ts) is not of its making. Of a folded base that only partly lies in them nothing is compared: its rows do
 * not say which of its cohorts they are of.
 */
export async function compareVersions(
  db: DatabaseExecutor,
  left: number,
  right: number,
): Promise<VersionDifference[]> {
  const sums = sql.raw(MEASURES.map((name) => `sum(${name}) AS ${name}`).join(', '));
  const pairs = sql.raw(
    MEASURES.map(
      (name) => `('${name}', coalesce(l.${name}, 0)::numeric, coalesce(r.${name}, 0)::numeric)`,
    ).join(', '),
  );
  const of = (version: number) => sql`
    SELECT campaign_id, currency, ${sums} FROM rollup_by_campaign c
    WHERE version = ${version} AND (SELECT cohorts FROM common) @> c.cohort
    GROUP BY 1, 2`;
  const { rows } = await sql<{
    campaign_id: string;
    currency: string;
    measure: Measure;
    left: string;
    right: string;
  }>`
    WITH RECURSIVE taken AS (
      SELECT version, range_agg(int8range(first_cohort, last_cohort, '[]')) AS cohorts
      FROM rollup_bases WHERE version IN (${left}, ${right}) AND taken_at IS NOT NULL AND taken_over_from IS NULL GROUP BY 1
    ),
    folded AS (
      SELECT int8range(first_cohort, last_cohort, '[]') AS cohorts
      FROM rollup_bases WHERE version IN (${left}, ${right}) AND folded_at IS NOT NULL
    ),
    -- What one folded base loses may cut one of the other version: until none is cut.
    shrinking AS (
      SELECT coalesce((SELECT cohorts FROM taken WHERE version = ${left})
                    * (SELECT cohorts FROM taken WHERE version = ${right}), '{}') AS cohorts
      UNION
      SELECT s.cohorts - coalesce((SELECT range_agg(f.cohorts) FROM folded f
                                   WHERE s.cohorts && f.cohorts AND NOT s.cohorts @> f.cohorts), '{}')
      FROM shrinking s
    ),
    common AS (
      SELECT cohorts FROM shrinking s
      WHERE NOT EXISTS (SELECT FROM folded f WHERE s.cohorts && f.cohorts AND NOT s.cohorts @> f.cohorts)
    ),
    l AS (${of(left)}), r AS (${of(right)})
    SELECT campaign_id, currency, m.measure, m.l::text AS left, m.r::text AS right
    FROM l FULL JOIN r USING (campaign_id, currency)
    CROSS JOIN LATERAL (VALUES ${pairs}) AS m (measure, l, r)
    WHERE m.l <> m.r
    ORDER BY 1, 2, 3`.execute(db);
  return rows.map((row) => ({
    campaignId: row.campaign_id,
    currency: row.currency,
    measure: row.measure,
    left: BigInt(row.left),
    right: BigInt(row.right),
  }));
}

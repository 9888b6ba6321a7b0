import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/** What readers see of a campaign over all days; money in micros. */
export interface CampaignTotalsRow {
  readonly campaign_id: string;
  readonly currency: string;
  readonly impressions: number;
  readonly clicks: number;
  readonly click_conversions: number;
  readonly view_conversions: number;
  readonly unmatched_clicks: number;
  readonly unmatched_conversions: number;
  readonly spend_micros: bigint;
  readonly value_micros: bigint;
}

/** The promoted version's sums by campaign and currency, over all days. */
export async function readCampaignTotals(db: DatabaseExecutor): Promise<CampaignTotalsRow[]> {
  const { rows } = await sql<
    Omit<CampaignTotalsRow, 'spend_micros' | 'value_micros'> & { spend: string; value: string }
  >`SELECT campaign_id, currency, sum(impressions)::float8 AS impressions, sum(clicks)::float8 AS clicks,
      sum(click_conversions)::float8 AS click_conversions, sum(view_conversions)::float8 AS view_conversions,
      sum(unmatched_clicks)::float8 AS unmatched_clicks,
      sum(unmatched_conversions)::float8 AS unmatched_conversions,
      sum(spend_micros)::text AS spend, sum(value_micros)::text AS value
    FROM report_campaign_daily GROUP BY 1, 2 ORDER BY 1, 2`.execute(db);
  return rows.map(({ spend, value, ...row }) => ({
    ...row,
    spend_micros: BigInt(spend),
    value_micros: BigInt(value),
  }));
}

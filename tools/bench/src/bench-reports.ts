import type { KafkaSettings } from '@adtally/kafka';
import type { StackAddresses } from '@adtally/local-stack';
import { type Asked, measureReports } from './reports/measure-reports.ts';
import { withServers } from './servers.ts';
import { median, rounded } from './stats.ts';

export interface BenchReportsOptions {
  readonly campaigns: number;
  /** Of 30 days each. */
  readonly months: number;
  /** Of each campaign on each day, but for the day and the month that are read. */
  readonly impressions: number;
  readonly onProgress: (text: string) => void;
}

/** What a report took: least, median and greatest of 21, after one that warmed up. */
interface Took {
  /** Null where it is measured without one. */
  readonly goal_ms: number | null;
  readonly min_ms: number;
  readonly median_ms: number;
  readonly max_ms: number;
  /** Of the rollup, by hour, that its figures are the sums of. */
  readonly rows: number;
  readonly meets_goal: boolean | null;
}

/** The one object of `./dev bench report --json`. */
export interface ReportsReport {
  readonly campaigns: number;
  readonly days: number;
  readonly events: number;
  readonly fill_seconds: number;
  /** Of the machine over a minute, before and after reports were read. */
  readonly load: readonly [before: number, after: number];
  readonly campaign_month: Took;
  readonly campaign_month_view: Took;
  readonly all_campaigns_full_day: Took;
  readonly all_campaigns_full_day_view: Took;
  /** A day with as few impressions of each campaign as asked for. */
  readonly all_campaigns_other_day: Took;
  /** The full day of a zone whose days do not begin with those of UTC: from hours. */
  readonly all_campaigns_zone_day: Took;
  /** Of all three rollups, indexes and sums by day included. */
  readonly bytes_per_campaign_and_day: number;
  /** Of these, the sums by day. */
  readonly day_sums_bytes_per_campaign_and_day: number;
  readonly rows_per_campaign_and_day: number;
  readonly exact: boolean;
}

const MONTH_GOAL_MS = 20;
const DAY_GOAL_MS = 100;

/** Measures what reports cost with months of many campaigns stored. */
export async function benchReports(
  addresses: StackAddresses,
  kafka: KafkaSettings,
  options: BenchReportsOptions,
): Promise<ReportsReport> {
  const { campaigns, onProgress } = options;
  return await withServers(addresses, kafka, async (servers) => {
    const found = await measureReports(servers, options, onProgress);
    const campaignDays = campaigns * found.days;
    return {
      campaigns,
      days: found.days,
      events: found.events,
      fill_seconds: rounded(found.fillSeconds, 1),
      load: [rounded(found.load[0], 1), rounded(found.load[1], 1)],
      campaign_month: took(found.month, MONTH_GOAL_MS),
      campaign_month_view: took(found.monthView, MONTH_GOAL_MS),
      all_campaigns_full_day: took(found.day, DAY_GOAL_MS),
      all_campaigns_full_day_view: took(found.dayView, DAY_GOAL_MS),
      all_campaigns_other_day: took(found.otherDay, DAY_GOAL_MS),
      all_campaigns_zone_day: took(found.zoneDay, null),
      bytes_per_campaign_and_day: Math.round(found.rollupBytes / campaignDays),
      day_sums_bytes_per_campaign_and_day: Math.round(found.dayBytes / campaignDays),
      rows_per_campaign_and_day: rounded((found.rollupRows + found.dayRows) / campaignDays, 2),
      exact: found.isExact,
    };
  });
}

function took({ tookMs, rows }: Asked, goalMs: number | null): Took {
  const middle = median(tookMs);
  return {
    goal_ms: goalMs,
    min_ms: rounded(Math.min(...tookMs), 1),
    median_ms: rounded(middle, 1),
    max_ms: rounded(Math.max(...tookMs), 1),
    rows,
    meets_goal: goalMs === null ? null : middle <= goalMs,
  };
}

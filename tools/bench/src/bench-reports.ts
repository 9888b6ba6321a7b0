import type { KafkaSettings } from '@adtally/kafka';
import type { StackAddresses } from '@adtally/local-stack';
import { measureReports } from './reports/measure-reports.ts';
import { withServers } from './servers.ts';
import { rounded } from './stats.ts';

export interface BenchReportsOptions {
  readonly campaigns: number;
  /** Of 30 days each. */
  readonly months: number;
  /** Of each campaign on each day, but for the day and the month that are read. */
  readonly impressions: number;
  readonly onProgress: (text: string) => void;
}

/** What a report took: least, median and greatest of nine, after one that warmed up. */
interface Took {
  readonly goal_ms: number;
  readonly min_ms: number;
  readonly median_ms: number;
  readonly max_ms: number;
  /** Of the rollup, that it adds up. */
  readonly rows: number;
  readonly meets_goal: boolean;
}

/** The one object of `./dev bench report --json`. */
export interface ReportsReport {
  readonly campaigns: number;
  readonly days: number;
  readonly events: number;
  readonly fill_seconds: number;
  readonly campaign_month: Took;
  readonly all_campaigns_full_day: Took;
  /** A day with as few impressions of each campaign as asked for. */
  readonly all_campaigns_other_day: Took;
  /** Of all three rollups, indexes included. */
  readonly bytes_per_campaign_and_day: number;
  readonly rows_per_campaign_and_day: number;
  readonly bytes_per_row: number;
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
      campaign_month: took(found.monthMs, found.monthRows, MONTH_GOAL_MS),
      all_campaigns_full_day: took(found.dayMs, found.dayRows, DAY_GOAL_MS),
      all_campaigns_other_day: took(found.otherDayMs, found.otherDayRows, DAY_GOAL_MS),
      bytes_per_campaign_and_day: Math.round(found.rollupBytes / campaignDays),
      rows_per_campaign_and_day: rounded(found.rollupRows / campaignDays, 2),
      bytes_per_row: Math.round(found.rollupBytes / found.rollupRows),
      exact: found.isExact,
    };
  });
}

function took(
  [min = 0, middle = 0, max = 0]: readonly number[],
  rows: number,
  goalMs: number,
): Took {
  return {
    goal_ms: goalMs,
    min_ms: rounded(min, 1),
    median_ms: rounded(middle, 1),
    max_ms: rounded(max, 1),
    rows,
    meets_goal: middle <= goalMs,
  };
}

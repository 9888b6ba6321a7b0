import { benchReports, type ReportsReport } from '@adtally/bench';
import {
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  wholeNumber,
} from '@adtally/command-line';
import { onStack } from './on-stack.ts';

const CAMPAIGNS_MAX = 20_000;
const MONTHS_MAX = 36;
const IMPRESSIONS_MAX = 24;

export const report = command({
  description: `Stores months of every campaign day after day, sums them up and folds them as the worker does, then reads reports:
one campaign's month by day, all campaigns' day. What is read is full: rows in every hour.
Exit code 0 only when reports are what plain sums over the events come to.`,
  options: {
    campaigns: option(wholeNumber(1, CAMPAIGNS_MAX), 'how many', { default: 5_000 }),
    months: option(wholeNumber(1, MONTHS_MAX), 'of 30 days', { default: 13 }),
    impressions: option(wholeNumber(1, IMPRESSIONS_MAX), 'of each campaign on each other day', {
      default: 1,
    }),
    ...JSON_OPTION,
  },
  run: async ({ options: { campaigns, months, impressions, json } }) => {
    const found = await onStack((addresses, kafka, onProgress) =>
      benchReports(addresses, kafka, { campaigns, months, impressions, onProgress }),
    );
    if (json) printJson(found);
    else process.stdout.write(`${reportText(found)}\n`);
    return found.exact ? EXIT.success : EXIT.failure;
  },
});

/** The report for people. */
function reportText(found: ReportsReport): string {
  const took = ({
    goal_ms,
    min_ms,
    median_ms,
    max_ms,
    rows,
    meets_goal,
  }: ReportsReport['campaign_month']) => [
    `${median_ms}`,
    `ms (${min_ms} to ${max_ms}), sums of ${rows} rows${goal_ms === null ? '' : `; goal ${goal_ms}: ${meets_goal ? 'met' : 'MISSED'}`}`,
  ];
  return formatTable(
    [
      [
        'stored',
        `${found.events}`,
        `events of ${found.campaigns} campaigns and ${found.days} days`,
      ],
      ["one campaign's month", ...took(found.campaign_month)],
      ['  by the view', ...took(found.campaign_month_view)],
      ["all campaigns' full day", ...took(found.all_campaigns_full_day)],
      ['  by the view', ...took(found.all_campaigns_full_day_view)],
      ["  as Berlin's day, from hours", ...took(found.all_campaigns_zone_day)],
      ["all campaigns' other day", ...took(found.all_campaigns_other_day)],
      [
        'storage',
        `${found.bytes_per_campaign_and_day}`,
        `bytes a campaign and day, ${found.day_sums_bytes_per_campaign_and_day} of them sums by day; ${found.rows_per_campaign_and_day} rows`,
      ],
      ['filled in', `${found.fill_seconds}`, 's'],
      [
        'load',
        `${found.load[0]}`,
        `of the machine when reports were read, ${found.load[1]} afterwards`,
      ],
      ['exact', found.exact ? 'yes' : 'NO', ''],
    ],
    new Set([1]),
  );
}

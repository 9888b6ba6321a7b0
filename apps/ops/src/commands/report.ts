import { CUTS, readReport, staleness } from '@adtally/analytics';
import {
  choice,
  command,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  say,
  UsageError,
} from '@adtally/command-line';
import { campaign } from '../campaign-type.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { PERIOD_OPTIONS, readPeriod } from '../period-options.ts';
import { isNothingStored } from '../reporting/class-words.ts';
import { printReportJson, reportCsv, reportText } from '../reporting/report-text.ts';
import { periodJson, periodText, standingText } from '../reporting/standing-words.ts';
import { nothingStored } from '../words.ts';

/** The figures of campaigns, with all that is stored and not billed beside them. */
export const report = command({
  description: `The figures of the version that readers see. Days begin where they do in the time zone; those of zones that are not
whole hours from UTC are attributed anew from the events, since rollups are kept by hours of UTC. Counts and their rates are over all
currencies, money and its rates by currency. Adjustments stand beside and are added to nothing.
Exit code 4 where no version is promoted, or it does not keep what is cut by.`,
  options: {
    campaign: option(campaign, 'only this one; by default all'),
    ...PERIOD_OPTIONS,
    by: option(choice(CUTS), 'what a line is', { default: 'day' }),
    csv: flag('print CSV: lines of counts, then lines of money by currency'),
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { campaign: campaignId, by, csv, json } = options;
    if (csv && json) throw new UsageError('--csv and --json exclude each other');
    const period = readPeriod(options);
    return await onDatabase(environment, async ({ db }) => {
      const told = await readReport(db, { period, campaignId, by });
      const stale = staleness(told.standing);
      if (json) {
        const asked = { campaign: campaignId ?? null, period: periodJson(period) };
        printReportJson(told, by, asked, stale);
      } else if (csv) process.stdout.write(reportCsv(told, by));
      else process.stdout.write(`${periodText(period)}\n\n${reportText(told, by)}\n`);
      if (campaignId !== undefined && isNothingStored(told.classes)) say(nothingStored(campaignId));
      say(standingText(told.standing));
      if (told.from === 'events') {
        say('attributed anew from the events: these days do not begin on whole hours of UTC');
      }
      for (const sentence of stale) say(sentence);
      return EXIT.success;
    });
  },
});

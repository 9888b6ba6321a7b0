import {
  classCounts,
  type FigureEvent,
  inSnapshot,
  readEvents,
  readFigures,
  readStanding,
  restoredDays,
  staleness,
} from '@adtally/analytics';
import {
  choice,
  command,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  required,
  say,
  UsageError,
  wholeNumber,
} from '@adtally/command-line';
import { EVENT_TYPES } from '@adtally/event-schema';
import { campaign } from '../campaign-type.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { PERIOD_OPTIONS, readPeriod } from '../period-options.ts';
import { classesJson, classesText, isNothingStored } from '../reporting/class-words.ts';
import { eventWriter } from '../reporting/event-writer.ts';
import { periodJson, standingJson, standingText } from '../reporting/standing-words.ts';
import { count, nothingStored, restoredSentences } from '../words.ts';

/** So many are written at once. */
const WRITTEN_TOGETHER = 500;

/** The events behind the figures of a campaign, and why each counts or not. */
export const events = command({
  description: `The events that \`report\` counts for this campaign in this time, in the order of their impressions' ids, then those that
are stored and not summed up yet. As many are of each class as the report says: both are read in one snapshot. A conversion is
listed for the campaign that earned it. Behind --limit the others are counted and not listed.`,
  options: {
    campaign: required(campaign, 'whose figures'),
    ...PERIOD_OPTIONS,
    type: option(choice(EVENT_TYPES, 'TYPE'), 'only these; by default all'),
    limit: option(wholeNumber(0, Number.MAX_SAFE_INTEGER), 'how many at most', { default: 100 }),
    csv: flag('print CSV'),
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { campaign: campaignId, type, limit, csv, json } = options;
    if (csv && json) throw new UsageError('--csv and --json exclude each other');
    const format = json ? 'json' : csv ? 'csv' : 'text';
    const period = readPeriod(options);
    const asked = { period, campaignId, type };
    return await onDatabase(
      environment,
      async ({ db }) =>
        await inSnapshot(db, async (trx) => {
          const standing = await readStanding(trx);
          const figures = await readFigures(trx, standing.definition, { ...asked, by: 'campaign' });
          const classes = classCounts(figures.rows).filter(
            (one) => (type ?? one.type) === one.type,
          );
          const total = classes.reduce((sum, one) => sum + one.events, 0n);
          const writer = eventWriter(format);
          let shown = 0;
          let waiting: FigureEvent[] = [];
          const flush = async () => {
            const batch = waiting;
            waiting = [];
            shown += batch.length;
            return batch.length === 0 || (await writer.write(batch));
          };
          if (limit > 0) {
            await readEvents(trx, standing.definition, asked, async (event) => {
              waiting.push(event);
              const isLast = shown + waiting.length === limit;
              if (waiting.length < WRITTEN_TOGETHER && !isLast) return true;
              return (await flush()) && !isLast;
            });
            await flush();
          }
          const more = total - BigInt(shown);
          const stale = staleness(standing);
          await writer.end({
            campaign: campaignId,
            period: periodJson(period),
            as_of: standingJson(standing),
            stale,
            classes: classesJson(classes),
            shown,
            more,
          });
          if (format === 'text') process.stdout.write(`\n${classesText(classes)}\n`);
          if (type === undefined && isNothingStored(classes)) say(nothingStored(campaignId));
          for (const sentence of restoredSentences(await restoredDays(trx))) say(sentence);
          say(standingText(standing));
          for (const sentence of stale) say(sentence);
          if (more > 0n) say(`${count(more)} more are not listed: --limit ${total} lists all`);
          return EXIT.success;
        }),
    );
  },
});

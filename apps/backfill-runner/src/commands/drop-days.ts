import { command, EXIT, flag, UsageError } from '@adtally/command-line';
import {
  dropDays,
  horizonFor,
  readWriteGuards,
  recordAction,
  rollupsNeedBefore,
  waitingDays,
} from '@adtally/db';
import {
  ACTING_OPTIONS,
  type CommandContext,
  DRY,
  onDatabase,
  operatorOf,
  orderOf,
  type RunnerEnvironment,
} from '../context.ts';
import { archiveOf } from '../retention/archive-of.ts';
import { daysToDrop } from '../retention/days-to-drop.ts';
import { earlierClockMs } from '../retention/earlier-clock.ts';

/** One turn of retention, as `--watch` takes it again and again. */
export const dropDaysOnce = command({
  description: `Raises the horizon to EVENTS_RETENTION_DAYS before today and drops the days below it; what was dropped is
told by source in retired_day_counts. Ends with 3 where a day has to wait, and says what for.`,
  options: {
    'without-archive': flag('also where days before went to an archive and ARCHIVE_URL names none'),
    ...ACTING_OPTIONS,
  },
  run: async ({ options }, environment: RunnerEnvironment) => {
    const order = orderOf(options);
    return await onDatabase(environment, options.json, async (context) => {
      const { eventsRetentionDays: retentionDays } = context.config;
      if (retentionDays === null) {
        if (order !== null) throw new UsageError(KEPT_FOR_EVER);
        const { horizonMs } = await readWriteGuards(context.db);
        const horizon = horizonMs === 0 ? null : new Date(horizonMs).toISOString();
        context.print({ dry: true, horizon, days: [], waits: [] }, KEPT_FOR_EVER);
        return EXIT.success;
      }
      const { db } = context;
      const nowMs = await earlierClockMs(db);
      if (order === null) return await tellPlan({ nowMs, retentionDays }, context);
      const horizonMs = horizonFor(nowMs, retentionDays);
      await recordAction(db, operatorOf(order, context.config), 'drop days', {
        horizon: new Date(horizonMs).toISOString(),
      });
      return await drop({ nowMs, retentionDays }, options['without-archive'], context);
    });
  },
});

const DAY_MS = 86_400_000;
const KEPT_FOR_EVER = 'EVENTS_RETENTION_DAYS is not set: events are kept for ever';

interface Kept {
  readonly nowMs: number;
  readonly retentionDays: number;
}

async function tellPlan(
  { nowMs, retentionDays }: Kept,
  { db, print }: CommandContext,
): Promise<number> {
  const horizonMs = Math.max(
    horizonFor(nowMs, retentionDays),
    (await readWriteGuards(db)).horizonMs,
  );
  const days = await daysToDrop(db, horizonMs);
  const newest = days.at(-1);
  const needs =
    newest === undefined ? [] : await rollupsNeedBefore(db, Date.parse(newest.label) + DAY_MS);
  const horizon = new Date(horizonMs).toISOString();
  print(
    {
      dry: true,
      horizon,
      days: days.map(({ label, bytes }) => ({ day: label, bytes })),
      waits: needs.map((wait) => ({ for: wait.for, detail: wait.detail })),
    },
    [
      `events of impressions born before ${horizon} would leave: ${days.length} days`,
      ...days.map(
        ({ label, bytes }) =>
          `${label}: ${bytes === null ? 'rows in the default partition' : `${bytes} bytes`}`,
      ),
      ...needs.map(({ detail }) => `they would wait: ${detail}`),
      DRY,
    ].join('\n'),
  );
  return EXIT.success;
}

async function drop(
  kept: Kept,
  givesUpArchive: boolean,
  { config, db, print, signal }: CommandContext,
): Promise<number> {
  const result = await dropDays(db, {
    ...kept,
    archive: archiveOf(config),
    givesUpArchive,
    keepsRollups: false,
    signal,
  });
  const left = result.led ? result.waiting : await alreadyWaiting(db);
  const horizon = new Date(result.horizonMs).toISOString();
  print(
    {
      horizon,
      led: result.led,
      dropped: result.dropped.map(({ day, rows }) => ({ day: day.label, rows: String(rows) })),
      waiting: left.map(({ day, wait }) => ({
        day: day.label,
        for: wait.for,
        detail: wait.detail,
      })),
    },
    [
      `the horizon stands at ${horizon}`,
      ...(result.led ? [] : ['another process drops days just now']),
      ...result.dropped.map(({ day, rows }) => `${day.label}: ${rows} rows left`),
      ...left.map(({ day, wait }) => `${day.label} waits: ${wait.detail}`),
    ].join('\n'),
  );
  if (signal.aborted) return EXIT.interrupted;
  return left.length === 0 ? EXIT.success : EXIT.incomplete;
}

async function alreadyWaiting(db: CommandContext['db']) {
  const days = await waitingDays(db);
  return days.map(({ day, wait }) => ({
    day,
    wait: wait ?? { for: 'locks' as const, detail: 'it has not been tried yet' },
  }));
}

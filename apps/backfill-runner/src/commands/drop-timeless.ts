import { purgeTimelessEvents, timelessLimitMs } from '@adtally/analytics';
import { command, EXIT, UsageError } from '@adtally/command-line';
import { newestTimelessPass, purgedTimeless, recordAction } from '@adtally/db';
import {
  ACTING_OPTIONS,
  type CommandContext,
  DRY,
  onDatabase,
  operatorOf,
  orderOf,
  type RunnerEnvironment,
} from '../context.ts';
import { earlierClockMs } from '../retention/earlier-clock.ts';
import { timelessToLeave } from '../retention/timeless-to-leave.ts';

/** Goes through all events once, as `--watch` does each day. */
export const dropTimeless = command({
  description: `Goes through all events and lets those leave whose ids are no UUIDv7, an impression with all its events once the
last of them was committed TIMELESS_RETENTION_DAYS ago. An older copy of one counts as new from then on. What left is told
by source and day in timeless_purged. Ends with 3 where some have to wait, and says what for.`,
  options: ACTING_OPTIONS,
  run: async ({ options }, environment: RunnerEnvironment) => {
    const order = orderOf(options);
    return await onDatabase(environment, options.json, async (context) => {
      const { timelessRetentionDays: retentionDays } = context.config;
      if (retentionDays === null) {
        if (order !== null) throw new UsageError(KEPT_FOR_EVER);
        context.print({ dry: true, committed_before: null, events: 0 }, KEPT_FOR_EVER);
        return EXIT.success;
      }
      const nowMs = await earlierClockMs(context.db);
      const limitMs = timelessLimitMs(nowMs, retentionDays);
      if (order === null) return await tellPlan(limitMs, context);
      await recordAction(context.db, operatorOf(order, context.config), 'drop timeless', {
        committed_before: new Date(limitMs).toISOString(),
      });
      return await drop({ nowMs, retentionDays }, context);
    });
  },
});

const KEPT_FOR_EVER =
  'TIMELESS_RETENTION_DAYS is not set: events whose ids are no UUIDv7 are kept for ever';

async function tellPlan(limitMs: number, { db, print }: CommandContext): Promise<number> {
  const { impressions, events } = await timelessToLeave(db, limitMs);
  const before = new Date(limitMs).toISOString();
  const gone = await purgedTimeless(db);
  print(
    {
      dry: true,
      committed_before: before,
      impressions,
      events,
      left_before: String(gone.rows),
    },
    [
      `${events} events of ${impressions} impressions whose ids are no UUIDv7, all of it committed before ${before}, would leave; ${gone.rows} left before`,
      'an older copy of one would count as new',
      DRY,
    ].join('\n'),
  );
  return EXIT.success;
}

async function drop(
  kept: { readonly nowMs: number; readonly retentionDays: number },
  { db, print, signal }: CommandContext,
): Promise<number> {
  const options = {
    ...kept,
    passEveryMs: 0,
    budgetMs: Number.POSITIVE_INFINITY,
    keepsRollups: false,
    signal,
  };
  // The first turn may have ended one that was begun before, with an earlier limit.
  const first = await purgeTimelessEvents(db, options);
  const second = first.isThrough ? await purgeTimelessEvents(db, options) : first;
  const rows = second === first ? first.rows : first.rows + second.rows;
  const { led, isThrough, wait } = second;
  const pass = await newestTimelessPass(db);
  print(
    {
      led,
      events: String(rows),
      committed_before: pass?.committedBefore.toISOString() ?? null,
      through: isThrough,
      waits: wait === null ? null : { for: wait.for, detail: wait.detail },
    },
    [
      led ? `${rows} events left` : 'another process does what is of retention just now',
      ...(wait === null ? [] : [`the others wait: ${wait.detail}`]),
    ].join('\n'),
  );
  if (signal.aborted) return EXIT.interrupted;
  return isThrough ? EXIT.success : EXIT.incomplete;
}

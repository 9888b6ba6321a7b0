import { command, type Command, EXIT, id, JSON_OPTION, operand } from '@adtally/command-line';
import {
  listBackfills,
  orderBackfill,
  readBackfill,
  readDefinitions,
  readPromotion,
  readRollupNeeds,
  readTakenOver,
  rollupNeedText,
  takenOverText,
} from '@adtally/analytics';
import { readWriteGuards, type RunOrder, waitingDays } from '@adtally/db';
import { readFreshness } from '@adtally/system-metrics';
import { listReplays } from '../replay/runs/find-replays.ts';
import {
  operatorOf,
  orderOf,
  onDatabase,
  ACTING_OPTIONS,
  type CommandContext,
  DRY,
  type RunnerEnvironment,
} from '../context.ts';
import { backfillJson, backfillText, takenOverJson } from '../describe.ts';
import { replayJson, replayText } from '../replay/describe-replay.ts';

/** Versions, freshness, and the latest backfills and replays. */
export const status = command({
  options: JSON_OPTION,
  run: async ({ options }, environment: RunnerEnvironment) =>
    await onDatabase(environment, options.json, tellStatus),
});

async function tellStatus({ db, print }: CommandContext): Promise<number> {
  const [definitions, promotion, needs, takenOver, freshness, backfills, replays, guards, days] =
    await Promise.all([
      readDefinitions(db),
      readPromotion(db),
      readRollupNeeds(db),
      readTakenOver(db),
      readFreshness(db),
      listBackfills(db),
      listReplays(db),
      readWriteGuards(db),
      waitingDays(db),
    ]);
  const json = {
    promoted: promotion?.version ?? null,
    previous: promotion?.previousVersion ?? null,
    versions: definitions.map((one) => ({
      version: one.version,
      algorithm: one.algorithm,
      window_ms: one.windowMs,
      tolerance_ms: one.toleranceMs,
      rollups: one.rollups,
    })),
    needs: needs.map((need) => ({
      rollup: need.rollup,
      kept_by: need.keptBy,
      version: need.version,
      text: rollupNeedText(need),
    })),
    taken_over: takenOver.map(takenOverJson),
    frontier: freshness.frontierMs === 0 ? null : new Date(freshness.frontierMs).toISOString(),
    oldest_note_seconds: freshness.oldestNoteSeconds,
    waiting_notes: freshness.waitingNotes,
    newest_cohort_seconds: freshness.newestCohortSeconds,
    waiting_bases: freshness.waitingBases,
    horizon: guards.horizonMs === 0 ? null : new Date(guards.horizonMs).toISOString(),
    waiting_days: days.map(({ day, wait, noticedAt }) => ({
      day: day.label,
      since: noticedAt.toISOString(),
      for: wait?.for ?? null,
      detail: wait?.detail ?? null,
    })),
    backfills: backfills.map(backfillJson),
    replays: replays.map(replayJson),
  };
  const text = [
    `readers see version ${json.promoted ?? 'none'}; known: ${definitions.map(({ version, algorithm }) => `${version} (${algorithm})`).join(', ') || 'none'}`,
    ...needs.map(rollupNeedText),
    ...takenOver.map(takenOverText),
    `frontier ${json.frontier ?? 'none: nobody keeps rollups'}`,
    `${freshness.waitingNotes} notes wait, the oldest for ${Math.round(freshness.oldestNoteSeconds)} s; ${freshness.waitingBases} bases wait`,
    `horizon ${json.horizon ?? 'none: nothing was ever dropped'}`,
    ...days.map(
      ({ day, wait }) => `${day.label} is to be dropped: ${wait?.detail ?? 'not tried yet'}`,
    ),
    ...backfills.map(backfillText),
    ...replays.map(replayText),
  ];
  print(json, text.join('\n'));
  return EXIT.success;
}

/** `pause` and `cancel`: from any terminal; the backfill's process obeys before its next base. */
export function ordering(verb: Exclude<RunOrder, 'resume'>): Command<RunnerEnvironment> {
  return command({
    operands: { id: operand(id('backfill'), 'which backfill') },
    options: ACTING_OPTIONS,
    run: async ({ operands, options }, environment: RunnerEnvironment) => {
      const order = orderOf(options);
      const runId = BigInt(operands.id);
      return await onDatabase(environment, options.json, async ({ db, config, print }) => {
        if (order !== null) await orderBackfill(db, runId, verb, operatorOf(order, config));
        const backfill = await readBackfill(db, runId);
        const end = order === null ? `\n${DRY}` : '';
        print(backfillJson(backfill), `${backfillText(backfill)}${end}`);
        return EXIT.success;
      });
    },
  });
}

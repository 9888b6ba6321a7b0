import {
  listBackfills,
  orderBackfill,
  readBackfill,
  readDefinitions,
  readFreshness,
  readPromotion,
  type BackfillOrder,
} from '@adtally/analytics';
import { listReplays } from '../replay/runs/find-replays.ts';
import { parseCommand } from '../args.ts';
import { operatorOf, ACTING_OPTIONS, type Command, COMMON_OPTIONS, DRY } from '../context.ts';
import { backfillJson, backfillText } from '../describe.ts';
import { EXIT } from '../exit-codes.ts';
import { replayJson, replayText } from '../replay/describe-replay.ts';
import { runIdOf } from './run.ts';

/** `status`: versions, freshness, and the latest backfills and replays. */
export const status: Command = async (args, { db, print }) => {
  parseCommand(args, COMMON_OPTIONS);
  const [definitions, promotion, freshness, backfills, replays] = await Promise.all([
    readDefinitions(db),
    readPromotion(db),
    readFreshness(db),
    listBackfills(db),
    listReplays(db),
  ]);
  const json = {
    promoted: promotion?.version ?? null,
    previous: promotion?.previousVersion ?? null,
    versions: definitions.map((one) => ({
      version: one.version,
      algorithm: one.algorithm,
      window_ms: one.windowMs,
      tolerance_ms: one.toleranceMs,
    })),
    frontier: freshness.frontierMs === 0 ? null : new Date(freshness.frontierMs).toISOString(),
    oldest_note_seconds: freshness.oldestNoteSeconds,
    waiting_notes: freshness.waitingNotes,
    newest_cohort_seconds: freshness.newestCohortSeconds,
    waiting_bases: freshness.waitingBases,
    backfills: backfills.map(backfillJson),
    replays: replays.map(replayJson),
  };
  const text = [
    `readers see version ${json.promoted ?? 'none'}; known: ${definitions.map(({ version, algorithm }) => `${version} (${algorithm})`).join(', ') || 'none'}`,
    `frontier ${json.frontier ?? 'none: nobody keeps rollups'}`,
    `${freshness.waitingNotes} notes wait, the oldest for ${Math.round(freshness.oldestNoteSeconds)} s; ${freshness.waitingBases} bases wait`,
    ...backfills.map(backfillText),
    ...replays.map(replayText),
  ];
  print(json, text.join('\n'));
  return EXIT.done;
};

/** `pause` and `cancel`: from any terminal; the backfill's process obeys before its next base. */
export function ordering(order: Exclude<BackfillOrder, 'resume'>): Command {
  return async (args, { db, config, print }) => {
    const { values, positionals } = parseCommand(args, ACTING_OPTIONS);
    const runId = runIdOf(positionals);
    if (values.execute) await orderBackfill(db, runId, order, operatorOf(values, config));
    const backfill = await readBackfill(db, runId);
    const end = values.execute ? '' : `\n${DRY}`;
    print(backfillJson(backfill), `${backfillText(backfill)}${end}`);
    return EXIT.done;
  };
}

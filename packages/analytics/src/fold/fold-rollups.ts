import type { Database } from '@adtally/db';
import { readDefinitions } from '../definitions.ts';
import { settledMs } from '../frontier.ts';
import { countUnfolded, foldNext } from './fold-bases.ts';

export interface FoldTurnOptions {
  /** How long after its end a base keeps rows for each of its cohorts. */
  readonly lateWindowMs: number;
}

/** What one turn of folding did. */
export interface FoldedTurn {
  readonly bases: number;
  /** By how many the rows of all rollups became fewer. */
  readonly rows: number;
  /** Bases that are old enough and not folded. */
  readonly waiting: number;
  /** True where another turn would find more to do at once. */
  readonly hasMore: boolean;
}

const STEPS_PER_TURN = 20;
/** About what one cohort has at 50,000 events a second: seconds to compute anew. */
const UNIT_EVENTS = 2_000_000n;
const STEP_EVENTS = 200_000n;

/**
 * Folds some of the bases that are older than the late window, of every version. Every step is a transaction of its own
 * that leaves a sound state behind: a turn may end anywhere, also by a kill, and several processes may take turns at once.
 */
export async function foldRollups(
  db: Database,
  { lateWindowMs }: FoldTurnOptions,
  signal: AbortSignal,
): Promise<FoldedTurn> {
  const beforeMs = await settledMs(db, lateWindowMs);
  const options = { beforeMs, unitEvents: UNIT_EVENTS, stepEvents: STEP_EVENTS };
  let [bases, rows, hasMore] = [0, 0, false];
  for (const definition of await readDefinitions(db)) {
    let steps = 0;
    for (; steps < STEPS_PER_TURN && !signal.aborted; steps += 1) {
      const folded = await foldNext(db, definition, options);
      if (folded === null) break;
      bases += folded.bases;
      rows += folded.rows;
    }
    hasMore ||= steps === STEPS_PER_TURN;
  }
  return { bases, rows, waiting: await countUnfolded(db, beforeMs), hasMore };
}

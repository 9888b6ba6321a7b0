import { sql } from 'kysely';
import { type Database, type DatabaseExecutor, type Operator } from '@adtally/db';
import { isConfirmed } from './create-redrive.ts';
import { countLetters, letterMatches, type LetterFilter } from './find-letters.ts';
import { orderOnLetters } from './order-on-letters.ts';

export interface LetterOrder extends Operator {
  readonly filter: LetterFilter;
  /** The number of letters the operator expects. */
  readonly confirm?: number | undefined;
}

/** What an order moved, or would move. */
export interface MovableLetters {
  readonly matched: number;
  /** Those that can be moved. */
  readonly movable: number;
}

export type LettersMoved =
  | {
      readonly outcome: 'done';
      /** Its number in `operator_actions`; of a discard: what undoes exactly this one. */
      readonly actionId: bigint;
      readonly moved: number;
      readonly matched: number;
    }
  | { readonly outcome: 'nothing-to-do'; readonly matched: number }
  | { readonly outcome: 'not-confirmed'; readonly moved: number; readonly matched: number };

// Only these states can be left for `discarded`; a letter that is tried right now is not ours to end.
const MAY_BE_DISCARDED = sql<boolean>`(l.state IN ('pending', 'dead') AND l.lease_epoch IS NULL)`;
// Without its bytes a letter could be pending for ever.
const MAY_BE_RESTORED = sql<boolean>`(l.state = 'discarded' AND (l.discarded_from = 'dead'
  OR EXISTS (SELECT FROM dead_letter_records d WHERE d.letter_id = l.letter_id)))`;

/** How many letters a discard would end. */
export async function discardable(
  db: DatabaseExecutor,
  filter: LetterFilter,
): Promise<MovableLetters> {
  return await movable(db, filter, MAY_BE_DISCARDED);
}

/** How many letters a restore would bring back. */
export async function restorable(
  db: DatabaseExecutor,
  filter: LetterFilter,
): Promise<MovableLetters> {
  return await movable(db, filter, MAY_BE_RESTORED);
}

/**
 * Ends letters that shall never be tried again; what they were is kept. Receipts of theirs that were not
 * settled become `skipped`. Letters somebody works on at this moment are left out.
 */
export async function discardLetters(db: Database, order: LetterOrder): Promise<LettersMoved> {
  return await moveLetters(db, order, {
    action: 'discard-letters',
    condition: MAY_BE_DISCARDED,
    assignments: sql`
      discarded_from = l.state, state = 'discarded', discard_action = action.action_id,
      next_attempt_at = NULL, is_exhausted = false`,
  });
}

/**
 * Brings discarded letters back to the state they had: a pending one is due at once, or waits for the dead
 * topic where it had no try left. A pending one without bytes stays discarded.
 */
export async function restoreLetters(db: Database, order: LetterOrder): Promise<LettersMoved> {
  return await moveLetters(db, order, {
    action: 'restore-letters',
    condition: MAY_BE_RESTORED,
    assignments: sql`
      state = l.discarded_from, discarded_from = NULL, discard_action = NULL,
      is_exhausted = l.discarded_from = 'pending' AND l.attempts >= l.attempts_max,
      next_attempt_at = CASE WHEN l.discarded_from = 'pending' AND l.attempts < l.attempts_max
                             THEN clock_timestamp() END`,
  });
}

async function movable(
  db: DatabaseExecutor,
  filter: LetterFilter,
  condition: typeof MAY_BE_DISCARDED,
): Promise<MovableLetters> {
  const counted = await db
    .selectFrom('dead_letters as l')
    .select(({ fn }) => [
      fn.countAll<bigint>().as('matched'),
      fn.countAll<bigint>().filterWhere(condition).as('movable'),
    ])
    .where(letterMatches(filter))
    .executeTakeFirstOrThrow();
  return { matched: Number(counted.matched), movable: Number(counted.movable) };
}

async function moveLetters(
  db: Database,
  { filter, confirm, actor, reason }: LetterOrder,
  move: {
    readonly action: string;
    readonly condition: typeof MAY_BE_DISCARDED;
    readonly assignments: ReturnType<typeof sql>;
  },
): Promise<LettersMoved> {
  return await orderOnLetters<LettersMoved>(db, { actor, reason }, async (trx, refuse) => {
    const matched = await countLetters(trx, filter);
    // It waits for no letter: one that is locked is being tried, and whoever tries it may wait for us.
    // The note is written here and not by `recordAction`: it counts the letters that it is then named in.
    const { rows } = await sql<{ action_id: bigint | null; moved: bigint }>`
      WITH picked AS (
        SELECT l.letter_id FROM dead_letters l
        WHERE ${letterMatches(filter)} AND ${move.condition}
        ORDER BY l.letter_id FOR NO KEY UPDATE SKIP LOCKED
      ), action AS (
        INSERT INTO operator_actions (actor, action, reason, detail)
        SELECT ${actor}, ${move.action}, ${reason},
               jsonb_build_object('filter', ${JSON.stringify(filter)}::jsonb, 'letters', count(*))
        FROM picked HAVING count(*) > 0
        RETURNING action_id
      ), moved AS (
        UPDATE dead_letters l SET ${move.assignments}
        FROM picked, action WHERE l.letter_id = picked.letter_id
        RETURNING l.letter_id, l.state
      ), receipts AS (
        UPDATE redrive_receipts r SET outcome = 'skipped', changed_at = clock_timestamp()
        FROM moved WHERE moved.state = 'discarded' AND r.letter_id = moved.letter_id
          AND (r.outcome IS NULL OR r.outcome = 'failed')
      )
      SELECT (SELECT action_id FROM action), (SELECT count(*) FROM moved) AS moved`.execute(trx);
    const actionId = rows[0]?.action_id ?? null;
    const moved = Number(rows[0]?.moved ?? 0);
    if (actionId === null) return refuse({ outcome: 'nothing-to-do', matched });
    if (!isConfirmed(moved, confirm)) refuse({ outcome: 'not-confirmed', moved, matched });
    return { outcome: 'done', actionId, moved, matched };
  });
}

import { sql } from 'kysely';
import { type Database, recordAction, type Operator } from '@adtally/db';
import { letterMatches, type LetterFilter } from './find-letters.ts';
import {
  MAY_BE_REDRIVEN,
  redriveCandidates,
  type RedriveCandidates,
} from './redrive-candidates.ts';
import { orderOnLetters } from './order-on-letters.ts';

/** An order that concerns more letters than this must name their number. */
export const UNCONFIRMED_LETTERS_MAX = 1_000;

/**
 * Whether an order on so many letters may go on: a number that is given must be right, and above the limit
 * it must be given.
 */
export function isConfirmed(letters: number, confirm: number | undefined): boolean {
  return confirm === undefined ? letters <= UNCONFIRMED_LETTERS_MAX : confirm === letters;
}

export interface RedriveOrder extends Operator {
  /** With states among `pending` and `dead`: the others are never admitted. */
  readonly filter: LetterFilter;
  /** Letters a second, over all processes. */
  readonly ratePerSecond: number;
  /** Store them also where their ids lie in the future. */
  readonly acceptFuture?: boolean | undefined;
  /** At most so many, oldest first. */
  readonly limit?: number | undefined;
  /** The number of letters the operator expects. */
  readonly confirm?: number | undefined;
}

export type RedriveOrdered =
  | {
      readonly outcome: 'created';
      readonly jobId: bigint;
      readonly total: number;
      readonly candidates: RedriveCandidates;
    }
  | { readonly outcome: 'nothing-to-redrive'; readonly candidates: RedriveCandidates }
  | {
      readonly outcome: 'not-confirmed';
      readonly total: number;
      readonly candidates: RedriveCandidates;
    };

/**
 * Makes a redrive job: which letters it has is frozen now, one receipt each in the order of their turns.
 * The dlq-reprocessor carries it out. Noted in `operator_actions`.
 */
export async function createRedrive(db: Database, order: RedriveOrder): Promise<RedriveOrdered> {
  const { filter, ratePerSecond, limit, confirm, actor, reason, acceptFuture = false } = order;
  return await orderOnLetters<RedriveOrdered>(db, order, async (trx, refuse) => {
    const candidates = await redriveCandidates(trx, filter);
    const { job_id: jobId } = await trx
      .insertInto('redrive_jobs')
      .values({
        actor,
        reason,
        filter: JSON.stringify(filter),
        rate: ratePerSecond,
        total: 0,
        accept_future: acceptFuture,
      })
      .returning('job_id')
      .executeTakeFirstOrThrow();
    const chosen = trx
      .selectFrom('dead_letters as l')
      .select('l.letter_id')
      .where(letterMatches(filter))
      .where(MAY_BE_REDRIVEN)
      .orderBy('l.letter_id')
      .$if(limit !== undefined, (query) => query.limit(limit ?? 0));
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('redrive_receipts')
      .columns(['job_id', 'letter_id', 'place'])
      .expression((eb) =>
        eb.selectFrom(chosen.as('chosen')).select([
          sql<bigint>`${jobId}::bigint`.as('job_id'),
          'letter_id',
          eb.fn
            .agg<number>('row_number')
            .over((over) => over.orderBy('letter_id'))
            .as('place'),
        ]),
      )
      .executeTakeFirstOrThrow();
    const total = Number(numInsertedOrUpdatedRows ?? 0n);
    if (total === 0) refuse({ outcome: 'nothing-to-redrive', candidates });
    if (!isConfirmed(total, confirm)) refuse({ outcome: 'not-confirmed', total, candidates });
    // Freezing many takes a while: the rate is reckoned from now on.
    await trx
      .updateTable('redrive_jobs')
      .set({ total, paced_from: sql`clock_timestamp()` })
      .where('job_id', '=', jobId)
      .execute();
    const detail = {
      job_id: Number(jobId),
      filter,
      letters: total,
      rate: ratePerSecond,
      ...(acceptFuture && { accept_future: true }),
    };
    await recordAction(trx, order, 'redrive-letters', detail);
    return { outcome: 'created', jobId, total, candidates };
  });
}

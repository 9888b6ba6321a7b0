import { sql } from 'kysely';
import { type Database, recordAction, type Operator, type RedriveJobState } from '@adtally/db';
import { orderOnLetters } from './order-on-letters.ts';

export const JOB_ORDERS = ['pause', 'resume', 'cancel'] as const;
export type JobOrder = (typeof JOB_ORDERS)[number];

/** From which states an order leads, and where to. */
const MOVES: Readonly<
  Record<JobOrder, { readonly from: readonly RedriveJobState[]; readonly to: RedriveJobState }>
> = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'cancelled' },
};

export type JobOrdered =
  | {
      readonly outcome: 'done';
      readonly state: RedriveJobState;
      /** Letters whose turn will not come; 0 unless cancelled. */
      readonly skipped: number;
    }
  | { readonly outcome: 'wrong-state'; readonly state: RedriveJobState }
  | { readonly outcome: 'unknown-job' };

/**
 * Pauses, resumes or cancels a job. Letters that had their turn go on being tried; cancelling leaves the
 * others as they are and marks their receipts `skipped`. Noted in `operator_actions`.
 */
export async function orderJob(
  db: Database,
  operator: Operator,
  jobId: string,
  order: JobOrder,
): Promise<JobOrdered> {
  return await orderOnLetters<JobOrdered>(db, operator, async (trx) => {
    const job = await trx
      .selectFrom('redrive_jobs')
      .select(['state', 'admitted'])
      .where('job_id', '=', BigInt(jobId))
      .forUpdate()
      .executeTakeFirst();
    if (job === undefined) return { outcome: 'unknown-job' };
    const { from, to } = MOVES[order];
    if (!from.includes(job.state)) return { outcome: 'wrong-state', state: job.state };
    // A pause must not be caught up: the rate is reckoned from the resumption.
    await trx
      .updateTable('redrive_jobs')
      .set({
        state: to,
        ...(to === 'running' && { paced_from: sql`clock_timestamp()`, paced_base: job.admitted }),
        finished_at: to === 'cancelled' ? sql`clock_timestamp()` : null,
      })
      .where('job_id', '=', BigInt(jobId))
      .execute();
    let skipped = 0n;
    if (to === 'cancelled') {
      const { numUpdatedRows } = await trx
        .updateTable('redrive_receipts')
        .set({ outcome: 'skipped', changed_at: sql`clock_timestamp()` })
        .where('job_id', '=', BigInt(jobId))
        .where('place', '>', job.admitted)
        .where('outcome', 'is', null)
        .executeTakeFirst();
      skipped = numUpdatedRows;
    }
    const detail = { job_id: Number(jobId), skipped: Number(skipped) };
    await recordAction(trx, operator, `${order}-redrive`, detail);
    return { outcome: 'done', state: to, skipped: Number(skipped) };
  });
}

import { type InferResult, sql } from 'kysely';
import type { DatabaseExecutor, DeadLetterState, RedriveJobState } from '@adtally/db';

/** A job as it stands. Every letter of it is counted once: the six outcomes, `waiting` and `trying`. */
export interface RedriveJob {
  readonly jobId: bigint;
  readonly state: RedriveJobState;
  readonly actor: string;
  readonly reason: string;
  readonly filter: unknown;
  readonly ratePerSecond: number;
  readonly total: number;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** Their turn has not come. */
  readonly waiting: number;
  /** They had their turn, and no try of it has ended. */
  readonly trying: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly conflict: number;
  /** Tried and due again. */
  readonly failed: number;
  readonly dead: number;
  /** Left alone: resolved, discarded or being tried when their turn came, without bytes, or cancelled. */
  readonly skipped: number;
  /** Seconds since it should have let letters in and did not; 0 where it keeps its rate. */
  readonly behindSeconds: number;
}

/** Jobs with what became of their letters. */
function jobs(db: DatabaseExecutor) {
  return db
    .selectFrom('redrive_jobs as j')
    .crossJoinLateral((eb) =>
      eb
        .selectFrom('redrive_receipts as r')
        .select(({ fn }) => {
          const receipts = fn.countAll<bigint>();
          const undecided = receipts.filterWhere('r.outcome', 'is', null);
          return [
            undecided.filterWhere('r.series', 'is', null).as('waiting'),
            undecided.filterWhere('r.series', 'is not', null).as('trying'),
            receipts.filterWhere('r.outcome', '=', 'stored').as('stored'),
            receipts.filterWhere('r.outcome', '=', 'duplicate').as('duplicate'),
            receipts.filterWhere('r.outcome', '=', 'conflict').as('conflict'),
            receipts.filterWhere('r.outcome', '=', 'failed').as('failed'),
            receipts.filterWhere('r.outcome', '=', 'dead').as('dead'),
            receipts.filterWhere('r.outcome', '=', 'skipped').as('skipped'),
          ];
        })
        .whereRef('r.job_id', '=', 'j.job_id')
        .as('r'),
    )
    .select([
      'j.job_id as jobId',
      'j.state',
      'j.actor',
      'j.reason',
      'j.filter',
      'j.rate as ratePerSecond',
      'j.total',
      'j.created_at as createdAt',
      'j.finished_at as finishedAt',
      'r.waiting',
      'r.trying',
      'r.stored',
      'r.duplicate',
      'r.conflict',
      'r.failed',
      'r.dead',
      'r.skipped',
      sql<number>`CASE WHEN j.state = 'running' AND j.admitted < j.total
        THEN greatest(0, extract(epoch FROM clock_timestamp() - j.paced_from)
                         - (j.admitted + 1 - j.paced_base)::numeric / j.rate)::float8
        ELSE 0 END`.as('behindSeconds'),
    ]);
}

type JobRow = InferResult<ReturnType<typeof jobs>>[number];

function jobOf(row: JobRow): RedriveJob {
  return {
    ...row,
    waiting: Number(row.waiting),
    trying: Number(row.trying),
    stored: Number(row.stored),
    duplicate: Number(row.duplicate),
    conflict: Number(row.conflict),
    failed: Number(row.failed),
    dead: Number(row.dead),
    skipped: Number(row.skipped),
  };
}

/** Jobs, newest first. */
export async function listRedriveJobs(
  db: DatabaseExecutor,
  { limit }: { readonly limit: number },
): Promise<RedriveJob[]> {
  const rows = await jobs(db).orderBy('j.job_id', 'desc').limit(limit).execute();
  return rows.map(jobOf);
}

/** One job; undefined where there is none of that id. */
export async function redriveJob(
  db: DatabaseExecutor,
  jobId: string,
): Promise<RedriveJob | undefined> {
  const row = await jobs(db).where('j.job_id', '=', BigInt(jobId)).executeTakeFirst();
  return row === undefined ? undefined : jobOf(row);
}

/** What became of one letter of a job. */
export interface RedriveReceipt {
  readonly place: number;
  readonly letterId: bigint;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: bigint;
  readonly series: number | null;
  /** `null` while it waits for its turn or its first try. */
  readonly outcome: string | null;
  readonly changedAt: Date | null;
  /** The letter now. */
  readonly state: DeadLetterState;
  readonly code: string;
}

/** A job's receipts in the order of their turns, behind place `after`. */
export async function redriveReceipts(
  db: DatabaseExecutor,
  jobId: string,
  page: {
    readonly after: number;
    readonly limit: number;
    /** Those with one of these outcomes only. */
    readonly outcomes?: readonly string[] | undefined;
  },
): Promise<RedriveReceipt[]> {
  const { after, limit, outcomes } = page;
  return await db
    .selectFrom('redrive_receipts as r')
    .innerJoin('dead_letters as l', 'l.letter_id', 'r.letter_id')
    .leftJoin('sources as s', 's.source_id', 'l.source_id')
    .select([
      'r.place',
      'r.letter_id as letterId',
      's.topic',
      's.partition',
      'l.source_offset as offset',
      'r.series',
      'r.outcome',
      'r.changed_at as changedAt',
      'l.state',
      'l.last_code as code',
    ])
    .where('r.job_id', '=', BigInt(jobId))
    .where('r.place', '>', after)
    .$if(outcomes !== undefined, (query) =>
      query.where(sql<boolean>`r.outcome = ANY (${outcomes}::text[])`),
    )
    .orderBy('r.place')
    .limit(limit)
    .execute();
}

import { sql } from 'kysely';
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

const JOB = sql<RedriveJob>`
  SELECT j.job_id AS "jobId", j.state, j.actor, j.reason, j.filter, j.rate AS "ratePerSecond", j.total,
         j.created_at AS "createdAt", j.finished_at AS "finishedAt",
         r.waiting, r.trying, r.stored, r.duplicate, r.conflict, r.failed, r.dead, r.skipped,
         CASE WHEN j.state = 'running' AND j.admitted < j.total
              THEN greatest(0, extract(epoch FROM clock_timestamp() - j.paced_from)
                               - (j.admitted + 1 - j.paced_base)::numeric / j.rate)::float8
              ELSE 0 END AS "behindSeconds"
  FROM redrive_jobs j CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome IS NULL AND series IS NULL)::int AS waiting,
           count(*) FILTER (WHERE outcome IS NULL AND series IS NOT NULL)::int AS trying,
           count(*) FILTER (WHERE outcome = 'stored')::int AS stored,
           count(*) FILTER (WHERE outcome = 'duplicate')::int AS duplicate,
           count(*) FILTER (WHERE outcome = 'conflict')::int AS conflict,
           count(*) FILTER (WHERE outcome = 'failed')::int AS failed,
           count(*) FILTER (WHERE outcome = 'dead')::int AS dead,
           count(*) FILTER (WHERE outcome = 'skipped')::int AS skipped
    FROM redrive_receipts WHERE job_id = j.job_id
  ) AS r`;

/** Jobs, newest first. */
export async function listRedriveJobs(
  db: DatabaseExecutor,
  { limit }: { readonly limit: number },
): Promise<RedriveJob[]> {
  const { rows } = await sql<RedriveJob>`
    ${JOB} ORDER BY j.job_id DESC LIMIT ${limit}`.execute(db);
  return rows;
}

/** One job; undefined where there is none of that id. */
export async function redriveJob(
  db: DatabaseExecutor,
  jobId: string,
): Promise<RedriveJob | undefined> {
  const { rows } = await sql<RedriveJob>`${JOB} WHERE j.job_id = ${jobId}::bigint`.execute(db);
  return rows[0];
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
  const { rows } = await sql<RedriveReceipt>`
    SELECT r.place, r.letter_id AS "letterId", s.topic, s.partition, l.source_offset AS "offset", r.series,
           r.outcome, r.changed_at AS "changedAt", l.state, l.last_code AS code
    FROM redrive_receipts r
    JOIN dead_letters l USING (letter_id)
    LEFT JOIN sources s ON s.source_id = l.source_id
    WHERE r.job_id = ${jobId}::bigint AND r.place > ${page.after}
      AND ${page.outcomes === undefined ? sql`true` : sql`r.outcome = ANY (${page.outcomes}::text[])`}
    ORDER BY r.place LIMIT ${page.limit}`.execute(db);
  return rows;
}

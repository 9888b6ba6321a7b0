import {
  type BackfillState,
  type Database,
  type DatabaseExecutor,
  type Operator,
  recordAction,
} from '@adtally/db';
import { sql } from 'kysely';
import type { CohortRange } from './bases.ts';
import type { BackfillPlan } from './plan-backfill.ts';
import { RefusedError } from './versions.ts';

/** A backfill as the database knows it. */
export interface Backfill {
  readonly runId: bigint;
  readonly version: number;
  readonly range: CohortRange;
  readonly state: BackfillState;
  /** Rows a second over all its workers; null = as fast as it goes. */
  readonly rate: number | null;
  readonly actor: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** False where no process has shown itself at it lately: it was killed, or ended. */
  readonly isAttended: boolean;
  readonly basesDone: number;
  /** Bases of its range that it has not taken. */
  readonly basesLeft: number;
  readonly eventsDone: number;
}

/** How long after its last sign a backfill's process counts as gone. */
const ATTENDED_SECONDS = 10;

/** Writes a new backfill down, signed. */
export async function startBackfill(
  db: Database,
  plan: BackfillPlan,
  rate: number | null,
  operator: Operator,
): Promise<bigint> {
  return await db.transaction().execute(async (trx) => {
    const { version, range } = plan;
    const { rows } = await sql<{ run_id: bigint }>`
      INSERT INTO backfill_runs (version, first_cohort, last_cohort, rate, actor)
      VALUES (${version}, ${range.first}, ${range.last}, ${rate}, ${operator.actor})
      RETURNING run_id`.execute(trx);
    const runId = rows[0]?.run_id;
    if (runId === undefined) throw new Error('the backfill was not written down');
    await recordAction(trx, operator, 'rollups run', {
      run_id: Number(runId),
      version,
      first_cohort: Number(range.first),
      last_cohort: Number(range.last),
      rate,
    });
    return runId;
  });
}

/** The newest backfills first, or the one of that id. */
export async function listBackfills(
  db: DatabaseExecutor,
  runId: bigint | null = null,
): Promise<Backfill[]> {
  const { rows } = await sql<Omit<Backfill, 'range'> & CohortRange>`
    SELECT r.run_id AS "runId", r.version, r.first_cohort AS first, r.last_cohort AS last, r.state, r.rate,
           r.actor, r.started_at AS "startedAt", r.ended_at AS "endedAt",
           r.ended_at IS NULL AND r.seen_at > clock_timestamp() - make_interval(secs => ${ATTENDED_SECONDS})
             AS "isAttended",
           b.done::int AS "basesDone", b.remaining::int AS "basesLeft", b.events::float8 AS "eventsDone"
    FROM backfill_runs r CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE run_id = r.run_id) AS done,
             count(*) FILTER (WHERE run_id IS DISTINCT FROM r.run_id) AS remaining,
             coalesce(sum(events) FILTER (WHERE run_id = r.run_id), 0) AS events
      FROM rollup_bases b
      WHERE b.version = r.version AND last_cohort >= r.first_cohort AND first_cohort <= r.last_cohort
    ) b
    WHERE ${runId}::bigint IS NULL OR r.run_id = ${runId} ORDER BY r.run_id DESC LIMIT 50`.execute(
    db,
  );
  return rows.map(({ first, last, ...backfill }) => ({ ...backfill, range: { first, last } }));
}

/** @throws RefusedError where there is none of that id */
export async function readBackfill(db: DatabaseExecutor, runId: bigint): Promise<Backfill> {
  const [backfill] = await listBackfills(db, runId);
  if (backfill === undefined) throw new RefusedError(`there is no backfill ${runId}`);
  return backfill;
}

/** Orders of an operator, and the states in which each is one. */
const ORDERS = {
  pause: { to: 'paused', from: ['running'] },
  resume: { to: 'running', from: ['running', 'paused', 'failed'] },
  cancel: { to: 'cancelled', from: ['running', 'paused', 'failed'] },
} as const satisfies Record<string, { to: BackfillState; from: readonly BackfillState[] }>;
export type BackfillOrder = keyof typeof ORDERS;

/**
 * Pauses, resumes or cancels a backfill from anywhere; its process obeys before its next base.
 *
 * @throws RefusedError where its state does not allow it
 */
export async function orderBackfill(
  db: Database,
  runId: bigint,
  order: BackfillOrder,
  operator: Operator,
): Promise<void> {
  const { to, from } = ORDERS[order];
  await db.transaction().execute(async (trx) => {
    const { state } = await readBackfill(trx, runId);
    if (!(await enter(trx, runId, to, from))) {
      throw new RefusedError(`backfill ${runId} is ${state}: it cannot ${order}`);
    }
    await recordAction(trx, operator, `rollups ${order}`, { run_id: Number(runId) });
  });
}

/** Ends a backfill, where an operator has not ended it first. */
export async function endBackfill(
  db: DatabaseExecutor,
  runId: bigint,
  state: 'done' | 'failed' | 'paused',
): Promise<void> {
  await enter(db, runId, state, ['running']);
  // Its process goes: whoever resumes it must not wait for that one.
  await sql`UPDATE backfill_runs SET seen_at = '-infinity' WHERE run_id = ${runId}`.execute(db);
}

/** Says that a process is at it, and hears what is ordered. */
export async function attendBackfill(
  db: DatabaseExecutor,
  runId: bigint,
): Promise<{ readonly state: BackfillState; readonly rate: number | null }> {
  const { rows } = await sql<{ state: BackfillState; rate: number | null }>`
    UPDATE backfill_runs SET seen_at = clock_timestamp() WHERE run_id = ${runId}
    RETURNING state, rate`.execute(db);
  if (rows[0] === undefined) throw new RefusedError(`there is no backfill ${runId}`);
  return rows[0];
}

async function enter(
  db: DatabaseExecutor,
  runId: bigint,
  to: BackfillState,
  from: readonly BackfillState[],
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE backfill_runs SET state = ${to},
      ended_at = CASE WHEN ${to} IN ('done', 'cancelled', 'failed') THEN clock_timestamp() END
    WHERE run_id = ${runId} AND state = ANY (${from}::text[]) RETURNING run_id`.execute(db);
  return rows.length > 0;
}

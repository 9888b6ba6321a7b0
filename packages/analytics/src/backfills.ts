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

/** States with an end: whoever is in one of them works no more. */
const ENDED: readonly BackfillState[] = ['done', 'cancelled', 'failed'];

/** How long after its last sign a backfill's process counts as gone. */
const ATTENDED_SECONDS = 10;
const LISTED_MAX = 50;

/** Writes a new backfill down, signed. */
export async function startBackfill(
  db: Database,
  plan: BackfillPlan,
  rate: number | null,
  operator: Operator,
): Promise<bigint> {
  return await db.transaction().execute(async (trx) => {
    const { version, range } = plan;
    const { run_id: runId } = await trx
      .insertInto('backfill_runs')
      .values({
        version,
        first_cohort: range.first,
        last_cohort: range.last,
        rate,
        actor: operator.actor,
      })
      .returning('run_id')
      .executeTakeFirstOrThrow();
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
  const rows = await db
    .selectFrom('backfill_runs as r')
    .crossJoinLateral((eb) =>
      eb
        .selectFrom('rollup_bases as b')
        .select(({ fn }) => [
          fn.countAll<bigint>().filterWhereRef('b.run_id', '=', 'r.run_id').as('done'),
          fn
            .countAll<bigint>()
            .filterWhereRef('b.run_id', 'is distinct from', 'r.run_id')
            .as('remaining'),
          fn
            .sum<string | null>('b.events')
            .filterWhereRef('b.run_id', '=', 'r.run_id')
            .as('events'),
        ])
        .whereRef('b.version', '=', 'r.version')
        .whereRef('b.last_cohort', '>=', 'r.first_cohort')
        .whereRef('b.first_cohort', '<=', 'r.last_cohort')
        .as('bases'),
    )
    .select([
      'r.run_id as runId',
      'r.version',
      'r.first_cohort as first',
      'r.last_cohort as last',
      'r.state',
      'r.rate',
      'r.actor',
      'r.started_at as startedAt',
      'r.ended_at as endedAt',
      sql<boolean>`r.ended_at IS NULL
        AND r.seen_at > clock_timestamp() - make_interval(secs => ${ATTENDED_SECONDS})`.as(
        'isAttended',
      ),
      'bases.done',
      'bases.remaining',
      'bases.events',
    ])
    .$if(runId !== null, (query) => query.where('r.run_id', '=', runId))
    .orderBy('r.run_id', 'desc')
    .limit(LISTED_MAX)
    .execute();
  return rows.map(({ first, last, done, remaining, events, ...backfill }) => ({
    ...backfill,
    range: { first, last },
    basesDone: Number(done),
    basesLeft: Number(remaining),
    eventsDone: Number(events ?? 0),
  }));
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
  await db
    .updateTable('backfill_runs')
    .set({ seen_at: sql`'-infinity'` })
    .where('run_id', '=', runId)
    .execute();
}

/** Says that a process is at it, and hears what is ordered. */
export async function attendBackfill(
  db: DatabaseExecutor,
  runId: bigint,
): Promise<{ readonly state: BackfillState; readonly rate: number | null }> {
  const attended = await db
    .updateTable('backfill_runs')
    .set({ seen_at: sql`clock_timestamp()` })
    .where('run_id', '=', runId)
    .returning(['state', 'rate'])
    .executeTakeFirst();
  if (attended === undefined) throw new RefusedError(`there is no backfill ${runId}`);
  return attended;
}

async function enter(
  db: DatabaseExecutor,
  runId: bigint,
  to: BackfillState,
  from: readonly BackfillState[],
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('backfill_runs')
    .set({ state: to, ended_at: ENDED.includes(to) ? sql`clock_timestamp()` : null })
    .where('run_id', '=', runId)
    .where('state', 'in', from)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

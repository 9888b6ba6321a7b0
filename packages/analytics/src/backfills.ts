import {
  type BackfillState,
  type Database,
  type DatabaseExecutor,
  type Operator,
  orderRun,
  recordAction,
  type RunOrder,
} from '@adtally/db';
import { sql } from 'kysely';
import type { CohortRange } from './bases.ts';
import { COHORT_MS } from './cohorts.ts';
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
  /** See BackfillPlan. */
  readonly purgedBeforeMs: number;
}

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
    const { version, range, purgedBeforeMs } = plan;
    const { run_id: runId } = await trx
      .insertInto('backfill_runs')
      .values({
        version,
        first_cohort: range.first,
        last_cohort: range.last,
        rate,
        actor: operator.actor,
        purged_before_ms: BigInt(purgedBeforeMs),
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
        .where(
          sql<boolean>`(b.run_id = r.run_id OR b.first_cohort < 0 OR b.first_cohort * ${COHORT_MS} >= r.purged_before_ms)`,
        )
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
      'r.purged_before_ms as purgedBefore',
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
  return rows.map(({ first, last, done, remaining, events, purgedBefore, ...backfill }) => ({
    ...backfill,
    purgedBeforeMs: Number(purgedBefore),
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

/**
 * Pauses, resumes or cancels a backfill from anywhere; its process obeys before its next base.
 *
 * @throws RefusedError where its state does not allow it
 */
export async function orderBackfill(
  db: Database,
  runId: bigint,
  order: RunOrder,
  operator: Operator,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { state } = await readBackfill(trx, runId);
    if (!(await orderRun(trx, 'rollups', runId, order, operator))) {
      throw new RefusedError(`backfill ${runId} is ${state}: it cannot ${order}`);
    }
  });
}

/** Ends a backfill, where an operator has not ended it first. */
export async function endBackfill(
  db: DatabaseExecutor,
  runId: bigint,
  state: 'done' | 'failed' | 'paused',
): Promise<void> {
  await db
    .updateTable('backfill_runs')
    .set({ state, ended_at: state === 'paused' ? null : sql`clock_timestamp()` })
    .where('run_id', '=', runId)
    .where('state', '=', 'running')
    .execute();
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

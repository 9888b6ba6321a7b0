import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';
import type { ReplayState } from './advance-replay.ts';

/** One partition of a replay: its range, where it stands, and what it wrote by outcome. */
export interface ReplayPartition extends ReplayState {
  readonly runId: bigint;
  readonly partition: number;
  readonly sourceId: number;
  readonly eventsSourceId: number;
  readonly first: number;
  readonly end: number;
  /** Events that were new. */
  readonly stored: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly beyondCursor: number;
}

/** A replay as the database knows it. */
export interface Replay {
  readonly runId: bigint;
  readonly topic: string;
  readonly topicId: string;
  readonly rate: number | null;
  readonly actor: string;
  readonly reason: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** Whether the server has a session of a process that works on it. */
  readonly isAttended: boolean;
  readonly partitions: readonly ReplayPartition[];
}

const LISTED_MAX = 50;

/** The latest replays, or one, newest first. */
export async function listReplays(
  db: DatabaseExecutor,
  runId: bigint | null = null,
): Promise<Replay[]> {
  const runs = await db
    .selectFrom('replay_runs')
    .select([
      'run_id as runId',
      'topic',
      'topic_id as topicId',
      'rate',
      'actor',
      'reason',
      'started_at as startedAt',
      'ended_at as endedAt',
      sql<boolean>`EXISTS (SELECT FROM replay_backends(run_id))`.as('isAttended'),
    ])
    .$if(runId !== null, (query) => query.where('run_id', '=', runId))
    .orderBy('run_id', 'desc')
    .limit(LISTED_MAX)
    .execute();
  const partitions = await partitionsOf(
    db,
    runs.map((run) => run.runId),
  );
  return runs.map((run) => ({
    ...run,
    partitions: partitions.filter((partition) => partition.runId === run.runId),
  }));
}

async function partitionsOf(
  db: DatabaseExecutor,
  runIds: readonly bigint[],
): Promise<ReplayPartition[]> {
  if (runIds.length === 0) return [];
  const rows = await db
    .selectFrom('replay_progress as p')
    .crossJoinLateral((eb) =>
      eb
        .selectFrom('ledger as l')
        .select(({ fn }) => [
          fn.sum<string>('l.stored').as('stored'),
          fn.sum<string>('l.duplicate').as('duplicate'),
          fn.sum<string>('l.conflict').as('conflict'),
        ])
        .whereRef('l.source_id', '=', 'p.source_id')
        .as('sums'),
    )
    .selectAll('p')
    .select(['sums.stored', 'sums.duplicate', 'sums.conflict'])
    .where('p.run_id', 'in', runIds)
    .orderBy('p.run_id')
    .orderBy('p.partition')
    .execute();
  return rows.map((row) => ({
    runId: row.run_id,
    partition: row.partition,
    sourceId: row.source_id,
    eventsSourceId: row.events_source_id,
    first: Number(row.first_offset),
    end: Number(row.end_offset),
    next: Number(row.next_offset),
    written: Number(row.written),
    rejected: Number(row.rejected),
    refused: Number(row.refused),
    discarded: Number(row.discarded),
    knownConflicts: Number(row.known_conflicts),
    missing: Number(row.missing),
    codes: row.codes as ReplayPartition['codes'],
    beyondCursor: Number(row.beyond_cursor),
    stored: Number(row.stored),
    duplicate: Number(row.duplicate),
    conflict: Number(row.conflict),
  }));
}

/** Writes down that a replay has passed its whole range; harmless where it is known. */
export async function endReplay(db: DatabaseExecutor, runId: bigint): Promise<void> {
  await db
    .updateTable('replay_runs')
    .set({ ended_at: sql`clock_timestamp()` })
    .where('run_id', '=', runId)
    .where('ended_at', 'is', null)
    .execute();
}

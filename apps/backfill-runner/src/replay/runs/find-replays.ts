import { RefusedError } from '@adtally/analytics';
import type { DatabaseExecutor, ReplayOrdered } from '@adtally/db';
import { sql } from 'kysely';
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
  /** The process whose session holds it now: host and process id. */
  readonly heldBy: string | null;
}

/** A replay as the database knows it. */
export interface Replay {
  readonly runId: bigint;
  readonly topic: string;
  readonly topicId: string;
  readonly rate: number | null;
  readonly ordered: ReplayOrdered;
  readonly actor: string;
  readonly reason: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
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
      'state as ordered',
      'actor',
      'reason',
      'started_at as startedAt',
      'ended_at as endedAt',
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
    .innerJoin('cursors as c', 'c.source_id', 'p.source_id')
    .selectAll('p')
    .select(
      sql<
        string | null
      >`CASE WHEN p.source_id IN (SELECT held_source_id FROM replay_holders(p.run_id))
                              THEN c.owner END`.as('held_by'),
    )
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
    gap: Number(row.gap),
    missing: Number(row.missing),
    codes: row.codes as ReplayPartition['codes'],
    beyondCursor: Number(row.beyond_cursor),
    heldBy: row.held_by,
    stored: Number(row.stored),
    duplicate: Number(row.duplicate),
    conflict: Number(row.conflict),
  }));
}

/** @throws RefusedError where there is none of that id */
export async function readReplay(db: DatabaseExecutor, runId: bigint): Promise<Replay> {
  const [replay] = await listReplays(db, runId);
  if (replay === undefined) throw new RefusedError(`there is no replay ${runId}`);
  return replay;
}

/** Whether all of its range is passed. */
export function isPassed({ partitions }: Replay): boolean {
  return partitions.every(({ next, end }) => next >= end);
}

export type ReplayStanding = 'done' | 'cancelled' | 'paused' | 'running' | 'interrupted';

/** How a replay stands: what was ordered, what is passed, and whether the server has a session of a process at it. */
export function stateOf(replay: Replay): ReplayStanding {
  if (isPassed(replay)) return 'done';
  if (replay.ordered !== 'running') return replay.ordered;
  return isAttended(replay) ? 'running' : 'interrupted';
}

/** Whether a process whose session lives holds any of its partitions. */
export function isAttended({ partitions }: Replay): boolean {
  return partitions.some(({ heldBy }) => heldBy !== null);
}

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
  const { rows: runs } = await sql<Omit<Replay, 'partitions'>>`
    SELECT run_id AS "runId", topic, topic_id AS "topicId", rate, actor, reason, started_at AS "startedAt",
           ended_at AS "endedAt", EXISTS (SELECT FROM replay_backends(run_id)) AS "isAttended"
    FROM replay_runs WHERE ${runId}::bigint IS NULL OR run_id = ${runId}
    ORDER BY run_id DESC LIMIT ${LISTED_MAX}`.execute(db);
  const runIds = runs.map((run) => String(run.runId));
  const { rows } = await sql<ReplayPartition>`
    SELECT p.run_id AS "runId", p.partition, p.source_id AS "sourceId", p.events_source_id AS "eventsSourceId",
           p.first_offset::float8 AS first, p.end_offset::float8 AS end, p.next_offset::float8 AS next,
           p.written::float8, p.rejected::float8, p.refused::float8, p.discarded::float8,
           p.known_conflicts::float8 AS "knownConflicts", p.missing::float8, p.codes,
           p.beyond_cursor::float8 AS "beyondCursor", l.stored, l.duplicate, l.conflict
    FROM replay_progress p CROSS JOIN LATERAL (
      SELECT sum(stored)::float8 AS stored, sum(duplicate)::float8 AS duplicate, sum(conflict)::float8 AS conflict
      FROM ledger WHERE source_id = p.source_id
    ) l
    WHERE p.run_id = ANY (${runIds}::bigint[]) ORDER BY p.run_id, p.partition`.execute(db);
  return runs.map((run) => ({
    ...run,
    partitions: rows.filter((row) => row.runId === run.runId),
  }));
}

/** Writes down that a replay has passed its whole range; harmless where it is known. */
export async function endReplay(db: DatabaseExecutor, runId: bigint): Promise<void> {
  await sql`UPDATE replay_runs SET ended_at = clock_timestamp() WHERE run_id = ${runId} AND ended_at IS NULL`.execute(
    db,
  );
}

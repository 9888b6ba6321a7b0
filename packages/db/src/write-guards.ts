import type { DatabaseExecutor } from './database.ts';
import { WriterSession } from './writer-session.ts';

/** What every commit is checked against, in milliseconds since 1970; 0 = there is none yet. */
export interface WriteGuards {
  /** Retention's: events of impressions born before it were purged, or will be. */
  readonly horizonMs: number;
  /** The rollups': impressions born before it are, or may be, summed up. */
  readonly frontierMs: number;
}

/**
 * Reads the guards, through whichever connection the caller acts on. The migration wrote their row, commits
 * fail without it, and to take 0 for it would count what was purged: a database that lacks it is broken.
 *
 * @throws Error where the row is missing
 */
export async function readWriteGuards(
  from: DatabaseExecutor | WriterSession,
): Promise<WriteGuards> {
  const row = await (from instanceof WriterSession ? rowOfSession(from) : rowOf(from));
  if (row === undefined) throw new Error('table write_guards has lost its row');
  return { horizonMs: Number(row.horizon_ms), frontierMs: Number(row.frontier_ms) };
}

async function rowOf(db: DatabaseExecutor) {
  return await db
    .selectFrom('write_guards')
    .select(['horizon_ms', 'frontier_ms'])
    .executeTakeFirst();
}

async function rowOfSession(session: WriterSession) {
  const [row] = await session.query<{ horizon_ms: string; frontier_ms: string }>(
    'SELECT horizon_ms, frontier_ms FROM write_guards',
  );
  return row;
}

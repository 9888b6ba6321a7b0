import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/**
 * The earlier of this process' clock and the database's, in ms since 1970. What is dropped cannot be brought back, so a
 * clock that was put forward by mistake must drop nothing; one that is behind only drops later.
 */
export async function earlierClockMs(db: DatabaseExecutor, ownMs = Date.now()): Promise<number> {
  const { rows } = await sql<{
    ms: number;
  }>`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms`.execute(db);
  return Math.min(ownMs, Math.floor(rows[0]?.ms ?? 0));
}

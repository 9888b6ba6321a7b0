import { type DatabaseExecutor, databaseNowMs } from '@adtally/db';

/**
 * The earlier of this process' clock and the database's, in ms since 1970. What is dropped cannot be brought back, so a
 * clock that was put forward by mistake must drop nothing; one that is behind only drops later.
 */
export async function earlierClockMs(db: DatabaseExecutor, ownMs = Date.now()): Promise<number> {
  return Math.min(ownMs, Math.floor(await databaseNowMs(db)));
}

import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';

/** The database's clock, in milliseconds since 1970. */
export async function databaseNowMs(db: DatabaseExecutor): Promise<number> {
  const { rows } = await sql<{
    ms: number;
  }>`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database did not tell its time');
  return row.ms;
}

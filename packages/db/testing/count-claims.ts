import { sql } from 'kysely';
import { openDatabase } from '../src/index.ts';

/**
 * Has a database number the claims of a source 1, 2, 3, so that a test can name an epoch it has not been told.
 * Really an epoch is the time of its claim.
 */
export async function countClaims(databaseUrl: string): Promise<void> {
  const db = openDatabase(databaseUrl, { applicationName: 'test' });
  try {
    await sql`CREATE OR REPLACE FUNCTION next_epoch(p_former bigint) RETURNS bigint
      LANGUAGE sql VOLATILE AS 'SELECT p_former + 1'`.execute(db);
  } finally {
    await db.destroy();
  }
}

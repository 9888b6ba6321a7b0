import { type Database, type Operator, recordAction } from '@adtally/db';
import { sql } from 'kysely';
import { ArchiveRefused } from './errors.ts';

/**
 * Takes a restored day away from the database again; the archive keeps it.
 *
 * @throws ArchiveRefused where it is not there
 */
export async function dropRestoredDay(
  db: Database,
  day: string,
  operator: Operator,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await recordAction(trx, operator, 'drop_restored_day', { day });
    const { rows } = await sql<{ dropped: boolean }>`
      SELECT drop_restored_day(${day}::date) AS dropped`.execute(trx);
    if (rows[0]?.dropped !== true)
      throw new ArchiveRefused(`day ${day} is not restored: there is nothing to drop`);
  });
}

import { type DatabaseExecutor, WRITTEN_COLUMN_LIST } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';

/** Days that came back from their archive, `2026-11-01`, in order. */
export async function restoredDays(db: DatabaseExecutor): Promise<string[]> {
  const { rows } = await sql<{ day: string }>`
    SELECT to_char(day, 'YYYY-MM-DD') AS day FROM restored.days ORDER BY day`.execute(db);
  return rows.map(({ day }) => day);
}

/**
 * All events that are stored, as a relation: those of `events`, and those of days that came back from their archive. No
 * event is in both, since a day comes back only once it has left (migration 0032). Nothing but `events` is read where
 * none came back.
 */
export async function storedEvents(trx: DatabaseExecutor): Promise<RawBuilder<unknown>> {
  if ((await restoredDays(trx)).length === 0) return sql`events`;
  const columns = sql.raw(WRITTEN_COLUMN_LIST);
  return sql`(SELECT ${columns} FROM events UNION ALL SELECT ${columns} FROM restored.events)`;
}

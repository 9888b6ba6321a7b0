import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/** A day that would be dropped. */
export interface DayToDrop {
  /** yyyy-mm-dd */
  readonly label: string;
  /** Of its partition on disk, indexes included; null where its rows lie in the default partition. */
  readonly bytes: number | null;
}

/** The days below a horizon that have a partition, or rows in the default one; the oldest first. */
export async function daysToDrop(db: DatabaseExecutor, horizonMs: number): Promise<DayToDrop[]> {
  const { rows } = await sql<{ label: string; bytes: bigint | null }>`
    WITH horizon AS (SELECT (to_timestamp(${horizonMs}::float8 / 1000) AT TIME ZONE 'UTC')::date AS day),
    made AS (
      SELECT to_date(substr(c.relname, 8), 'YYYYMMDD') AS day, pg_total_relation_size(c.oid) AS bytes
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_[0-9]{8}$'
    ), unmade AS (
      SELECT DISTINCT (to_timestamp(rollup_cohort(d.impression_id) * 30) AT TIME ZONE 'UTC')::date AS day
      FROM events_default d, horizon h
      WHERE d.impression_id < first_id_of(h.day) AND rollup_cohort(d.impression_id) >= 0
    )
    SELECT below.day::text AS label, below.bytes
    FROM (SELECT day, bytes FROM made UNION ALL SELECT day, NULL FROM unmade) below JOIN horizon h ON below.day < h.day
    ORDER BY 1`.execute(db);
  return rows.map(({ label, bytes }) => ({ label, bytes: bytes === null ? null : Number(bytes) }));
}

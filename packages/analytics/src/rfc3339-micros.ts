import { type RawBuilder, sql } from 'kysely';

/** A `timestamptz` as text in UTC, to the microsecond, which a Date cannot hold. */
export function rfc3339Micros(column: string): RawBuilder<string> {
  return sql<string>`to_char(${sql.ref(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

import { sql } from 'kysely';

/** Longer values are no use to whoever looks for a name in them. */
const VALUE_BYTES_MAX = 65_536;

/** A stored record's bytes, as far as its sender's name is looked for in them. */
export interface RecordBytes {
  /** Empty where it is longer than `VALUE_BYTES_MAX`. */
  readonly value: Buffer;
  /** As `encodeHeaders` writes them. */
  readonly headers: Buffer;
}

/** Selects the bytes of a table (by its alias) whose columns are `record_value` and `record_headers`. */
export function recordBytes(alias: string) {
  const value = sql.ref(`${alias}.record_value`);
  return [
    // The driver gives buffers.
    sql<Buffer>`${sql.ref(`${alias}.record_headers`)}`.as('headers'),
    sql<Buffer>`CASE WHEN octet_length(${value}) <= ${VALUE_BYTES_MAX} THEN ${value} ELSE '' END`.as(
      'value',
    ),
  ] as const;
}

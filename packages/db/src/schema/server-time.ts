import type { ColumnType } from 'kysely';

/** Written by the server's clock. */
export type ServerTime = ColumnType<Date, never, never>;

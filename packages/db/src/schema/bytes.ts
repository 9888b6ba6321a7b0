import type { ColumnType } from 'kysely';

/** `bytea`: the driver reads it as a Buffer and takes any bytes. */
export type Bytes = ColumnType<Buffer, Uint8Array, Uint8Array>;
export type NullableBytes = ColumnType<Buffer | null, Uint8Array | null, Uint8Array | null>;

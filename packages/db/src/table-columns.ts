import { EVENT_TYPES, PAYLOAD_COLUMNS, type PayloadColumn } from '@adtally/event-schema';

/** Columns of table `events` that do not come from the event's own fields, in the order we write them. */
export const SYSTEM_COLUMNS = [
  { name: 'source_offset', type: 'bigint' },
  { name: 'source_id', type: 'int' },
  { name: 'event_type', type: 'event_type' },
  { name: 'event_key', type: 'uuid' },
] as const;

const POSTGRES_TYPE = {
  uuid: 'uuid',
  time: 'timestamptz',
  micros: 'bigint',
  text: 'text',
} as const satisfies Record<PayloadColumn['kind'], string>;

/** The PostgreSQL type that holds a payload column. */
export function postgresTypeOf(column: PayloadColumn): string {
  return POSTGRES_TYPE[column.kind];
}

/** All columns of `events` in writing order: both encoders follow it. */
export const WRITTEN_COLUMNS: readonly { readonly name: string; readonly type: string }[] = [
  ...SYSTEM_COLUMNS,
  ...PAYLOAD_COLUMNS.map((column) => ({ name: column.name, type: postgresTypeOf(column) })),
];

/** `name, name, ...` for COPY and INSERT. */
export const WRITTEN_COLUMN_LIST = WRITTEN_COLUMNS.map((column) => column.name).join(', ');

/** Labels of the enum `event_type`, by the index a batch keeps. */
export const EVENT_TYPE_LABELS = EVENT_TYPES.map((label) => Buffer.from(label, 'latin1'));

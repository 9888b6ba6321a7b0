import { looseFields, sourceName, uuidBytes, type SourceRecord } from '@adtally/event-schema';

/** What is read of a record that the decoder may refuse, as far as it can be. */
export interface Peek {
  /** Who sent it, as the record itself says; null where it does not. */
  readonly source: string | null;
  /** 16 bytes; null where none can be read. */
  readonly impressionId: Buffer | null;
}

/** @param sourceHeader the header that names the producer; without one see `sourceName` */
export function peek(record: SourceRecord, sourceHeader: string | undefined): Peek {
  const id = looseFields(record.value)['impression_id'];
  return {
    source: sourceName(record, sourceHeader),
    impressionId: typeof id === 'string' ? uuidBytes(id) : null,
  };
}

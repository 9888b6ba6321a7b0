import type { RecordHeader, SourceRecord } from '@adtally/event-schema';
import { uuidBytes } from '@adtally/event-schema';

/** What is read of a record that the decoder may refuse, as far as it can be. */
export interface Peek {
  /** Who sent it, as the record itself says; null where it does not. */
  readonly source: string | null;
  /** 16 bytes; null where none can be read. */
  readonly impressionId: Buffer | null;
}

/** Headers by which producers and their frameworks name themselves, the likeliest first. */
const SOURCE_HEADERS = ['source', 'producer', 'client', 'client-id', 'client.id', 'ce_source'];
const SOURCE_CHARACTERS_MAX = 64;
/** An event is shorter by far. */
const VALUE_BYTES_MAX = 65_536;
const SOURCE = /"source"\s*:\s*"([^"\\]{1,64})"/;
const IMPRESSION_ID = /"impression_id"\s*:\s*"([0-9a-fA-F-]{36})"/;

/**
 * @param sourceHeader the header that names the producer; without one the event's field `source` does, else
 *   one of the usual headers
 */
export function peek(record: SourceRecord, sourceHeader: string | undefined): Peek {
  const fields = fieldsOf(record.value);
  const { source, impression_id: id } = fields;
  return {
    source: shortened(
      sourceHeader === undefined
        ? (ownText(source) ?? headerText(record.headers, SOURCE_HEADERS))
        : headerText(record.headers, [sourceHeader]),
    ),
    impressionId: typeof id === 'string' ? uuidBytes(id) : null,
  };
}

interface Fields {
  readonly source?: unknown;
  readonly impression_id?: unknown;
}

const NO_FIELDS: Fields = {};

function fieldsOf(value: Buffer | null): Fields {
  if (value === null) return NO_FIELDS;
  const text = value.toString('utf8', 0, VALUE_BYTES_MAX);
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : NO_FIELDS;
  } catch {
    // Cut short, or never JSON: what looks like a field is the best guess at whose it is.
    return { source: SOURCE.exec(text)?.[1], impression_id: IMPRESSION_ID.exec(text)?.[1] };
  }
}

function ownText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function headerText(
  headers: readonly RecordHeader[] | undefined,
  names: readonly string[],
): string | null {
  for (const name of names) {
    for (const header of headers ?? []) {
      const value = header[name];
      if (value !== undefined && value !== null && value.length > 0) return value.toString();
    }
  }
  return null;
}

function shortened(text: string | null): string | null {
  return text === null ? null : text.slice(0, SOURCE_CHARACTERS_MAX);
}

import type { Buffer } from 'node:buffer';
import { isFramed, FRAME_BYTES } from './decode/wrapping.ts';
import type { RecordHeader, SourceRecord } from './record.ts';

/** Headers by which producers and their frameworks name themselves, the likeliest first. */
const SOURCE_HEADERS = ['source', 'producer', 'client', 'client-id', 'client.id', 'ce_source'];
const NAME_CHARACTERS_MAX = 64;
const VERSION_CHARACTERS_MAX = 16;

/** An event is shorter by far. */
const VALUE_BYTES_MAX = 65_536;
const SOURCE = /"source"\s*:\s*"([^"\\]{1,64})"/;
const IMPRESSION_ID = /"impression_id"\s*:\s*"([0-9a-fA-F-]{36})"/;

/** A name that needs no tidying, as nearly all are. */
const TIDY = new RegExp(`^[ -~]{0,${NAME_CHARACTERS_MAX}}$`);

type Fields = Readonly<Record<string, unknown>>;

const NO_FIELDS: Fields = {};

/**
 * Who sent a record, as it says itself: its event's field `source`, else a usual header, else the `source` of the
 * CloudEvents envelope around it. Null where it does not say. At most 64 characters, none of them a control.
 *
 * @param header the header that names the producer: then nothing else does
 */
export function sourceName(
  { value, headers }: Pick<SourceRecord, 'value' | 'headers'>,
  header?: string,
): string | null {
  if (header !== undefined) return tidied(headerText(headers, [header]));
  return sourceIn(parsed(value), headers);
}

/** What a record says of itself, whether or not it is an event; empty where it does not say. Nobody vouches for it. */
export interface ClaimedFacts {
  /** As `sourceName` tells it. */
  readonly source: string;
  /** At most 64 characters. */
  readonly campaign: string;
  /** Its `schema_version` as JSON spells it, at most 16 characters; of what is no scalar `object`. */
  readonly version: string;
}

/** Reads what people group failed records by. At most the first 64 KiB are looked at. */
export function claimedFacts({
  value,
  headers,
}: Pick<SourceRecord, 'value' | 'headers'>): ClaimedFacts {
  const outer = parsed(value);
  const { campaign_id: campaign, schema_version: version } = eventIn(outer);
  return {
    source: sourceIn(outer, headers) ?? '',
    campaign: tidied(textOf(campaign)) ?? '',
    version: version === undefined ? '' : scalarText(version).slice(0, VERSION_CHARACTERS_MAX),
  };
}

function sourceIn(outer: Fields, headers: readonly RecordHeader[] | undefined): string | null {
  return tidied(
    textOf(eventIn(outer)['source']) ??
      headerText(headers, SOURCE_HEADERS) ??
      textOf(outer['source']),
  );
}

function scalarText(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? 'object'
    : (tidied(JSON.stringify(value)) ?? '');
}

/** The fields of an event that a decoder may refuse, wrapped or not; of what is no JSON what can be guessed. */
export function looseFields(value: Buffer | null): Fields {
  return eventIn(parsed(value));
}

function eventIn(outer: Fields): Fields {
  if (Object.hasOwn(outer, 'schema_version')) return outer;
  const { payload, data, specversion } = outer;
  if (Object.hasOwn(outer, 'schema') && isObject(payload)) return payload;
  if (specversion === undefined) return outer;
  return isObject(data) ? data : NO_FIELDS;
}

function parsed(value: Buffer | null): Fields {
  if (value === null) return NO_FIELDS;
  const start = isFramed(value, 0, value.length) ? FRAME_BYTES : 0;
  const text = value.toString('utf8', start, VALUE_BYTES_MAX);
  try {
    const read: unknown = JSON.parse(text);
    return isObject(read) ? read : NO_FIELDS;
  } catch {
    // Cut short, or never JSON: what looks like a field is the best guess at whose it is.
    return { source: SOURCE.exec(text)?.[1], impression_id: IMPRESSION_ID.exec(text)?.[1] };
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string | null {
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

function tidied(text: string | null): string | null {
  if (text === null || TIDY.test(text)) return text;
  return text
    .slice(0, NAME_CHARACTERS_MAX)
    .replaceAll(/\p{Cc}/gu, '?')
    .toWellFormed();
}

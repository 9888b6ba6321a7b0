import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { RecordHeader } from '@adtally/event-schema';
import { printable } from './words.ts';

/** What may be told of bytes without telling them. */
export interface MaskedBytes {
  readonly bytes: number;
  readonly sha256: string;
}

export interface MaskedValue extends MaskedBytes {
  readonly utf8: boolean;
  /** JSON with each value replaced by its type and length; absent where it is no JSON. */
  readonly structure?: unknown;
}

export interface MaskedRecord {
  readonly key: MaskedBytes | null;
  readonly value: MaskedValue | null;
  /** The record's own, in order: names and lengths. */
  readonly headers: readonly { readonly name: string; readonly bytes: number | null }[];
}

// A value may be anything: what is shown of it is bounded.
const DEPTH_MAX = 8;
const KEYS_MAX = 100;
const KEY_CHARACTERS_MAX = 64;

/** A record as anybody may see it: names, types, lengths and hashes, never a value. */
export function maskRecord(record: {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}): MaskedRecord {
  return {
    key: record.key === null ? null : maskBytes(record.key),
    value: record.value === null ? null : maskValue(record.value),
    headers: record.headers.flatMap((header) =>
      Object.entries(header).map(([name, value]) => ({
        name: shortName(name),
        bytes: value === undefined ? null : Buffer.byteLength(value),
      })),
    ),
  };
}

/** A masked record for people. */
export function maskedText(record: Parameters<typeof maskRecord>[0]): string {
  const { key, value, headers } = maskRecord(record);
  const bytes = (masked: { bytes: number; sha256: string } | null): string =>
    masked === null ? 'null' : `${masked.bytes} bytes, sha-256 ${masked.sha256}`;
  const structure =
    value?.structure === undefined
      ? value !== null && `  no JSON${value.utf8 ? '' : ', no UTF-8'}`
      : JSON.stringify(value.structure, null, 2);
  return [
    `key: ${bytes(key)}`,
    ...headers.map(({ name, bytes: length }) => `header ${name}: ${length ?? 0} bytes`),
    `value: ${bytes(value)}`,
    ...(structure === false ? [] : [structure]),
  ].join('\n');
}

function maskBytes(bytes: Buffer): MaskedBytes {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function maskValue(value: Buffer): MaskedValue {
  const masked = { ...maskBytes(value), utf8: isUtf8(value) };
  if (!masked.utf8) return masked;
  try {
    return { ...masked, structure: maskJson(JSON.parse(value.toString('utf8')), 1) };
  } catch {
    return masked;
  }
}

/** `string(12)`, `number(7)`, `boolean`, `null`; an array by its length and its first element. */
function maskJson(value: unknown, depth: number): unknown {
  if (value === null) return 'null';
  if (typeof value === 'string') return `string(${value.length})`;
  if (typeof value === 'number') return `number(${String(value).length})`;
  if (typeof value !== 'object') return typeof value;
  if (depth > DEPTH_MAX) return Array.isArray(value) ? 'array' : 'object';
  if (Array.isArray(value)) {
    return value.length === 0
      ? 'array(0)'
      : [`array(${value.length})`, maskJson(value[0], depth + 1)];
  }
  const entries = Object.entries(value);
  const shown = entries
    .slice(0, KEYS_MAX)
    .map(([key, item]) => [shortName(key), maskJson(item, depth + 1)]);
  const more = entries.length - shown.length;
  if (more > 0) shown.push(['...', `${more} more fields`]);
  return Object.fromEntries(shown);
}

function shortName(name: string): string {
  const safe = printable(name.slice(0, KEY_CHARACTERS_MAX));
  return name.length > KEY_CHARACTERS_MAX ? `${safe}...` : safe;
}

import { hash } from 'node:crypto';
import type { RecordHeader, SourceRecord } from '@adtally/event-schema';

/** A record's key as bytes; the client may hand out text. */
export function keyBytes(record: Pick<SourceRecord, 'key'>): Buffer | null {
  const { key } = record;
  if (key === null || key === undefined) return null;
  return typeof key === 'string' ? Buffer.from(key) : key;
}

/**
 * A record's append time in milliseconds since 1970, -1 where the broker gave none. A topic with producer
 * timestamps may hold any int64: beyond 2^53 it is that.
 */
export function appendMsOf({ timestamp }: Pick<SourceRecord, 'timestamp'>): number {
  return Math.min(Math.max(timestamp ?? -1, -1), Number.MAX_SAFE_INTEGER);
}

/** Headers as ordered [name, value] pairs; a missing value is null. */
export function headerPairs(
  headers: readonly RecordHeader[] | undefined,
): [string, Buffer | null][] {
  return (headers ?? []).flatMap((header) =>
    Object.entries(header).map(([name, value]): [string, Buffer | null] => [
      name,
      value === undefined || Buffer.isBuffer(value) ? (value ?? null) : Buffer.from(value),
    ]),
  );
}

/** Headers as stored: UTF-8 JSON, a list of [name, base64 value or null]. */
export function encodeHeaders(headers: readonly RecordHeader[] | undefined): Buffer {
  const pairs = headerPairs(headers).map(([name, value]) => [
    name,
    value?.toString('base64') ?? null,
  ]);
  return Buffer.from(JSON.stringify(pairs));
}

/** The headers that `encodeHeaders` wrote. */
export function decodeHeaders(encoded: Buffer): RecordHeader[] {
  const pairs = JSON.parse(encoded.toString('utf8')) as [string, string | null][];
  return pairs.map(([name, value]) => ({
    [name]: value === null ? undefined : Buffer.from(value, 'base64'),
  }));
}

/**
 * SHA-256 over a record's key, value and headers, each length-prefixed (int32 big-endian, -1 for null).
 * A copy on the DLQ topic is believed only if its hash equals the one in its reference. A header without
 * a value counts as an empty one: the Kafka client cannot send null, so that is what its copy has.
 */
export function recordHash(record: Pick<SourceRecord, 'key' | 'value' | 'headers'>): Buffer {
  const headers = headerPairs(record.headers);
  return hash(
    'sha256',
    lengthPrefixed([
      keyBytes(record),
      record.value,
      ...headers.flatMap(([name, value]) => [Buffer.from(name), value ?? EMPTY]),
    ]),
    'buffer',
  );
}

const EMPTY = Buffer.alloc(0);
const PREFIX_BYTES = 4;

function lengthPrefixed(parts: readonly (Buffer | null)[]): Buffer {
  const bytes = parts.reduce((sum, part) => sum + PREFIX_BYTES + (part?.length ?? 0), 0);
  const whole = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const part of parts) {
    at = whole.writeInt32BE(part?.length ?? -1, at);
    if (part !== null) at += part.copy(whole, at);
  }
  return whole;
}

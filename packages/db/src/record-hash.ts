import { createHash, type Hash } from 'node:crypto';
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
      value === undefined ? null : Buffer.from(value as Buffer),
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
  const hash = createHash('sha256');
  updateWith(hash, keyBytes(record));
  updateWith(hash, record.value);
  for (const [name, value] of headerPairs(record.headers)) {
    updateWith(hash, Buffer.from(name));
    updateWith(hash, value ?? EMPTY);
  }
  return hash.digest();
}

const EMPTY = Buffer.alloc(0);

function updateWith(hash: Hash, bytes: Buffer | null): void {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(bytes?.length ?? -1);
  hash.update(prefix);
  if (bytes !== null) hash.update(bytes);
}

import { Buffer } from 'node:buffer';
import {
  decodeInto,
  DEFAULT_DECODE_LIMITS,
  EVENT_KEY_HEADER,
  idMillis,
  isClock,
  uuidBytes,
  uuidText,
  VERDICT,
  type DecodeLimits,
  type EventBatch,
  type Rejection,
  type SourceRecord,
} from '@adtally/event-schema';
import {
  EVENT_KEY_BYTES,
  IMPRESSION_KEY_BYTES,
  keyDeriver,
  partitionFor,
  writeImpressionKey,
} from '@adtally/key-derivation';

/** An id may be so much ahead of the broker's clock before it is called `future`. */
export const FUTURE_TOLERANCE_MS = 24 * 3_600_000;

const EXPIRED: Rejection = {
  code: 'expired',
  field: 'impression_id',
  message: 'the id is older than the retention horizon',
};

export interface ClassifyRules {
  /** Retention horizon in milliseconds since 1970, read at claim; `null` = nothing was purged yet. */
  readonly horizonMs: number | null;
  /** Partitions of the topic; `null` where unknown: then only the record's key tells misrouted ones. */
  readonly partitions: number | null;
  readonly limits?: DecodeLimits;
}

/**
 * Decides every undecided row from `fromRow` on: an event with its columns and key, or one named
 * rejection. A pure function of bytes, key, headers, append time and the rules: no clock, no I/O, so a
 * record read twice ends the same way. Never throws for bad data.
 *
 * After decoding the order of the checks is `key_mismatch`, `future`, `expired`. Ids that carry no time
 * (`idMillis`) skip the last two; so does `future` where the record's timestamp is no clock.
 * `batch.misrouted` and `batch.clockless` count events only: a rejected record is never stored anywhere.
 */
export function classify(batch: EventBatch, fromRow: number, rules: ClassifyRules): void {
  const limits = rules.limits ?? DEFAULT_DECODE_LIMITS;
  const deriveKey = keyDeriver(batch);
  const impressionIds = batch.column('impression_id').bytes;
  for (let row = fromRow; row < batch.count; row += 1) {
    if (batch.verdict[row] !== VERDICT.undecided) continue;
    decodeInto(batch, row, limits);
    if (batch.verdict[row] !== VERDICT.event) continue;
    deriveKey(row);
    const record = batch.record(row);
    const rejection =
      keyHeaderProblem(record, batch.eventKey, row * EVENT_KEY_BYTES) ??
      timeProblem(record, idMillis(impressionIds, row * 16), rules.horizonMs);
    if (rejection !== null) batch.reject(row, rejection);
    else {
      if (isMisrouted(record, impressionIds, row * 16, rules.partitions)) batch.misrouted += 1;
      if (isClockless(record)) batch.clockless += 1;
    }
  }
}

/** A stated key that disagrees could otherwise suppress somebody else's event. */
function keyHeaderProblem(
  record: SourceRecord,
  eventKeys: Uint8Array,
  keyAt: number,
): Rejection | null {
  if (record.headers === undefined) return null;
  let stated: string | null = null;
  for (const header of record.headers) {
    for (const name of Object.keys(header)) {
      if (name !== EVENT_KEY_HEADER) continue;
      if (stated !== null) return keyMismatch('the header stands twice');
      stated = headerText(header[name]);
    }
  }
  if (stated === null) return null;
  const key = uuidBytes(stated);
  if (key === null) return keyMismatch('the header is not a UUID in text form');
  return uuidText(key) === uuidText(eventKeys, keyAt)
    ? null
    : keyMismatch('the header is not the key of this event');
}

/** One character a byte: no byte string can pass for another, and none that is long is a UUID. */
function headerText(value: Buffer | string | undefined): string {
  return Buffer.isBuffer(value) ? value.toString('latin1') : (value ?? '');
}

function keyMismatch(message: string): Rejection {
  return { code: 'key_mismatch', field: EVENT_KEY_HEADER, message };
}

function timeProblem(
  record: SourceRecord,
  bornMs: number,
  horizonMs: number | null,
): Rejection | null {
  if (bornMs < 0) return null;
  const appendMs = record.timestamp ?? -1;
  if (isClock(appendMs) && bornMs - appendMs > FUTURE_TOLERANCE_MS)
    return {
      code: 'future',
      field: 'impression_id',
      message: 'the id is made more than 24 h after the broker took the record',
    };
  if (horizonMs !== null && bornMs < horizonMs) return EXPIRED;
  return null;
}

/** A record without any timestamp (-1) is none: its topic is older than timestamps are. */
function isClockless({ timestamp = -1 }: SourceRecord): boolean {
  return timestamp >= 0 && !isClock(timestamp);
}

const canonicalKey = Buffer.alloc(IMPRESSION_KEY_BYTES);

function isMisrouted(
  record: SourceRecord,
  impressionIds: Uint8Array,
  impressionAt: number,
  partitions: number | null,
): boolean {
  writeImpressionKey(canonicalKey, impressionIds, impressionAt);
  if (!isCanonicalKey(record.key)) return true;
  return partitions !== null && record.partition !== partitionFor(canonicalKey, partitions);
}

function isCanonicalKey(key: SourceRecord['key']): boolean {
  if (typeof key === 'string') return key === canonicalKey.toString('latin1');
  if (key === null || key === undefined || key.length !== IMPRESSION_KEY_BYTES) return false;
  // A loop beats Buffer.equals on so few bytes.
  for (let index = 0; index < IMPRESSION_KEY_BYTES; index += 1)
    if (key[index] !== canonicalKey[index]) return false;
  return true;
}

/**
 * After the horizon moved: rejects events from `fromRow` on whose id is older than it and returns their
 * rows. What was valid before the move must not be counted after it.
 */
export function rejectExpired(batch: EventBatch, fromRow: number, horizonMs: number): number[] {
  const impressionIds = batch.column('impression_id').bytes;
  const expired: number[] = [];
  for (let row = fromRow; row < batch.count; row += 1) {
    if (batch.verdict[row] !== VERDICT.event) continue;
    const bornMs = idMillis(impressionIds, row * 16);
    if (bornMs < 0 || bornMs >= horizonMs) continue;
    batch.reject(row, EXPIRED);
    expired.push(row);
  }
  return expired;
}

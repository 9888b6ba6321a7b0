import { Buffer } from 'node:buffer';
import {
  decodeInto,
  DEFAULT_DECODE_LIMITS,
  DEFAULT_TOPIC_RULES,
  EVENT_KEY_HEADER,
  idMillis,
  isClock,
  isClockless,
  uuidBytes,
  uuidText,
  VERDICT,
  type DecodeLimits,
  type EventBatch,
  type Rejection,
  type TopicRules,
} from '@adtally/event-schema';
import { EVENT_KEY_BYTES, keyDeriver } from '@adtally/key-derivation';
import { isMisrouted } from './misrouting.ts';

const HOUR_MS = 3_600_000;

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
  /** An id may be so much ahead of the broker's clock before it is called `future`; 24 h where not given. */
  readonly futureToleranceMs?: number;
  /** Rows that are events also where their id lies farther ahead: an operator let them through. */
  readonly acceptsFuture?: (row: number) => boolean;
}

/** The rules by which every record of a topic is judged: the process's limits, and what the topic's rules say. */
export function readBy(
  limits: DecodeLimits,
  { valueFormat, amountsAsStrings, futureToleranceMs }: TopicRules,
): Pick<ClassifyRules, 'limits' | 'futureToleranceMs'> {
  return { limits: { ...limits, valueFormat, amountsAsStrings }, futureToleranceMs };
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
  const {
    limits = DEFAULT_DECODE_LIMITS,
    futureToleranceMs = DEFAULT_TOPIC_RULES.futureToleranceMs,
  } = rules;
  const deriveKey = keyDeriver(batch);
  const impressionIds = batch.column('impression_id').bytes;
  const { places } = batch;
  for (let row = fromRow; row < batch.count; row += 1) {
    if (batch.verdict[row] !== VERDICT.undecided) continue;
    decodeInto(batch, row, limits);
    if (batch.verdict[row] !== VERDICT.event) continue;
    deriveKey(row);
    const rejection =
      keyHeaderProblem(batch, row) ??
      timeProblem(
        places.timestampMs[row] as number,
        idMillis(impressionIds, row * 16),
        rules.horizonMs,
        rules.acceptsFuture?.(row) === true ? Infinity : futureToleranceMs,
      );
    if (rejection !== null) batch.reject(row, rejection);
    else {
      if (isMisrouted(batch, row, impressionIds, rules.partitions)) batch.misroutedRows.add(row);
      if (isClockless(places.timestampMs[row] as number)) batch.clockless += 1;
    }
  }
}

/** A stated key that disagrees could otherwise suppress somebody else's event. */
function keyHeaderProblem(batch: EventBatch, row: number): Rejection | null {
  const { places } = batch;
  if (places.isWhole(row) && !places.hasHeaders(row)) return null;
  const { headers } = batch.record(row);
  if (headers === undefined) return null;
  let stated: string | null = null;
  for (const header of headers) {
    for (const name of Object.keys(header)) {
      if (name !== EVENT_KEY_HEADER) continue;
      if (stated !== null) return keyMismatch('the header stands twice');
      stated = headerText(header[name]);
    }
  }
  if (stated === null) return null;
  const key = uuidBytes(stated);
  if (key === null) return keyMismatch('the header is not a UUID in text form');
  return uuidText(key) === uuidText(batch.eventKey, row * EVENT_KEY_BYTES)
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
  appendMs: number,
  bornMs: number,
  horizonMs: number | null,
  futureToleranceMs: number,
): Rejection | null {
  if (bornMs < 0) return null;
  if (isClock(appendMs) && bornMs - appendMs > futureToleranceMs)
    return {
      code: 'future',
      field: 'impression_id',
      message: `the id is made more than ${hoursText(futureToleranceMs)} after the broker took the record`,
    };
  if (horizonMs !== null && bornMs < horizonMs) return EXPIRED;
  return null;
}

function hoursText(ms: number): string {
  return `${ms / HOUR_MS} h`;
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

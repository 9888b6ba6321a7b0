/** One Kafka record as the client hands it over; bytes are never copied or re-encoded on the way. */
export interface SourceRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | string | null | undefined;
  readonly value: Buffer | null;
  /** One object a header, in order; a name may repeat. */
  readonly headers?: readonly RecordHeader[] | undefined;
  /** Broker append time in milliseconds since 1970 (`LogAppendTime`). */
  readonly timestamp?: number | undefined;
}

export type RecordHeader = Readonly<Record<string, Buffer | string | undefined>>;

/** Optional header in which a producer may state the idempotency key it expects. */
export const EVENT_KEY_HEADER = 'adtally-event-key';

const CLOCKS_FROM_MS = Date.UTC(2015, 0, 1);
const CLOCKS_UNTIL_MS = Date.UTC(2100, 0, 1);

/**
 * Whether a record's timestamp (milliseconds since 1970) can be a clock's. Producers may write anything
 * there: seconds land in 1970, microseconds tens of thousands of years away, and -1 means there is none.
 */
export function isClock(timestampMs: number): boolean {
  return timestampMs >= CLOCKS_FROM_MS && timestampMs < CLOCKS_UNTIL_MS;
}

/** Whether a record has a timestamp that is no clock. One without any (-1) has none: its topic is older than they are. */
export function isClockless(timestampMs: number): boolean {
  return timestampMs >= 0 && !isClock(timestampMs);
}

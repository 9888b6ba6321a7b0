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

import type { Buffer } from 'node:buffer';
import type { RecordHeader } from '@adtally/event-schema';
import type { PlannedEvent } from './event.ts';
import type { MalformedKind } from './mix.ts';

/** What must become of a record, as the plan knows by construction. */
export type PlannedTruth =
  | {
      readonly kind: 'event';
      /** Running number of (event type, impression id, click or conversion id). */
      readonly identity: number;
      /** 0 = the first payload of that identity; every other number is another payload. */
      readonly version: number;
      readonly event: PlannedEvent;
      readonly misrouted: boolean;
      /** Fields of it the contract does not know. */
      readonly unknownFields: number;
      /** Its impression was born long before it arrives. */
      readonly late: boolean;
    }
  | {
      readonly kind: 'rejected';
      readonly code: MalformedKind;
      /** What it was before it was spoilt; of `future` what it still is. */
      readonly event: PlannedEvent;
    };

/** One record to be produced. */
export interface PlannedRecord {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[] | null;
  /** `null` = where the partitioner puts the key. */
  readonly partition: number | null;
  readonly truth: PlannedTruth;
}

import {
  rejectionFingerprint,
  VERDICT,
  type EventBatch,
  type SourceRecord,
} from '@adtally/event-schema';
import { Copies } from './copies.ts';
import { readId, type IdForm } from './id-form.ts';
import { readKey, type KeyForm } from './key-form.ts';
import { Placement } from './placement.ts';
import { timestampForm, type TimestampForm } from './timestamp-form.ts';

/** Records that are rejected for one cause. */
export interface Cause {
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
  records: number;
  /** `partition@offset` of the first one. */
  readonly example: string;
}

/** What the sample holds of one source. */
export class SourceTally {
  records = 0;
  events = 0;
  /** Events with fields the contract does not know. */
  withUnknownFields = 0;
  /** Events whose timestamp lies more than a day past the clock of whoever asks. */
  timestampsAhead = 0;
  readonly keys = new Map<KeyForm, number>();
  readonly timestamps = new Map<TimestampForm, number>();
  readonly ids = new Map<IdForm, number>();
  /** Milliseconds from an id's birth to its record's timestamp, where both are times. */
  readonly agesMs: number[] = [];
  readonly causes = new Map<string, Cause>();
  readonly copies = new Copies();
  readonly placement: Placement;

  constructor(partitions: number) {
    this.placement = new Placement(partitions);
  }

  /**
   * @param batch holds the record as its only row, classified
   * @param peekedId the impression id as far as it can be read of a record that is rejected
   */
  add(record: SourceRecord, batch: EventBatch, peekedId: Buffer | null, nowMs: number): void {
    this.records += 1;
    const isEvent = batch.verdict[0] === VERDICT.event;
    // Copied: the batch is used again.
    const id = isEvent
      ? Buffer.from(batch.column('impression_id').bytes.subarray(0, 16))
      : peekedId;
    const key = readKey(record.key, id);
    count(this.keys, key.form);
    const uuid = id ?? key.uuid;
    if (uuid !== null) this.placement.add(bytesOf(record.key), uuid, record.partition);
    this.#addTimes(record.timestamp ?? -1, uuid, nowMs);
    if (isEvent) {
      this.events += 1;
      if (batch.unknownFields > 0) this.withUnknownFields += 1;
      this.copies.add(batch, 0);
    } else this.#addCause(record, batch);
  }

  #addTimes(timestamp: number, uuid: Buffer | null, nowMs: number): void {
    const form = timestampForm(timestamp);
    count(this.timestamps, form);
    const isTime = form === 'milliseconds';
    if (isTime && timestamp > nowMs + DAY_MS) this.timestampsAhead += 1;
    if (uuid === null) return;
    const { form: idForm, bornMs } = readId(uuid);
    count(this.ids, idForm);
    if (isTime && bornMs >= 0) this.agesMs.push(timestamp - bornMs);
  }

  #addCause({ partition, offset }: SourceRecord, batch: EventBatch): void {
    const rejection = batch.rejections.get(0);
    if (rejection === undefined) return;
    const { code, field = null, message } = rejection;
    // Without what differs from record to record, such as the place in it.
    const cause = rejectionFingerprint(rejection);
    const known = this.causes.get(cause);
    if (known !== undefined) known.records += 1;
    else
      this.causes.set(cause, {
        code,
        field,
        message,
        records: 1,
        example: `${partition}@${offset}`,
      });
  }
}

const DAY_MS = 86_400_000;

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function bytesOf(key: SourceRecord['key']): Uint8Array | null {
  if (key === null || key === undefined) return null;
  return typeof key === 'string' ? Buffer.from(key) : key;
}

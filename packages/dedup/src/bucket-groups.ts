import { EVENT_TYPES, type EventBatch, type EventType } from '@adtally/event-schema';
import type { EncodedMembers } from './encoded-command.ts';
import { bucketOf, fingerprintOf, isTimed } from './fingerprint.ts';
import { tableSizeFor } from './table-size.ts';

const NONE = -1;
/** The uuid column whose time buckets an event of that type where it tells one; null = the impression's. */
const BUCKETED_BY: Readonly<Record<EventType, string | null>> = {
  impression: null,
  click: 'click_id',
  conversion: null,
};

/**
 * Groups rows by bucket without allocating: a hash table from bucket to group, and a linked list of
 * rows in each group. Filled, read and reused; never shared by two operations under way.
 */
export class BucketGroups {
  /** Groups in use. */
  count = 0;
  readonly #subBuckets: number;
  readonly #bucket: Float64Array;
  readonly #rows: Int32Array;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #next: Int32Array;
  readonly #slots: Int32Array; // group + 1; 0 = free
  readonly #mask: number;

  constructor(capacity: number, subBuckets: number) {
    this.#subBuckets = subBuckets;
    this.#bucket = new Float64Array(capacity);
    this.#rows = new Int32Array(capacity);
    this.#head = new Int32Array(capacity);
    this.#tail = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#slots = new Int32Array(tableSizeFor(capacity));
    this.#mask = this.#slots.length - 1;
  }

  /**
   * Forgets the last batch and groups the rows whose flag is 1. The bucket follows from identity alone,
   * so that copies of an event meet: a click's own id where it tells its time, since clicks of one moment
   * belong to impressions of many; else the impression id.
   */
  collect(batch: EventBatch, flags: Uint8Array): void {
    const impressionIds = batch.column('impression_id').bytes;
    const ownIds = EVENT_TYPES.map((type) => {
      const column = BUCKETED_BY[type];
      return column === null ? null : batch.column(column).bytes;
    });
    this.count = 0;
    this.#slots.fill(0);
    for (let row = 0; row < batch.count; row += 1) {
      if (flags[row] !== 1) continue;
      const own = ownIds[batch.eventType[row] as number] ?? null;
      const ids = own !== null && isTimed(own, row * 16) ? own : impressionIds;
      const group = this.#groupOf(bucketOf(ids, row * 16, this.#subBuckets));
      if (this.#head[group] === NONE) this.#head[group] = row;
      else this.#next[this.#tail[group] as number] = row;
      this.#tail[group] = row;
      this.#next[row] = NONE;
      this.#rows[group] = (this.#rows[group] as number) + 1;
    }
  }

  bucket(group: number): number {
    return this.#bucket[group] as number;
  }

  /** How many rows a group holds. */
  rows(group: number): number {
    return this.#rows[group] as number;
  }

  /** Calls back for every row of the group, in batch order, with its place in the group. */
  forEachRow(group: number, visit: (row: number, place: number) => void): void {
    let place = 0;
    for (let row = this.#head[group] as number; row !== NONE; row = this.#next[row] as number) {
      visit(row, place);
      place += 1;
    }
  }

  /** The first row of a group, in batch order. */
  firstRow(group: number): number {
    return this.#head[group] as number;
  }

  /** Adds the group's fingerprints, in batch order. */
  encode(group: number, eventKeys: Buffer, members: EncodedMembers): void {
    members.begin(this.rows(group));
    for (let row = this.#head[group] as number; row !== NONE; row = this.#next[row] as number) {
      members.add(fingerprintOf(eventKeys, row * 16));
    }
  }

  #groupOf(bucket: number): number {
    // Neighbouring seconds differ in their low bits only: an odd multiplier spreads them.
    let slot = (Math.imul(bucket | 0, 0x9e3779b1) >>> 8) & this.#mask;
    for (;;) {
      const taken = this.#slots[slot] as number;
      if (taken === 0) break;
      if (this.#bucket[taken - 1] === bucket) return taken - 1;
      slot = (slot + 1) & this.#mask;
    }
    const group = this.count;
    this.count = group + 1;
    this.#slots[slot] = group + 1;
    this.#bucket[group] = bucket;
    this.#rows[group] = 0;
    this.#head[group] = NONE;
    return group;
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { EVENT_TYPES, EventBatch, ROUTE, VERDICT } from '@adtally/event-schema';
import type { RouteStats } from '../src/deduplicator.ts';

export interface TestEvent {
  readonly impressionId: Buffer;
  /** Set for a click. */
  readonly clickId?: Buffer;
  readonly eventKey: Buffer;
}

/** A UUIDv7 born at that time, the rest random. */
export function uuidV7(bornMs: number): Buffer {
  const id = randomBytes(16);
  id.writeUIntBE(bornMs, 0, 6);
  id[6] = 0x70 | ((id[6] as number) & 0x0f);
  id[8] = 0x80 | ((id[8] as number) & 0x3f);
  return id;
}

/** A random UUID of version 4. */
export function uuidV4(): Buffer {
  const id = uuidV7(0);
  randomBytes(6).copy(id);
  id[6] = 0x40 | ((id[6] as number) & 0x0f);
  return id;
}

/** Event number n of an impression; the key is hash output, as the real one is. */
export function eventOf(impressionId: Buffer, n = 0): TestEvent {
  const eventKey = createHash('sha256').update(impressionId).update(String(n)).digest();
  return { impressionId, eventKey: eventKey.subarray(0, 16) };
}

export function someEvents(count: number, bornMs = Date.now(), spreadMs = 1000): TestEvent[] {
  return Array.from({ length: count }, () =>
    eventOf(uuidV7(bornMs + Math.floor(Math.random() * spreadMs))),
  );
}

/** A batch of these events, appended by the broker at `timestamp` (Unix ms), if it says when. */
export function batchOf(
  events: readonly TestEvent[],
  capacity = 5000,
  timestamp?: number,
): EventBatch {
  const batch = new EventBatch(capacity);
  const ids = batch.column('impression_id').bytes;
  for (const [index, event] of events.entries()) {
    const record = { topic: 't', partition: 0, offset: index, key: null, value: null, timestamp };
    const row = batch.append(record, 1);
    batch.verdict[row] = VERDICT.event;
    event.impressionId.copy(ids, row * 16);
    if (event.clickId !== undefined) {
      batch.eventType[row] = EVENT_TYPES.indexOf('click');
      event.clickId.copy(batch.column('click_id').bytes, row * 16);
    }
    event.eventKey.copy(batch.eventKey, row * 16);
  }
  return batch;
}

/** What an answered `route` tells of so many rows by route. */
export const answered = (counts: Partial<Omit<RouteStats, 'outcome'>>): RouteStats => ({
  fast: 0,
  verified: 0,
  unasked: 0,
  ...counts,
  outcome: 'answered',
});

/** Rows of the batch that were routed the fast way. */
export function fastRows(batch: EventBatch): number[] {
  return Array.from({ length: batch.count }, (_, row) => row).filter(
    (row) => batch.route[row] === ROUTE.fast,
  );
}

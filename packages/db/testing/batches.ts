import { createHash } from 'node:crypto';
import { EVENT_TYPES, EventBatch, ROUTE, VERDICT, type EventType } from '@adtally/event-schema';
import {
  keepDeadLetters,
  referToDeadLetters,
  type SourceRange,
  type WriteOptions,
} from '../src/index.ts';

/** One row of a test batch; everything has a default, so that a test names only what it is about. */
export interface RowSpec {
  readonly offset: number;
  readonly sourceId?: number;
  /** Rows with the same identity share impression and key. */
  readonly identity?: string;
  readonly type?: EventType;
  readonly amountMicros?: bigint;
  readonly campaign?: string;
  readonly route?: keyof typeof ROUTE;
}

/** A batch filled as decoding and key derivation would fill it. */
export function batchOf(rows: readonly RowSpec[], capacity = Math.max(rows.length, 1)): EventBatch {
  const batch = new EventBatch(capacity);
  for (const spec of rows) addRow(batch, spec);
  return batch;
}

export function addRow(batch: EventBatch, spec: RowSpec): number {
  const identity = spec.identity ?? `row-${spec.sourceId ?? 1}-${spec.offset}`;
  const record = {
    topic: 'test',
    partition: 0,
    offset: spec.offset,
    key: Buffer.from(identity),
    value: Buffer.from(`value of ${identity}`),
    timestamp: 1_700_000_000_000,
  };
  const row = batch.append(record, spec.sourceId ?? 1);
  batch.verdict[row] = VERDICT.event;
  batch.route[row] = ROUTE[spec.route ?? 'verified'];
  batch.eventType[row] = EVENT_TYPES.indexOf(spec.type ?? 'impression');
  digest(`impression ${identity}`).copy(batch.column('impression_id').bytes, row * 16);
  batch.column('impression_id').present[row] = 1;
  digest(`key ${identity}`).copy(batch.eventKey, row * 16);
  setInt64(batch, 'occurred_at', row, 760_000_000_000_000n + BigInt(spec.offset % 1000));
  setInt64(batch, 'amount_micros', row, spec.amountMicros ?? 1_500_000n);
  setText(batch, 'currency', row, 'EUR');
  setText(batch, 'campaign_id', row, spec.campaign ?? 'campaign-1');
  setText(batch, 'creative_id', row, 'créative-ü');
  setText(batch, 'placement_id', row, 'placement-1');
  return row;
}

/** The range that passes offsets [first, end) of a source. */
export function rangeOf(range: Partial<SourceRange> & { first: number; end: number }): SourceRange {
  return { sourceId: 1, epoch: 1, gap: 0, ...range };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16);
}

function setInt64(batch: EventBatch, name: string, row: number, value: bigint): void {
  const column = batch.column(name);
  column.int64[row] = value;
  column.present[row] = 1;
}

function setText(batch: EventBatch, name: string, row: number, text: string): void {
  const column = batch.column(name);
  const bytes = Buffer.from(text);
  column.start[row] = batch.reserve(bytes.length);
  column.length[row] = bytes.length;
  bytes.copy(batch.arena, column.start[row]);
  column.present[row] = 1;
}

/** How the consumer writes: references beside the events, `tooLarge` rows kept in the database. */
export function asConsumer(
  options: Partial<WriteOptions> = {},
  tooLarge: readonly number[] = [],
): WriteOptions {
  return {
    horizonMs: 0,
    frontier: { ms: 0 },
    trust: 'guesses',
    alongside: async (session, { batch, rejected }) => {
      await referToDeadLetters(session, batch, rejected);
      await keepDeadLetters(session, batch, tooLarge, new Map());
    },
    ...options,
  };
}

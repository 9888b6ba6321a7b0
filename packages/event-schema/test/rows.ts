import { Buffer } from 'node:buffer';
import { EventBatch, VERDICT } from '../src/batch.ts';
import { CONTRACT, type Contract } from '../src/contract.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from '../src/decode/limits.ts';
import type { SourceRecord } from '../src/record.ts';

/** A record that holds these bytes. */
export function recordOf(value: Buffer | null): SourceRecord {
  return { topic: 'made-up', partition: 0, offset: 0, key: null, value };
}

/** A batch of one undecided row. */
export function batchOf(value: Buffer | string | null, contract: Contract = CONTRACT): EventBatch {
  const batch = new EventBatch(1, contract.columns);
  batch.append(recordOf(typeof value === 'string' ? Buffer.from(value) : value), 1);
  return batch;
}

/** Everything a row says, as plain data for comparing. */
export function rowSnapshot(batch: EventBatch, row = 0): object {
  const columns = batch.columns.map((column) => {
    if (column.present[row] !== 1) return [column.name, 'absent'];
    if (column.kind === 'uuid')
      return [column.name, column.bytes.toString('hex', row * 16, row * 16 + 16)];
    if (column.kind !== 'text') return [column.name, String(column.int64[row])];
    const start = column.start[row] as number;
    const end = start + (column.length[row] as number);
    return [column.name, batch.arena.toString('hex', start, end)];
  });
  return {
    verdict: batch.verdict[row],
    type: batch.verdict[row] === VERDICT.event ? batch.eventType[row] : null,
    columns,
    arenaUsed: batch.arenaUsed,
    unknownFields: batch.unknownFields,
    rejection: batch.rejections.get(row) ?? null,
  };
}

type Decode = (batch: EventBatch, row: number, limits: DecodeLimits) => unknown;

/** What a decoder makes of these bytes. */
export function decoded(
  decode: Decode,
  value: Buffer | string | null,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): ReturnType<typeof rowSnapshot> {
  const batch = batchOf(value);
  decode(batch, 0, limits);
  return rowSnapshot(batch);
}
